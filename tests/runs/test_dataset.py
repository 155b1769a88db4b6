"""Folders of data sets are named after the settings that their content depends on."""

from pathlib import Path

import pytest

from inr.config.infer import infer_settings
from inr.config.schema import Config
from inr.config.sections import structure
from inr.runs.dataset import data_root
from tests.support.composed import composed

MESHES = ("data=meshes", "data.source=/shapes")


def folder(*lines: str) -> Path:
    raw = infer_settings(composed(*lines))
    return data_root(structure(Config, raw).data, raw["data"])


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (("data=chairs",), "chairs_8fbd7e2d"),
        (("data=naca",), "naca_f100b463"),
        (("data=points", "data.source=/shapes"), "shapes_1f0100d2"),
        ((*MESHES, "data.sign=winding"), "shapes_85e9cf8e"),
        (("data=outlines", "data.source=/shapes", "data.sign=winding"), "shapes_56a38cf9"),
    ],
)
def test_data_sets_of_earlier_versions_are_found(lines, name):
    assert folder(*lines) == Path("outputs/datasets") / name
    assert folder(*lines, "eval.resolution=64") == folder(*lines)


@pytest.mark.parametrize("sign", ["auto", "outside", "winding", "unsigned", "pseudonormal"])
def test_settings_of_soups_name_data_sets_that_may_hold_soups(sign):
    lines = (*MESHES, f"data.sign={sign}")
    others = ("data.gap=0.01", "data.thickness=0.05", "data.thickness=0", "eval.resolution=64")
    names = {folder(*lines, other) for other in others}
    assert len(names | {folder(*lines)}) == (5 if sign in ("auto", "outside") else 1)
    # null is the number that it stands for
    assert folder(*lines, "data.thickness=0.02") == folder(*lines)
