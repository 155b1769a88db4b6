"""A job on a run takes the run's configuration, but for what the command line sets."""

from pathlib import Path
from typing import Any

import pytest

from inr.config.job import Job, check_resume, merge_with_run
from inr.config.overrides import Overrides
from inr.settings import get_path
from tests.support.composed import composed

RUN = Path("the_run")
TRAINED = ["experiment=small_cpu", "data=chairs", "eval=occnet", "logger=none", "seed=3"]


@pytest.fixture(scope="module")
def stored() -> dict[str, Any]:
    """The configuration of a run that was trained."""
    return composed(*TRAINED)


def merged(stored: dict[str, Any], *lines: str) -> dict[str, Any]:
    job = Job(composed(*lines), Overrides(lines), name="job", folder=None)
    return merge_with_run(job, stored, RUN).raw


def test_what_is_not_typed_is_the_runs_own(stored: dict[str, Any]) -> None:
    found = merged(stored, "stage=evaluate", "run=latest", "epoch=7", "device=cpu")
    assert (found["stage"], found["run"], found["epoch"]) == ("evaluate", "latest", 7)
    for key in ("model", "latent", "loss", "data", "eval", "train", "optimizer", "seed"):
        assert found[key] == stored[key], key


@pytest.mark.parametrize(
    ("line", "key", "value"),
    [
        ("eval.resolution=64", "eval.resolution", 64),
        ("++eval.resolution=64", "eval.resolution", 64),
        ("eval={resolution: 64}", "eval.resolution", 64),
        ("reconstruct.iterations=9", "reconstruct.iterations", 9),
        ("split=[train,test]", "split", ["train", "test"]),
        ("train.epochs=9001", "train.epochs", 9001),
        ("optimizer/schedule=constant", "optimizer.schedule._target_", None),
        ("data.root=elsewhere", "data.root", "elsewhere"),
        ("+eval.metrics.again={_target_: inr.metrics.surfaces.Accuracy}", "eval.metrics.again", {}),
        ("~eval.metrics.iou", "eval.metrics.iou", None),
    ],
)
def test_what_is_typed_wins(stored: dict[str, Any], line: str, key: str, value: Any) -> None:
    found = merged(stored, "eval=occnet", line) if "metrics" in line else merged(stored, line)
    got = get_path(found, key)
    if key == "eval.metrics.again":
        assert got == {"_target_": "inr.metrics.surfaces.Accuracy"}
    elif key.startswith("optimizer"):
        assert got == "inr.training.schedules.Constant" != get_path(stored, key)
    else:
        assert got == value != get_path(stored, key)
    # its neighbours stay as the run has them
    assert found["eval"]["frame"] == stored["eval"]["frame"] != composed()["eval"]["frame"]


def test_a_group_is_taken_whole(stored: dict[str, Any]) -> None:
    found = merged(stored, "eval=deepsdf")
    assert found["eval"] == composed("eval=deepsdf")["eval"] != stored["eval"]


def test_an_experiment_brings_what_comes_after_training(stored: dict[str, Any]) -> None:
    found = merged(stored, "experiment=small_cpu", "data=chairs")
    assert found["eval"] == composed("experiment=small_cpu")["eval"] != stored["eval"]
    assert found["model"] == stored["model"]


@pytest.mark.parametrize(
    "line",
    [
        "model=siren",
        "model.hidden_dim=7",
        "++model.hidden_dim=7",
        "model={hidden_dim: 7}",
        "latent.dim=5",
        "~loss.latent",
        "+loss.more={_target_: inr.losses.L1, weight: 1.0}",
        "data=naca",
        "data.sampling.num_surface=9",
    ],
)
def test_what_contradicts_the_checkpoint_is_refused(stored: dict[str, Any], line: str) -> None:
    with pytest.raises(ValueError, match="contradicts the run 'the_run'") as error:
        merged(stored, line)
    assert f"'{line}'" in str(error.value)


def test_what_agrees_is_no_contradiction(stored: dict[str, Any]) -> None:
    assert merged(stored, "model=deepsdf_small")["model"] == stored["model"]


def test_settings_of_each_step_are_fixed_on_resuming(stored: dict[str, Any]) -> None:
    same = Job(merged(stored, "train.epochs=9999"), Overrides(), name="", folder=None)
    check_resume(same, stored)
    for line in ("train.shapes_per_batch=3", "train.clip_gradient_norm=0.1", "seed=4"):
        other = Job(merged(stored, line), Overrides(), name="", folder=None)
        key = line.partition("=")[0]
        with pytest.raises(ValueError, match=rf"keeps its own {key}="):
            check_resume(other, stored)
