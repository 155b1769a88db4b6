"""What a reconstruction depends on, read off the schema."""

import pytest

from inr.config.compose import compose, register_resolvers
from inr.config.fingerprint import fingerprint
from inr.config.schema import Config
from inr.config.sections import structure

register_resolvers()
MESH = {"eval.resolution", "eval.coarse_to_fine"}
FIT = {"seed"} | {
    f"reconstruct.{name}"
    for name in (
        "observe",
        "iterations",
        "samples_per_shape",
        "sign_balanced",
        "lr",
        "lr_drop",
        "init_std",
    )
}
PARTS = {"reconstruct.poses", "reconstruct.pose_lr", "reconstruct.labels"}
SURFACE = {
    f"train.{name}" for name in ("surface_per_shape", "space_per_shape", "space_near", "space_std")
}


@pytest.mark.parametrize(
    ("observe", "of", "keys"),
    [
        ("sdf", {"mesh"}, MESH),
        ("sdf", {"mesh", "fit"}, MESH | FIT),
        ("surface", {"mesh", "fit"}, MESH | FIT | {"reconstruct.offset"}),
        ("partial", {"fit"}, FIT | {"reconstruct.offset", "reconstruct.view"}),
        ("sdf", {"mesh", "fit", "fit_parts", "fit_surface"}, MESH | FIT | PARTS | SURFACE),
    ],
)
def test_only_what_matters_is_part_of_it(observe: str, of: set[str], keys: set[str]) -> None:
    config = structure(Config, compose([f"reconstruct.observe={observe}", "eval.resolution=99"]))
    found = fingerprint(config, of)
    assert set(found) == keys
    assert found.get("eval.resolution", 99) == 99
    assert found.get("reconstruct.observe", observe) == observe
