"""Overrides of a command line: every form that Hydra reads is asked in the same way."""

import pytest

from inr.config.overrides import Overrides

# what is typed, what it sets, and what it does not
FORMS = {
    "eval.resolution=64": (["eval.resolution", "eval"], ["eval.num_points", "eval.res"]),
    "+eval.extra=1": (["eval.extra", "eval"], ["eval.resolution"]),
    "++eval.resolution=64": (["eval.resolution"], ["eval.seed"]),
    "~eval.metrics.iou": (["eval.metrics.iou", "eval.metrics", "eval"], ["eval.metrics.emd"]),
    "~eval.seed=3": (["eval.seed"], ["seed"]),
    "eval={resolution: 64, metrics: {iou: {resolution: 9}}}": (
        ["eval.resolution", "eval.metrics.iou.resolution", "eval.metrics", "eval"],
        ["eval.seed", "eval.metrics.emd"],
    ),
    # a choice is of the group; which keys its file has is not said here
    "eval=occnet": (["eval"], ["eval.resolution"]),
    "optimizer/schedule=cosine": (["optimizer.schedule", "optimizer"], ["optimizer.lr"]),
    "model@decoder.inner=siren": (["decoder.inner", "decoder"], ["model"]),
    "+loss/extra@loss=l1": (["loss"], ["loss.extra"]),
    "~experiment": (["experiment"], ["data"]),
    "data.source='a=b, c'": (["data.source"], ["data.root"]),
    "split=[train,test]": (["split"], ["data.splits"]),
    "hydra.run.dir=elsewhere": ([], ["hydra", "hydra.run.dir"]),
    "hydra/launcher=joblib": ([], ["hydra.launcher"]),
}


@pytest.mark.parametrize("line", FORMS)
def test_every_form_is_asked_in_one_way(line: str) -> None:
    overrides = Overrides(["seed=1", line])
    yes, no = FORMS[line]
    for key in yes:
        assert [one.line for one in overrides(key)] == [line], key
    for key in no:
        assert line not in [one.line for one in overrides(key)], key
    assert overrides.lines == ["seed=1", line]


def test_what_is_deleted_is_known() -> None:
    (one,) = Overrides(["~loss.latent"])
    assert one.is_deletion and one.key == "loss.latent" and one.value is None
    (other,) = Overrides(["loss.latent.weight=2"])
    assert not other.is_deletion and other.value == 2


def test_what_cannot_be_read_is_said() -> None:
    with pytest.raises(ValueError, match=r"'x' cannot be read; write key=value"):
        Overrides(["seed=1", "x"])
