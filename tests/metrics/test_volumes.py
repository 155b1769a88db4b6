"""The corners that GridIoU counts, and what each overlap is refused for."""

import math

import numpy as np
import pytest

from inr.metrics.base import NotMeasuredError
from inr.metrics.eval_shape import Cloud, SurfaceSamples
from inr.metrics.surfaces import Chamfer
from inr.metrics.volumes import FieldIoU, GridIoU, PointIoU
from inr.shapes.mesh import Mesh, read_mesh
from tests.support.pairs import (
    ball,
    ball_distance,
    box_distance,
    cube,
    evaluator_of,
    pair,
    rotation,
    sheet,
    turn,
)
from tests.support.paths import GOLDEN

needs_golden = pytest.mark.skipif(
    not (GOLDEN / "metrics.npz").exists(), reason="needs the golden files beside the repository"
)
DIMS = pytest.mark.parametrize("dim", [2, 3])


@pytest.mark.parametrize("resolution", [11, 18])
@DIMS
def test_corner_grid_agrees_with_brute_force(dim, resolution):
    one, other = turn(cube(dim), 20.0), turn(cube(dim, 0.4), 65.0)
    shown = np.array([one.bounds, other.bounds])
    lower, upper = shown[:, 0].min(axis=0), shown[:, 1].max(axis=0)
    axes = [np.linspace(*ends, resolution) for ends in zip(lower, upper, strict=True)]
    if dim == 3:  # the planes of the grid's ends hold floor and roof of the larger box
        axes[2][[0, -1]] += [1e-9, -1e-9]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, dim)
    inside = [
        box_distance(grid @ rotation(dim, degrees), half) < 0
        for degrees, half in ((20.0, 0.5), (65.0, 0.4))
    ]
    expected = (inside[0] & inside[1]).sum() / (inside[0] | inside[1]).sum()
    got = GridIoU(resolution=resolution, at="corners").measure(pair(one, other))
    if dim == 2:
        assert got == expected
    else:
        # on the planes of floor and roof the winding number is 1/2 but for rounding
        either_way = resolution**2 / (resolution - 2) / resolution**2
        assert got == pytest.approx(expected, abs=2 * either_way)


@pytest.mark.parametrize("resolution", [12])
def test_corner_grid_of_turned_boxes_without_faces_in_its_planes(resolution):
    """In 3-D as well, if nothing is level: turned about two axes."""
    tilt = rotation(3, 25.0)[:, [2, 0, 1]][[2, 0, 1]]
    turns = [tilt @ rotation(3, degrees) for degrees in (20.0, 65.0)]
    halves = (0.5, 0.4)
    meshes = [
        Mesh(cube(3, half).vertices @ matrix.T, cube(3).faces)
        for matrix, half in zip(turns, halves, strict=True)
    ]
    bounds = np.array([mesh.bounds for mesh in meshes])
    lower, upper = bounds[:, 0].min(axis=0), bounds[:, 1].max(axis=0)
    axes = [np.linspace(*ends, resolution) for ends in zip(lower, upper, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    one, other = (
        box_distance(grid @ matrix, half) < 0 for matrix, half in zip(turns, halves, strict=True)
    )
    got = GridIoU(resolution=resolution, at="corners").measure(pair(*meshes))
    assert got == (one & other).sum() / (one | other).sum()


@needs_golden
@pytest.mark.parametrize("resolution", [64, 128])
def test_golden_iou(resolution):
    one, other = (read_mesh(GOLDEN / "dataset/meshes" / f"lamp{i}.obj") for i in (0, 1))
    with np.load(GOLDEN / "metrics.npz") as golden:
        expected = float(golden[f"iou_{resolution}"])
    got = GridIoU(resolution=resolution, at="corners").measure(pair(one, other))
    assert got == pytest.approx(expected, abs=1e-6)


@needs_golden
@pytest.mark.parametrize(("squared", "key"), [(True, "squared"), (False, "unsquared")])
def test_golden_chamfer(squared, key):
    """Of the points that were drawn there."""
    with np.load(GOLDEN / "metrics.npz") as golden:
        sides = [golden[key].astype(np.float64) for key in ("points_a", "points_b")]
        expected = float(golden[f"chamfer_{key}_sum"])
    for halved, scale in ((False, 1.0), (True, 2.0), (False, 1e4)):
        metric = Chamfer(squared=squared, halved=halved, scale=scale)
        got = metric.measure(_Given(*sides)) / (1e4 if scale == 1e4 else 1)
        assert got == pytest.approx(expected, rel=1e-6)
    wrong = Chamfer(squared=not squared, halved=False, scale=1.0).measure(_Given(*sides))
    assert wrong != pytest.approx(expected, rel=0.1)


class _Given:
    """A pair of which the points are given."""

    def __init__(self, one, other):
        subject = pair(Cloud(one, None), Cloud(other, None))
        subject.surface_samples = SurfaceSamples(one, None), SurfaceSamples(other, None)
        self.matches = subject.matches


@DIMS
def test_field_iou_is_of_the_sign_alone(dim):
    """An occupancy's logits, or distances of any scale: only where they are negative counts."""
    ground_truth = ball(0.5, dim)
    metric = FieldIoU(num_points=20000)
    larger = evaluator_of(ball_distance, lambda d: 7 * (d - 0.1), 7.0, is_distance=False)
    empty = Mesh(np.zeros((0, dim)), np.zeros((0, dim), dtype=np.int64))
    for mesh in (ground_truth, empty):  # the network's mesh says nothing
        got = metric.measure(pair(mesh, ground_truth, evaluator=larger))
        assert got == pytest.approx((0.5 / 0.6) ** dim, abs=0.015)
    same = evaluator_of(ball_distance, lambda d: d, 1.0)
    assert metric.measure(pair(empty, ground_truth, evaluator=same)) > 0.99
    with pytest.raises(NotMeasuredError, match="needs the field of a network"):
        metric.measure(pair(ground_truth, ground_truth))


def overlaps(dim):
    evaluator = evaluator_of(ball_distance, lambda d: d, 1.0)
    metrics = [
        GridIoU(resolution=16, at="centres"),
        GridIoU(resolution=16, at="corners"),
        PointIoU(num_points=500),
        FieldIoU(num_points=500),
    ]
    return [(metric, evaluator) for metric in metrics]


@DIMS
def test_a_ground_truth_without_inside_has_no_overlap(dim):
    solid = ball(0.5, dim)
    inside_out = Mesh(solid.vertices, solid.faces[:, ::-1])
    cloud = Cloud(solid.vertices, None)
    # in 2-D the non-zero rule gives a contour of either direction an inside
    ground_truths = [sheet(dim), sheet(dim, 50.0), cloud, *([inside_out] if dim == 3 else [])]
    for ground_truth in ground_truths:
        reason = "point cloud" if ground_truth is cloud else "ground truth has no inside"
        for metric, evaluator in overlaps(dim):
            with pytest.raises(NotMeasuredError, match=reason):
                metric.measure(pair(solid, ground_truth, evaluator=evaluator))


@DIMS
def test_an_empty_reconstruction_overlaps_nothing(dim):
    empty = Mesh(np.zeros((0, dim)), np.zeros((0, dim), dtype=np.int64))
    ground_truth = ball(0.5, dim)
    for metric, _ in overlaps(dim)[:3]:
        assert metric.of_empty(pair(empty, ground_truth), None) == 0
        with pytest.raises(NotMeasuredError, match="no inside"):
            metric.of_empty(pair(empty, sheet(dim, 50.0 if dim == 2 else 0.0)), math.sqrt(dim))


def test_settings_out_of_range_are_refused():
    for metric in (PointIoU, FieldIoU):
        with pytest.raises(ValueError, match="num_points is 0; it has to be at least 1"):
            metric(num_points=0)
    for at, least in (("centres", 1), ("corners", 2)):
        with pytest.raises(ValueError, match=f"resolution .* at least {least}"):
            GridIoU(resolution=least - 1, at=at)
    with pytest.raises(ValueError, match=r"at is 'edges'; .* centres, corners"):
        GridIoU(resolution=16, at="edges")
