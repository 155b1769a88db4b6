"""Reconstructions that are empty, ground truths without an inside, clouds, scans."""

import math

import numpy as np
import pytest

from inr.metrics.base import FLOOR
from inr.metrics.eval_shape import Cloud
from inr.shapes.mesh import Mesh, empty_mesh
from tests.support.pairs import PROTOCOLS, ball, ball_distance, evaluator_of, pair, protocol, sheet

DIMS = pytest.mark.parametrize("dim", [2, 3])
EVERY = pytest.mark.parametrize("name", PROTOCOLS)
SMALL = {"emd__num_points": 20, "iou__num_points": 300, "iou__resolution": 8}
SIGNED = {"iou"} | {
    f"{error}{near}" for error in ("mae", "rmse", "smape") for near in ("", "_near")
}
SIGNED |= {f"gradient_norm_{kind}{near}" for kind in ("mean", "std") for near in ("", "_near")}


def measure(name, reconstruction, ground_truth, *, of_clouds=False, **changes):
    evaluator = evaluator_of(ball_distance, lambda d: d, 1.0)
    subject = pair(
        reconstruction, ground_truth, **{"num_points": 300, "evaluator": evaluator, **changes}
    )
    return protocol(name, of_clouds=of_clouds, **SMALL).evaluate(subject)


def outward(dim, num_points=600, radius=0.5):
    directions = np.random.default_rng(0).normal(size=(num_points, dim))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return radius * directions, directions


@DIMS
@EVERY
def test_an_empty_reconstruction(name, dim):
    scan = outward(dim)[0]
    got, reasons = measure(name, empty_mesh(dim), ball(0.5, dim), scan=scan, evaluator=None)
    assert set(reasons) == {"iou"} if name == "vecset" else name == "field" or not reasons
    far = {
        "chamfer_l1": math.sqrt(dim),
        "chamfer_l2": dim,
        "normal_consistency": -1.0,
    }
    for metric in protocol(name).metrics:
        if metric in reasons:
            assert math.isnan(got[metric])
        elif metric == "iou" or metric.startswith("f_score"):
            assert got[metric] == 0
        elif name == "occnet":
            assert got[metric] == pytest.approx(far[metric])
        else:
            assert math.isnan(got[metric]), metric
    floors = [value for key, value in got.items() if key.endswith(FLOOR)]
    assert all(math.isfinite(value) for value in floors)


@DIMS
def test_what_is_far_away_is_scaled_and_added_as_the_metric_is(dim):
    far = {
        ("deepsdf", "chamfer_l2"): 2e3 * 4,
        ("base_inr", "chamfer_l2"): 2e4 * 4,
        ("occnet", "chamfer_l2"): 4,
        ("vecset", "chamfer_l1"): 2 * 2,
        ("srb", "hausdorff"): 2,
        ("srb", "scan_to_reconstruction"): 2,
        ("deepsdf", "mesh_accuracy"): 2,
        ("deepsdf", "emd"): 2,
    }
    subject = pair(empty_mesh(dim), ball(0.5, dim), scan=outward(dim)[0])
    for (name, metric), expected in far.items():
        assert protocol(name).metrics[metric].of_empty(subject, 2.0) == pytest.approx(expected)


@DIMS
@EVERY
@pytest.mark.parametrize("kind", ["sheet", "inside_out"])
def test_a_ground_truth_without_inside_has_all_other_metrics(name, kind, dim):
    solid = ball(0.5, dim)
    ground_truth = sheet(dim) if kind == "sheet" else Mesh(solid.vertices, solid.faces[:, ::-1])
    got, reasons = measure(name, solid, ground_truth, scan=outward(dim)[0])
    refused = {"iou"} & set(protocol(name).metrics)
    if kind == "inside_out" and dim == 2:  # the non-zero rule: it has an inside
        refused = set()
    if name == "field" and kind == "sheet" and dim == 2:
        refused = SIGNED - {"iou"}
    assert set(reasons) == refused
    assert all("ground truth has no inside" in reason for reason in reasons.values())
    for metric, value in got.items():
        assert math.isnan(value) == (metric in refused), metric


@DIMS
@EVERY
@pytest.mark.parametrize("has_normals", [True, False])
def test_a_cloud_as_ground_truth(name, has_normals, dim):
    points, normals = outward(dim)
    ground_truth = Cloud(points, normals if has_normals else None)
    got, reasons = measure(name, ball(0.6, dim), ground_truth, of_clouds=True, scan=points)
    metrics = set(protocol(name).metrics)
    refused = metrics & (SIGNED if has_normals else SIGNED | {"normal_consistency"})
    assert set(reasons) == refused
    assert reasons.get("normal_consistency", "no normals").endswith("no normals")
    assert all("point cloud" in reason for reason in reasons.values())
    for metric, value in got.items():
        assert math.isnan(value) == (metric.removesuffix(FLOOR) in refused), metric
    if has_normals and "normal_consistency" in metrics:
        assert got["normal_consistency"] == pytest.approx(1, abs=0.02)
    if "chamfer_l1" in metrics:
        factor = 2 if name == "vecset" else 1
        # so few points that the nearest is beside the nearest place
        assert got["chamfer_l1"] == pytest.approx(0.1 * factor, rel=0.25)


@DIMS
def test_a_clouds_floor_is_of_halves_that_fraction_no_point(dim):
    points, normals = outward(dim, num_points=101)
    ground_truth = Cloud(points, normals)
    whole = pair(ball(0.5, dim), ground_truth, num_points=1000)
    assert [len(side.points) for side in whole.surface_samples] == [1000, 101]
    one, other = whole.floor().surface_samples
    assert len(one.points) == len(other.points) == 50
    rows = np.concatenate([one.points, other.points])
    assert len(np.unique(rows, axis=0)) == 100
    # normals stay with their points
    assert np.allclose(one.normals * 0.5, one.points)
    few = pair(ball(0.5, dim), ground_truth, num_points=10).surface_samples
    assert [len(side.points) for side in few] == [10, 10]
    assert set(map(tuple, few[1].points)) <= set(map(tuple, points))


@DIMS
def test_definitions_tell_of_a_cloud(dim):
    text = protocol("default", of_clouds=True, num_points=77).infos()["accuracy"].definition
    assert "77 points uniform on the reconstruction, and at most as many" in text


@DIMS
def test_distances_from_a_scan(dim):
    """One-sided: of a scan of half the ground truth, the rest counts for nothing."""
    points = outward(dim)[0]
    scan = points[points[:, 0] > 0]
    got = measure("srb", ball(0.6, dim), ball(0.5, dim), scan=scan, num_points=20000)[0]
    assert got["scan_to_reconstruction"] == pytest.approx(0.1, rel=0.02)
    assert got["scan_to_reconstruction_max"] == pytest.approx(0.1, rel=0.1)
    half = ball(0.6, dim)
    half = Mesh(half.vertices, half.faces[half.corners()[:, :, 0].min(axis=1) > -0.05])
    got = measure("srb", half, ball(0.5, dim), scan=scan, num_points=20000)[0]
    assert got["scan_to_reconstruction"] == pytest.approx(0.1, rel=0.02)
    assert got["hausdorff"] > 0.4  # which sees the missing half
    one = measure("srb", ball(0.6, dim), ball(0.5, dim), scan=2 * scan[:1], num_points=20000)[0]
    assert one["scan_to_reconstruction"] == pytest.approx(0.4, rel=0.01)
    assert one["scan_to_reconstruction"] == one["scan_to_reconstruction_max"]


@DIMS
def test_without_a_scan_its_distances_are_refused_by_name(dim):
    got, reasons = measure("srb", ball(0.6, dim), ball(0.5, dim))
    assert math.isnan(got["scan_to_reconstruction"])
    assert math.isnan(got["scan_to_reconstruction_max"])
    assert math.isfinite(got["chamfer_l1"])
    assert set(reasons) == {"scan_to_reconstruction", "scan_to_reconstruction_max"}
    assert "scans=<folder>" in reasons["scan_to_reconstruction"]
    assert "scan_to_reconstruction_floor" not in got
