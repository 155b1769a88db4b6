"""Errors of fields that are wrong by a known amount, in the box's frame and in others."""

import numpy as np
import pytest
from scipy.integrate import dblquad

from inr.metrics.base import NotMeasuredError
from inr.metrics.eval_shape import Cloud
from inr.metrics.fields import FieldError, GradientNorm
from inr.shapes.mesh import Mesh
from inr.shapes.normalize import identity
from tests.support.pairs import (
    PROTOCOLS,
    ball,
    ball_distance,
    box_distance,
    cube,
    evaluator_of,
    pair,
    protocol,
    sheet,
    some_frame,
)

DIMS = pytest.mark.parametrize("dim", [2, 3])
NEAR = pytest.mark.parametrize("near", ["", "_near"])
NUM_POINTS = 3000


def measure(dim, function, slope=1.0, *, frame=None):
    """A cube of half-extent 0.5 in the box, measured in a frame of its own."""
    frame = identity(dim) if frame is None else frame
    evaluator = evaluator_of(lambda points: box_distance(points, 0.5), function, slope)
    ground_truth = frame.undo_mesh(cube(dim))
    subject = pair(
        ground_truth, ground_truth, num_points=NUM_POINTS, evaluator=evaluator, box=frame
    )
    values, reasons = protocol("field").evaluate(subject)
    assert reasons == {}
    assert all(np.isfinite(value) for value in values.values())
    return values


@DIMS
@NEAR
@pytest.mark.parametrize("framed", [False, True])
def test_a_field_that_is_too_large_by_a_tenth(near, dim, framed):
    frame = some_frame(dim) if framed else identity(dim)
    got = measure(dim, lambda d: d + 0.1, frame=frame)
    # 0.1 box units are so many of the frame's own
    assert got["mae" + near] == pytest.approx(0.1 / frame.scale, rel=1e-6)
    assert got["rmse" + near] == pytest.approx(0.1 / frame.scale, rel=1e-6)
    assert 0 < got["smape" + near] <= 2


@DIMS
@NEAR
@pytest.mark.parametrize("framed", [False, True])
def test_a_field_that_is_twice_the_distance(near, dim, framed):
    frame = some_frame(dim) if framed else identity(dim)
    got = measure(dim, lambda d: 2 * d, 2.0, frame=frame)
    assert got["smape" + near] == pytest.approx(2 / 3, rel=1e-4)  # |2d - d| / (3 |d| / 2)
    assert got["gradient_norm_mean" + near] == 2
    assert got["gradient_norm_std" + near] == 0
    assert got["mae" + near] < got["rmse" + near]


@DIMS
@NEAR
def test_a_true_field_has_no_error_and_one_of_wrong_sign_the_largest(near, dim):
    right, wrong = measure(dim, lambda d: d), measure(dim, lambda d: -d)
    for error in ("mae", "rmse"):
        assert right[error + near] == pytest.approx(0, abs=1e-7)
    assert right["smape" + near] < 1e-4
    assert wrong["smape" + near] == pytest.approx(2, rel=1e-6)


@DIMS
def test_a_field_of_zero_tells_where_it_was_asked(dim):
    """Its error is the distance: near the surface that of the noise, else the box's mean."""
    got = measure(dim, lambda d: 0 * d)
    assert got["smape"] == pytest.approx(2)
    if dim == 2:  # by the symmetry, of a quarter
        mean = dblquad(lambda y, x: abs(box_distance(np.array([[x, y]]), 0.5)[0]), 0, 1, 0, 1)[0]
        assert got["mae"] == pytest.approx(mean, rel=0.05)
    # on flat faces the distance is the noise's part along the normal; some of it goes at edges
    assert got["rmse_near"] == pytest.approx(0.02, rel=0.05)
    assert got["mae_near"] == pytest.approx(0.02 * np.sqrt(2 / np.pi), rel=0.05)


@DIMS
def test_noise_is_in_box_units_whatever_the_frame(dim):
    got = measure(dim, lambda d: 0 * d, frame=some_frame(dim))
    assert got["rmse_near"] * some_frame(dim).scale == pytest.approx(0.02, rel=0.05)


@DIMS
@pytest.mark.parametrize("framed", [False, True])
def test_points_anywhere_fill_the_box(dim, framed):
    frame = some_frame(dim) if framed else identity(dim)
    ground_truth = frame.undo_mesh(cube(dim))
    subject = pair(ground_truth, ground_truth, num_points=8000, box=frame)
    points = frame.apply(subject.distance_samples(np.inf)[0])
    assert np.abs(points).max() <= 1 + 1e-9
    assert points.mean(axis=0) == pytest.approx(np.zeros(dim), abs=0.03)
    assert points.var(axis=0) == pytest.approx(np.full(dim, 1 / 3), rel=0.05)


@DIMS
def test_gradient_norms_are_asked_at_the_points_of_the_box(dim):
    """Of norms that are one coordinate's size: uniform on [0, 1], in any frame."""
    for frame in (identity(dim), some_frame(dim)):
        ground_truth = frame.undo_mesh(cube(dim))
        evaluator = evaluator_of(ball_distance, lambda d: d, 1.0)
        evaluator = type(evaluator)(
            evaluator.values, lambda points: np.abs(points[:, 0]), is_distance=True
        )
        subject = pair(ground_truth, ground_truth, num_points=8000, evaluator=evaluator, box=frame)
        values = [
            GradientNorm(statistic=statistic, near_std=None).measure(subject)
            for statistic in ("mean", "std")
        ]
        assert values[0] == pytest.approx(0.5, rel=0.03)
        assert values[1] == pytest.approx(np.sqrt(1 / 12), rel=0.03)


@DIMS
def test_an_occupancy_is_no_distance(dim):
    evaluator = evaluator_of(ball_distance, lambda d: 20 * d, 20.0, is_distance=False)
    ground_truth = ball(0.5, dim)
    got, reasons = protocol("field").evaluate(
        pair(ground_truth, ground_truth, num_points=500, evaluator=evaluator)
    )
    for metric, value in got.items():
        assert np.isnan(value)
        assert "occupancy, not a distance" in reasons[metric]


@DIMS
def test_what_has_no_field_or_no_inside_is_refused(dim):
    solid, evaluator = ball(0.5, dim), evaluator_of(ball_distance, lambda d: d, 1.0)
    metrics = (
        FieldError(error="mae", near_std=None),
        GradientNorm(statistic="mean", near_std=0.02),
    )
    for metric in metrics:
        with pytest.raises(NotMeasuredError, match="only meshes are given"):
            metric.measure(pair(solid, solid))
        with pytest.raises(NotMeasuredError, match="point cloud"):
            metric.measure(pair(solid, Cloud(solid.vertices, None), evaluator=evaluator))
    if dim == 2:
        with pytest.raises(NotMeasuredError, match="outline is open"):
            metrics[0].measure(pair(solid, sheet(2), evaluator=evaluator))


@DIMS
def test_a_field_is_measured_where_its_mesh_is_empty(dim):
    """No mesh came of it, yet it has errors."""
    empty = Mesh(np.zeros((0, dim)), np.zeros((0, dim), dtype=np.int64))
    evaluator = evaluator_of(ball_distance, lambda d: d + 0.3, 1.0)
    subject = pair(empty, ball(0.5, dim), num_points=500, evaluator=evaluator)
    assert protocol("field").evaluate(subject)[0]["mae"] == pytest.approx(0.3, rel=1e-2)


def test_the_field_is_asked_by_no_other_protocol_but_one():
    assert {name for name in PROTOCOLS if protocol(name).needs_field} == {"field", "vecset"}


def test_settings_out_of_range_are_refused():
    with pytest.raises(ValueError, match="mae, rmse, smape"):
        FieldError(error="mse", near_std=None)
    with pytest.raises(ValueError, match="mean or std"):
        GradientNorm(statistic="max", near_std=None)
    with pytest.raises(ValueError, match="near_std is 0"):
        FieldError(error="mae", near_std=0.0)
