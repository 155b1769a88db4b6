"""What follows from other settings is in the configuration before anything depends on it."""

import pytest

from inr.config.infer import infer_settings, infer_thickness
from inr.config.validate import check_config
from tests.support.composed import composed

MESHES = ("data=meshes", "data.source=shapes")


def thickness(*lines: str) -> float | None:
    return infer_settings(composed(*MESHES, *lines))["data"]["thickness"]


@pytest.mark.parametrize("sign", ["auto", "outside"])
def test_shells_can_be_seen_in_a_mesh(sign):
    for resolution in (64, 128):
        lines = (f"data.sign={sign}", f"eval.resolution={resolution}")
        assert thickness(*lines) == pytest.approx(2.5 * 2 / (resolution - 1))
        assert thickness(*lines, "data.thickness=0.05") == 0.05
        assert thickness(*lines, "data.thickness=0") == 0
    assert thickness(f"data.sign={sign}") == 0.02  # of 256 points


@pytest.mark.parametrize("sign", ["winding", "unsigned", "pseudonormal"])
def test_other_signs_need_no_thickness(sign):
    assert thickness(f"data.sign={sign}") is None


@pytest.mark.parametrize(
    "changes",
    [{"data": None}, {"data": {}}, {"eval": None}, {"eval": {}}, {"eval": {"resolution": "a"}}],
)
def test_what_is_refused_later_is_left_as_it_is(changes):
    raw = composed(*MESHES) | changes
    assert infer_thickness(raw) is raw


def test_shells_that_are_too_thin_are_refused_with_the_configuration():
    raw = infer_settings(composed(*MESHES, "data.thickness=0.005"))
    with pytest.raises(ValueError, match=r"data\.thickness=0\.005: .*use data\.thickness=0\.0098"):
        check_config(raw)
    check_config({**raw, "data": {**raw["data"], "sign": "winding"}})
