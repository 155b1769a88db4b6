"""What conf/eval says is what was published, and what the metrics say of themselves."""

import pytest

from tests.support.pairs import PROTOCOLS, protocol, settings_of

# frame, points, what an empty one counts as, and what else makes the numbers comparable
PUBLISHED = {
    "default": ("box", 30000, "left_out", {"f_score": " 0.01 to", "iou": "128 cells"}),
    "deepsdf": ("native", 30000, "left_out", {"mesh_accuracy": "90th", "emd": " 500 points"}),
    "base_inr": ("box", 30000, "left_out", {"iou": "256 points along each"}),
    "partsdf": ("box", 30000, "left_out", {"iou": "128 points along each"}),
    "occnet": (
        "unit_cube",
        100000,
        "diagonal",
        {
            "iou": " 100000 points uniform in the box",
            "f_score": " 0.01 to",
            "f_score_15": " 0.015 to",
            "f_score_20": " 0.02 to",
        },
    ),
    "srb": ("native", 1000000, "left_out", {"scan_to_reconstruction": " 1000000 points"}),
    "vecset": ("unit_box", 100000, "left_out", {"iou": " 100000 points", "f_score": " 0.02 to"}),
    "field": ("box", 100000, "left_out", {"mae": "uniform in the box", "mae_near": "0.02 box"}),
}


@pytest.mark.parametrize("name", PROTOCOLS)
def test_settings_are_the_published_ones(name):
    settings, infos = settings_of(name), protocol(name).infos()
    *conditions, said = PUBLISHED[name]
    assert [settings.frame, settings.num_points, settings.empty] == conditions
    assert settings.protocol == name
    assert settings.seed == 0
    for metric, text in said.items():
        assert text in infos[metric].definition, infos[metric]


UNITS = {
    ("default", "chamfer_l1"): "box units",
    ("default", "chamfer_l2"): "box units^2",
    ("default", "chamfer_l2_floor"): "box units^2",
    ("default", "iou"): "fraction",
    ("default", "normal_consistency"): "cosine",
    ("deepsdf", "chamfer_l2"): "0.001 native units^2",
    ("deepsdf", "emd"): "native units",
    ("base_inr", "chamfer_l2"): "0.0001 box units^2",
    ("occnet", "chamfer_l1"): "unit-cube units",
    ("srb", "scan_to_reconstruction"): "native units",
    ("field", "mae"): "box units",
    ("field", "smape"): "fraction",
    ("field", "gradient_norm_std"): "norm",
}
WORDS = {
    ("default", "chamfer_l2"): "sum of both mean squared distances; 30000 points per surface",
    ("default", "chamfer_l1"): "half the sum of both mean distances; 30000",
    ("deepsdf", "chamfer_l2"): "sum of both mean squared distances, times 1000;",
    ("base_inr", "chamfer_l2"): "sum of both mean squared distances, times 10000;",
    ("occnet", "chamfer_l2"): "half the sum of both mean squared distances; 100000",
    ("occnet", "f_score"): "distance at most",
    ("vecset", "f_score"): "distance less than",
    ("vecset", "chamfer_l1"): "sum of both mean distances; 100000",
}


@pytest.mark.parametrize(("key", "unit"), UNITS.items())
def test_units(key, unit):
    assert protocol(key[0]).infos()[key[1]].unit == unit


@pytest.mark.parametrize(("key", "words"), WORDS.items())
def test_definitions_begin_with_what_is_computed(key, words):
    definition = protocol(key[0]).infos()[key[1]].definition
    assert words in definition
    assert words.startswith("half") == definition.startswith("half")
