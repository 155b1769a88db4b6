"""The protocol of sets of shapes: what its YAML says, against closed forms."""

import numpy as np
import pytest

from inr.config.compose import compose
from inr.config.factories import build_set_metrics
from inr.config.validate import check_config
from inr.metrics.base import Conditions
from inr.metrics.sets import MinimumMatchingDistance, chamfer_distances
from tests.support.pairs import Settings

CONDITIONS = Conditions("box", 2048, "left_out")


def metrics():
    return build_set_metrics(Settings(compose(["eval=generation"])["eval"]))


def clouds(*shifts):
    """One cloud moved along x, so far apart that its points match one to one."""
    base = np.random.default_rng(0).uniform(-0.001, 0.001, (20, 3))
    return [base + np.array([shift, 0, 0]) for shift in shifts]


def test_a_copy_covers_all_and_is_at_no_distance():
    references = clouds(0, 1, 2, 4)
    distances = chamfer_distances([cloud.copy() for cloud in references], references)
    found = {name: metric.measure(distances) for name, metric in metrics().items()}
    assert found["coverage"] == 1
    assert found["minimum_matching_distance"] == pytest.approx(0, abs=1e-12)
    assert found["nearest_neighbour_accuracy"] == 0


def test_one_shape_repeated_covers_one():
    distances = chamfer_distances(clouds(0.1, 0.1, 0.1), clouds(0, 1, 3))
    found = {name: metric.measure(distances) for name, metric in metrics().items()}
    assert found["coverage"] == pytest.approx(1 / 3)
    # both means of squares, times 1e3, of the references' distances 0.1, 0.9 and 2.9
    expected = 1e3 * 2 * np.mean([0.1**2, 0.9**2, 2.9**2])
    assert found["minimum_matching_distance"] == pytest.approx(expected, rel=0.01)


def test_sets_that_lie_apart_are_told_apart():
    distances = chamfer_distances(clouds(10, 11, 12), clouds(0, 1, 2))
    assert metrics()["nearest_neighbour_accuracy"].measure(distances) == 1


def test_definitions_say_points_and_scale():
    infos = {name: metric.info(CONDITIONS) for name, metric in metrics().items()}
    assert all("2048 points" in info.definition for info in infos.values())
    assert infos["minimum_matching_distance"].unit == "0.001 box units^2"
    assert "1000" in infos["minimum_matching_distance"].definition


def test_bad_settings_are_refused():
    with pytest.raises(ValueError, match="scale is 0"):
        MinimumMatchingDistance(scale=0.0)
    raw = compose(["stage=evaluate", "eval=generation"])
    raw["eval"]["metrics"]["hausdorff"] = {"_target_": "inr.metrics.surfaces.Hausdorff"}
    with pytest.raises(ValueError, match="put them into two protocols"):
        check_config(raw)
