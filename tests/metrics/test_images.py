import numpy as np
import pytest
import trimesh

from inr.metrics.base import NotMeasuredError
from inr.metrics.images import ImageConsistency, image_consistency
from inr.metrics.pair import Pair, Surface, Views
from inr.render.views import cast_views
from inr.shapes.mesh import Mesh, empty_mesh
from inr.shapes.normalize import Normalization, identity
from tests.support.pairs import box


def sphere(radius, center=(0.0, 0.0, 0.0)):
    ball = trimesh.creation.icosphere(5, radius)
    return Mesh(np.asarray(ball.vertices) + center, np.asarray(ball.faces, dtype=np.int64))


def measure(reconstruction, ground_truth, *, frame=None, views=cast_views):
    frame = frame or identity(ground_truth.dim)
    sides = [Surface(frame.undo_mesh(mesh)) for mesh in (reconstruction, ground_truth)]
    pair = Pair(*sides, "shape", 100, 0, frame, views=views)
    if reconstruction.is_empty:
        return ImageConsistency().of_empty(pair, None)
    return ImageConsistency().measure(pair)


def test_a_shape_is_consistent_with_itself():
    assert measure(sphere(0.7), sphere(0.7)) == pytest.approx(1)
    ground_truth = box([-0.5, -0.9, -0.3], [0.5, 0.9, 0.3])
    assert measure(ground_truth, ground_truth) == pytest.approx(1)
    # nothing depends on which way faces are turned
    assert measure(
        Mesh(ground_truth.vertices, ground_truth.faces[:, ::-1]), ground_truth
    ) == pytest.approx(1)


def test_shapes_apart_fraction_no_pixel():
    assert measure(sphere(0.1, (0, 0.6, 0)), sphere(0.1, (0, -0.6, 0))) == 0
    assert measure(empty_mesh(3), sphere(0.5)) == 0


def test_a_smaller_sphere():
    # a sphere of radius r covers a disc of radius ~ r / sqrt(d^2 - r^2); where both are seen, the
    # normals at an offset t from the axis differ by asin(t / R') - asin(t / r'), to first order
    small, large, distance = 0.2, 0.25, 2.0
    fractions = [r**2 / (distance**2 - r**2) for r in (small, large)]
    offsets = np.sqrt((np.arange(20000) + 0.5) / 20000 * fractions[0])

    def angle(radius):
        # where the ray at tangent `offsets` meets the sphere: law of sines
        aim = np.arctan(offsets)
        return np.arcsin(distance * np.sin(aim) / radius) - aim

    cosine = np.cos(angle(small) - angle(large)).mean()
    wanted = fractions[0] / fractions[1] * cosine
    assert cosine < 0.99
    assert measure(sphere(small), sphere(large)) == pytest.approx(wanted, rel=0.01)


def test_shapes_are_seen_in_the_box_whatever_frame_is_measured_in():
    turn = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    frame = Normalization(np.array([3.0, 1.0, -2.0]), turn, 0.02)
    one, other = sphere(0.5), box([-0.4] * 3, [0.4] * 3)
    assert measure(one, other, frame=frame) == pytest.approx(measure(one, other), rel=1e-3)


def views(masks, normals):
    """Two views of 1 x 4 pixels."""
    masks = np.array(masks, dtype=bool).reshape(2, 1, 4)
    normals = np.broadcast_to(np.array(normals, dtype=float), (*masks.shape, 3))
    return Views(masks, np.where(masks[..., None], normals, 0))


def test_the_definition_by_hand():
    ground_truth = views([[1, 1, 1, 0], [1, 1, 0, 0]], [0, 0, 1])
    got = views([[0, 1, 1, 1], [0, 0, 1, 1]], [0, 0.6, 0.8])
    assert image_consistency(got, ground_truth) == pytest.approx((2 / 4 * 0.8 + 0) / 2)
    # a view that shows neither says nothing
    ground_truth = views([[1, 1, 1, 0], [0, 0, 0, 0]], [0, 0, 1])
    got = views([[0, 1, 1, 1], [0, 0, 0, 0]], [0, 0.6, 0.8])
    assert image_consistency(got, ground_truth) == pytest.approx(2 / 4 * 0.8)


def test_what_has_no_views():
    flat = box([0.0, 0.0], [0.5, 0.5])
    with pytest.raises(NotMeasuredError, match="2-D"):
        measure(flat, flat)
    with pytest.raises(NotMeasuredError, match="renderer"):
        measure(sphere(0.5), sphere(0.5), views=None)
    with pytest.raises(NotMeasuredError, match="no view shows the ground truth"):
        measure(sphere(0.5), sphere(0.1, (50, 0, 0)))
