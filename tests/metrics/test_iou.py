import numpy as np
import pytest

from inr.metrics.iou import iou
from inr.shapes.extract import extract_mesh
from inr.shapes.mesh import Mesh
from tests.support.pairs import box

BOX_TRIANGLES = "021 123 456 576 014 154 263 367 042 246 135 375"
BOX_FACES = {
    2: np.array([[0, 1], [1, 3], [3, 2], [2, 0]]),
    3: np.array([[int(i) for i in face] for face in BOX_TRIANGLES.split()]),
}


def ball(center, radius, dim):
    offset = np.zeros(dim)
    offset[0] = center
    return extract_mesh(
        lambda p: np.linalg.norm(p - offset, axis=1) - radius, dim=dim, resolution=90
    )


@pytest.mark.parametrize("dim", [2, 3])
def test_shifted_boxes(dim):
    one = box([0.0] * dim, [1.0] * dim)
    other = box([0.3] + [0.0] * (dim - 1), [1.3] + [1.0] * (dim - 1))
    assert iou(one, other) == pytest.approx(0.7 / 1.3, abs=0.01)
    assert iou(one, other, resolution=130) == pytest.approx(0.7 / 1.3, abs=1e-12)


@pytest.mark.parametrize("dim", [2, 3])
def test_nested_boxes_of_another_scale_and_place(dim):
    outer = box([100.0] * dim, [108.0] * dim)
    inner = box([102.0] * dim, [104.0] * dim)
    assert iou(inner, outer, resolution=64) == pytest.approx(1 / 4**dim)
    assert iou(outer, inner, resolution=64) == pytest.approx(1 / 4**dim)


def test_shifted_spheres():
    radius, shift = 0.5, 0.3
    lens = np.pi * (4 * radius + shift) * (2 * radius - shift) ** 2 / 12
    union = 2 * 4 / 3 * np.pi * radius**3 - lens
    got = iou(ball(-shift / 2, radius, 3), ball(shift / 2, radius, 3))
    assert got == pytest.approx(lens / union, rel=5e-3)


def test_shifted_circles():
    radius, shift = 0.5, 0.3
    half_angle = np.arccos(shift / 2 / radius)
    lens = 2 * radius**2 * half_angle - shift / 2 * np.sqrt(4 * radius**2 - shift**2)
    union = 2 * np.pi * radius**2 - lens
    got = iou(ball(-shift / 2, radius, 2), ball(shift / 2, radius, 2))
    assert got == pytest.approx(lens / union, rel=5e-3)


@pytest.mark.parametrize("dim", [2, 3])
def test_equal_disjoint_and_empty(dim):
    one, far = box([0.0] * dim, [1.0] * dim), box([2.0] * dim, [3.0] * dim)
    empty = Mesh(np.zeros((0, dim)), np.zeros((0, dim), dtype=np.int64))
    assert iou(one, one) == 1
    assert iou(one, far) == 0
    assert iou(empty, one) == 0


def test_ground_truth_without_inside_is_refused():
    one = box([0.0] * 3, [1.0] * 3)
    inside_out = Mesh(one.vertices, one.faces[:, ::-1])
    empty = Mesh(np.zeros((0, 3)), np.zeros((0, 3), dtype=np.int64))
    for ground_truth in (inside_out, empty, box([0.0] * 3, [1.0, 1.0, 0.0])):
        with pytest.raises(ValueError, match="ground truth has no inside"):
            iou(one, ground_truth, resolution=16)
    with pytest.raises(ValueError, match="ground truth has no inside"):
        iou(empty, empty)
    assert iou(inside_out, one, resolution=16) == 0


def test_other_dimension_is_refused():
    with pytest.raises(ValueError, match="2-D cannot be held against a ground truth in 3-D"):
        iou(box([0.0] * 2, [1.0] * 2), box([0.0] * 3, [1.0] * 3))
