"""Configurations that earlier versions wrote, kept as they wrote them, are understood."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from inr.config.compose import register_resolvers
from inr.config.instantiate import resolve
from inr.config.migrate import SCHEMA_VERSION
from inr.config.renamed import new_target
from inr.config.validate import check_config
from inr.runs.directory import Run

register_resolvers()
CONFIGS = sorted(Path(__file__).with_name("version_4").glob("*.yaml"))
# every class that a YAML file of version 0.1.0 named
TARGETS = """
losses: BinaryCrossEntropy Channels ClampedL1 CodeNorm Curriculum Eikonal HardSamples Heat
    Intersection L1 L2 LinearHardSamples NormalAlignment OffSurface PartDistance SignAgnostic
    SurfaceDistance
metrics.assignment: EarthMover
metrics.fields: FieldError GradientNorm
metrics.images: ImageConsistency
metrics.parts: PartIoU
metrics.scans: ScanDistance
metrics.sets: Coverage MinimumMatchingDistance NearestNeighbourAccuracy
metrics.surfaces: Accuracy Chamfer Completeness FScore Hausdorff MeshAccuracy NormalConsistency
metrics.volumes: CornerGridIoU FieldIoU GridIoU PointIoU
models.activations: GEGLU Gabor Swish
models.bodies: MLP
models.encodings: Fourier Identity Positional
models.experts: Experts
models.hash_grid: HashGrid
models.initialize: Sphere
models.latents: Codes
models.layers: Demodulation
models.part_codes: PartCodes
models.parts: PartMLP
models.periodic: Finer Sine
render.contour: Contour
render.raycast: RayCast
shapes.chairs: Chairs
shapes.naca: Naca
training.schedules: Constant Cosine MultiStep Step
training.tracking: Silent
training.wandb_logger: Wandb
"""


def targets() -> list[str]:
    found, module = [], ""
    for word in TARGETS.split():
        if word.endswith(":"):
            module = f"inr.{word.removesuffix(':')}"
        else:
            found.append(f"{module}.{word}")
    return found


@pytest.mark.parametrize("target", targets())
def test_every_class_is_still_there_or_has_a_new_name(target: str) -> None:
    assert resolve(new_target(target) or target)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_run_opens(path: Path, tmp_path: Path) -> None:
    stored: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert stored["schema_version"] < SCHEMA_VERSION
    (tmp_path / "config.yaml").write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    config = Run(tmp_path).config()
    check_config(config)
    for section in ("train", "reconstruct", "prepare", "sample"):
        new = dict(config[section])
        for key in [key for key in new if key not in stored[section]]:
            del new[key]
        old = stored[section]
        if section == "prepare":
            old["drop_missing"] = old.pop("drop_gone")
            new["drop_missing"] = config[section]["drop_missing"]
        assert new == old
    assert config["optimizer"]["latent_lr"] == stored["optimizer"]["code_lr"]
    assert config["latent"]["dim"] == stored["latent"]["dim"]
