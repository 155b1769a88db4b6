import numpy as np
import pytest
import trimesh

from inr.render.contour import Contour
from inr.render.slices import cross_section, slice_row, slice_values
from inr.shapes.mesh import Mesh
from inr.shapes.sdf import is_inside

OTHERS = {0: [1, 2], 1: [0, 2], 2: [0, 1]}


def contour():
    return Contour(size=96, color=[0.3, 0.5, 0.8], background=[1.0, 1.0, 1.0])


def of(mesh, move=(0, 0, 0)):
    return Mesh(np.asarray(mesh.vertices, float) + move, np.asarray(mesh.faces, np.int64))


def ball(points):
    return np.linalg.norm(points - [0.1, 0.2, -0.3], axis=1) - 0.5


def ink(image):
    return image.max(axis=2) < 60


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_values_are_those_of_the_field_in_the_plane(axis):
    calls = []

    def field(points):
        calls.append(len(points))
        return points @ [1.0, 10.0, 100.0]

    values = slice_values(field, axis=axis, offset=0.25, resolution=9, chunk_size=30)
    assert max(calls) == 30 and sum(calls) == 81
    side = np.linspace(-1, 1, 9)
    weights = np.array([1.0, 10.0, 100.0])
    right, up = OTHERS[axis]
    expected = 0.25 * weights[axis] + side[:, None] * weights[right] + side * weights[up]
    np.testing.assert_allclose(values, expected, atol=1e-12)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_cross_section_of_a_hollow_box(axis):
    outer = trimesh.creation.box((1.0, 1.2, 1.4))
    inner = trimesh.creation.box((0.5, 0.6, 0.7))
    inner.invert()
    move = np.array([0.1, -0.2, 0.3])
    mesh = of(trimesh.util.concatenate([outer, inner]), move)
    section = cross_section(mesh, axis=axis, offset=move[axis] + 0.07)
    sides = np.array([1.0, 1.2, 1.4])[OTHERS[axis]]
    assert section.dim == 2 and section.is_closed()
    assert section.volume() == pytest.approx(0.75 * sides.prod())
    middle = move[OTHERS[axis]]
    np.testing.assert_allclose(section.bounds, [middle - sides / 2, middle + sides / 2])
    # its sides are where a point of the plane goes in or out of the solid
    flat = np.random.default_rng(0).uniform(-1, 1, (500, 2))
    points = np.insert(flat, axis, move[axis] + 0.07, axis=1)
    np.testing.assert_array_equal(is_inside(section, flat), is_inside(mesh, points))


def test_cross_section_through_vertices_is_closed():
    sphere = of(trimesh.creation.icosphere(subdivisions=3, radius=0.8))
    section = cross_section(sphere, axis=2, offset=0.0)
    assert section.is_closed()
    assert section.volume() == pytest.approx(np.pi * 0.64, rel=0.01)
    assert cross_section(sphere, axis=2, offset=0.9).is_empty


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_row_shows_the_zero_level_and_the_ground_truth(axis):
    offsets = [-0.3, 0.1, 0.9]
    row = slice_row(ball, contour(), axis=axis, offsets=offsets, resolution=65)
    center = np.array([0.1, 0.2, -0.3])
    assert row.dtype == np.uint8
    left = [
        (row.shape[1] - 3 * 96) // 4 + k * ((row.shape[1] - 3 * 96) // 4 + 96) for k in range(3)
    ]
    pictures = [row[-(96 + 4) : -4, x : x + 96] for x in left]
    for offset, picture in zip(offsets, pictures, strict=True):
        squared = 0.25 - (offset - center[axis]) ** 2
        rows, columns = np.nonzero(ink(picture))
        if squared <= 0:
            assert len(rows) == 0
            continue
        right, up = (center[i] for i in OTHERS[axis])
        x, y = (columns + 0.5) / 48 - 1, 1 - (rows + 0.5) / 48
        assert len(rows) > 40
        np.testing.assert_allclose(np.hypot(x - right, y - up), squared**0.5, atol=0.05)
    ground_truth = of(trimesh.creation.icosphere(subdivisions=3, radius=0.7), center)
    drawn = slice_row(
        ball, contour(), axis=axis, offsets=offsets, resolution=65, ground_truth=ground_truth
    )
    assert drawn.shape == row.shape and (drawn != row).any()


def test_wrong_arguments_are_refused():
    good = {"axis": 0, "offsets": [0.0], "resolution": 8}
    flat = Mesh(np.zeros((2, 2)), np.array([[0, 1]]))
    for change, message in (
        ({"axis": 3}, "axis is 3; it must be 0, 1 or 2"),
        ({"offsets": []}, "offsets is empty"),
        ({"offsets": [np.nan]}, "offset is nan"),
        ({"resolution": 1}, "resolution is 1"),
        ({"chunk_size": 0}, "chunk_size is 0"),
        ({"ground_truth": flat}, "3-D"),
    ):
        with pytest.raises(ValueError, match=message):
            slice_row(ball, contour(), **(good | change))
    with pytest.raises(ValueError, match=r"shape \(64, 1\) for 64 points"):
        slice_row(lambda p: p[:, :1], contour(), **good)
    with pytest.raises(ValueError, match="not finite"):
        slice_row(lambda p: p[:, 0] * np.nan, contour(), **good)
