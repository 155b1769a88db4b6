import math

import numpy as np
import pytest

from inr.metrics.base import FLOOR
from inr.shapes.mesh import Mesh
from tests.support.pairs import coarse_ball, pair, protocol

POINT_BASED = [
    "accuracy",
    "completeness",
    "chamfer_l2",
    "chamfer_l1",
    "hausdorff",
    "f_score",
    "normal_consistency",
]


def measure(reconstruction, ground_truth, *, f_score_threshold=0.01, **changes):
    default = protocol("default", iou__resolution=48, f_score__threshold=f_score_threshold)
    values, reasons = default.evaluate(pair(reconstruction, ground_truth, **changes))
    assert reasons == {}
    assert list(values) == list(default.infos())
    return values


@pytest.mark.parametrize("dim", [2, 3])
def test_concentric_balls(dim):
    got = measure(coarse_ball(0.6, dim), coarse_ball(0.5, dim), f_score_threshold=0.15)
    for metric in ("accuracy", "completeness", "chamfer_l1", "hausdorff"):
        tolerance = 0.25 if metric == "hausdorff" else 0.05
        assert got[metric] == pytest.approx(0.1, rel=tolerance), metric
    assert got["chamfer_l2"] == pytest.approx(2 * 0.1**2, rel=0.1)
    assert got["f_score"] == 1
    assert got["normal_consistency"] > 0.99
    assert got["iou"] == pytest.approx((0.5 / 0.6) ** dim, rel=0.02)
    for metric in ("accuracy", "completeness", "chamfer_l1", "chamfer_l2", "hausdorff"):
        assert 0 < got[metric + FLOOR] < got[metric]


def test_sides_are_not_exchanged():
    ground_truth = coarse_ball(0.5, 2)
    part = Mesh(
        ground_truth.vertices, ground_truth.faces[ground_truth.corners()[:, :, 0].max(axis=1) < 0]
    )
    got = measure(part, ground_truth)
    assert got["accuracy"] < 2 * got["accuracy_floor"]
    assert got["completeness"] > 50 * got["completeness_floor"]


def test_a_perfect_reconstruction_scores_the_floor():
    ground_truth = coarse_ball(0.5, 3)
    got = measure(ground_truth, ground_truth)
    assert got["iou"] == 1
    for metric in POINT_BASED:
        assert got[metric] == got[metric + FLOOR]
    assert got["accuracy"] > 0


def test_floor_shrinks_as_points_are_added():
    ground_truth = coarse_ball(0.5, 3)
    few, many = (measure(ground_truth, ground_truth, num_points=n) for n in (1000, 16000))
    # Nearest distances on a surface go as the inverse root of the number of samples.
    assert few["chamfer_l1_floor"] / many["chamfer_l1_floor"] == pytest.approx(4, rel=0.15)
    assert few["chamfer_l2_floor"] / many["chamfer_l2_floor"] == pytest.approx(16, rel=0.3)
    assert many["normal_consistency_floor"] > few["normal_consistency_floor"]


def test_results_depend_on_name_and_seed_alone():
    one, other = coarse_ball(0.5, 2), coarse_ball(0.55, 2)
    assert measure(one, other) == measure(one, other)
    assert measure(one, other)["accuracy"] != measure(one, other, seed=1)["accuracy"]
    assert measure(one, other)["accuracy"] != measure(one, other, name="x")["accuracy"]


@pytest.mark.parametrize("dim", [2, 3])
def test_empty_reconstruction(dim):
    empty = Mesh(np.zeros((0, dim)), np.zeros((0, dim), dtype=np.int64))
    got = measure(empty, coarse_ball(0.5, dim))
    assert got["iou"] == 0 and got["f_score"] == 0
    for metric in POINT_BASED:
        assert math.isfinite(got[metric + FLOOR])
        assert metric == "f_score" or math.isnan(got[metric])


def test_infos_say_the_settings():
    changed = {"num_points": 123, "iou__resolution": 45, "f_score__threshold": 0.02}
    infos = protocol("default", **changed).infos()
    assert "123 points" in infos["accuracy"].definition
    assert "45 cells" in infos["iou"].definition
    assert "0.02" in infos["f_score"].definition


def test_a_protocol_asks_for_the_field_only_if_a_metric_does():
    asking = {
        name for name in ("default", "occnet", "vecset", "field") if protocol(name).needs_field
    }
    assert asking == {"vecset", "field"}


def test_other_dimensions_and_a_ground_truth_without_surface_are_refused():
    flat, solid = coarse_ball(0.5, 2), coarse_ball(0.5, 3)
    with pytest.raises(ValueError, match="in 2-D cannot be compared with a ground truth in 3-D"):
        measure(flat, solid)
    with pytest.raises(ValueError, match="the ground truth has no surface"):
        measure(flat, Mesh(np.zeros((0, 2)), np.zeros((0, 2), dtype=np.int64)))
