import igl
import numpy as np
import pytest

from inr.shapes.extract import extract_mesh
from inr.shapes.mesh import Mesh
from inr.shapes.solids import occupancy, scan
from inr.shapes.solids.occupancy import cell_centres, occupancy_on_grid
from tests.support.meshes import inverted, join

LOWER, UPPER = np.array([-1.0, -0.9, -1.1]), np.array([1.0, 1.2, 0.95])

BOX_TRIANGLES = "021 123 456 576 014 154 263 367 042 246 135 375"
BOX_FACES = np.array([[int(i) for i in face] for face in BOX_TRIANGLES.split()])


def box(lower, upper):
    corners = np.array([[x, y, z] for z in (0, 1) for y in (0, 1) for x in (0, 1)], dtype=float)
    return Mesh(lower + corners * (np.asarray(upper) - lower), BOX_FACES)


def sphere(center=(0, 0, 0), radius=0.6, resolution=28):
    return extract_mesh(
        lambda p: np.linalg.norm(p - np.asarray(center), axis=1) - radius,
        dim=3,
        resolution=resolution,
    )


def rotated(mesh):
    rotation, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))
    rotation *= np.sign(np.linalg.det(rotation))
    return Mesh(mesh.vertices @ rotation.T, mesh.faces)


def loop(points, clockwise=False):
    index = np.arange(len(points))
    mesh = Mesh(np.asarray(points, dtype=float), np.stack([index, np.roll(index, -1)], axis=1))
    return inverted(mesh) if clockwise else mesh


def circle(center=(0, 0), radius=0.6, num_points=37, turns=1):
    angle = 2 * np.pi * turns * np.arange(num_points) / num_points
    return np.asarray(center) + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def exact_winding(mesh, lower, upper, resolution):
    centres = cell_centres(lower, upper, resolution)
    points = np.stack(np.meshgrid(*centres, indexing="ij"), axis=-1).reshape(-1, mesh.dim)
    winding = igl.winding_number(mesh.vertices, np.ascontiguousarray(mesh.faces), points)
    return winding.reshape((resolution,) * mesh.dim)


CLOSED = {
    "sphere": sphere(),
    "rotated box": rotated(box((-0.6, -0.4, -0.5), (0.5, 0.3, 0.2))),
    "doubly covered": join(sphere(), sphere()),
    "cavity": join(sphere(radius=0.7), inverted(sphere(radius=0.4))),
    "overlapping": join(sphere((-0.2, 0, 0), 0.5), sphere((0.2, 0.1, 0), 0.5)),
    "inside out": inverted(sphere()),
    "beyond the grid": Mesh(sphere().vertices * 2.3 + 0.4, sphere().faces),
    "long slivers": rotated(box((-0.9, -0.8, -0.003), (0.9, 0.8, 0.08))),
}


@pytest.mark.parametrize("name", CLOSED)
def test_closed_mesh_agrees_with_exact_winding_numbers(name):
    mesh = CLOSED[name]
    assert mesh.is_closed()
    want = exact_winding(mesh, LOWER, UPPER, 36)
    assert np.abs(want - np.round(want)).max() < 1e-6
    got = occupancy_on_grid(mesh, LOWER, UPPER, 36)
    assert got.shape == (36, 36, 36) and got.dtype == np.bool_
    assert np.array_equal(got, want >= 0.5)
    if name != "inside out":
        assert got.any() and not got.all()


def test_winding_numbers_themselves_are_exact():
    mesh = join(CLOSED["doubly covered"], CLOSED["overlapping"], CLOSED["inside out"])
    winding = occupancy._winding(mesh, cell_centres(LOWER, UPPER, 30))
    np.testing.assert_array_equal(winding, np.round(exact_winding(mesh, LOWER, UPPER, 30)))
    assert winding.max() == 3


def test_small_chunks_change_nothing(monkeypatch):
    want = occupancy_on_grid(CLOSED["overlapping"], LOWER, UPPER, 40)
    monkeypatch.setattr(scan, "_CROSSINGS_AT_ONCE", 7)
    assert np.array_equal(occupancy_on_grid(CLOSED["overlapping"], LOWER, UPPER, 40), want)


def test_faces_vertices_and_edges_on_cell_centres():
    """Box planes run exactly through centres; only those on the surface may go either way."""
    lower, upper = np.full(3, -1.0), np.full(3, 1.0)
    centres = cell_centres(lower, upper, 16)[0]  # multiples of 1/16, exact in binary
    mesh = box((centres[3],) * 3, (centres[11],) * 3)
    got = occupancy_on_grid(mesh, lower, upper, 16)
    index = np.stack(np.meshgrid(*[np.arange(16)] * 3, indexing="ij"), axis=-1)
    strictly_inside = ((index > 3) & (index < 11)).all(axis=-1)
    outside = ((index < 3) | (index > 11)).any(axis=-1)
    assert got[strictly_inside].all() and not got[outside].any()
    # The half-open rules give exactly the volume.
    assert got.sum() == 8**3


def test_octahedron_with_vertices_on_columns():
    vertices = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
    faces = np.array(
        [[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]]
    )
    mesh = Mesh(vertices * 0.5, faces)
    lower, upper = np.full(3, -17 / 16), np.full(3, 17 / 16)
    got = occupancy_on_grid(mesh, lower, upper, 17)  # centres at multiples of 1/8
    units = np.stack(np.meshgrid(*[np.arange(-8, 9)] * 3, indexing="ij"), axis=-1)
    distance = np.abs(units).sum(axis=-1)
    assert got[distance < 4].all() and not got[distance > 4].any()


def test_open_mesh_agrees_with_exact_winding_numbers():
    whole = sphere()
    mesh = Mesh(whole.vertices, whole.faces[whole.corners()[:, :, 2].max(axis=1) < 0.3])
    assert not mesh.is_closed()
    want = exact_winding(mesh, LOWER, UPPER, 24)
    got = occupancy_on_grid(mesh, LOWER, UPPER, 24)
    assert np.array_equal(got, want >= 0.5)
    assert 0.5 < got.mean() / occupancy_on_grid(whole, LOWER, UPPER, 24).mean() < 1


CLOSED_2D = {
    "circle": loop(circle()),
    "hole": join(loop(circle()), loop(circle(radius=0.3), clockwise=True)),
    "clockwise": loop(circle(), clockwise=True),
    "overlapping": join(loop(circle((-0.2, 0), 0.5)), loop(circle((0.2, 0.1), 0.5))),
    "star": loop(circle(num_points=5, turns=2)),
}


@pytest.mark.parametrize("name", CLOSED_2D)
def test_closed_curves_agree_with_exact_winding_numbers(name):
    mesh = CLOSED_2D[name]
    want = np.round(exact_winding(mesh, LOWER[:2], UPPER[:2], 53))
    got = occupancy_on_grid(mesh, LOWER[:2], UPPER[:2], 53)
    assert np.array_equal(got, want != 0)
    winding = occupancy._winding(mesh, cell_centres(LOWER[:2], UPPER[:2], 53))
    assert np.abs(winding).max() == (2 if name in ("star", "overlapping") else 1)
    assert np.array_equal(np.abs(winding), np.abs(want))


def test_open_curve_uses_the_winding_number():
    whole = loop(circle(num_points=40))
    mesh = Mesh(whole.vertices, whole.faces[:-3])
    got = occupancy_on_grid(mesh, LOWER[:2], UPPER[:2], 31)
    assert np.array_equal(got, np.abs(exact_winding(mesh, LOWER[:2], UPPER[:2], 31)) >= 0.5)
    assert got.any()


def test_empty_mesh_has_no_inside():
    for dim in (2, 3):
        mesh = Mesh(np.zeros((0, dim)), np.zeros((0, dim), dtype=np.int64))
        assert not occupancy_on_grid(mesh, LOWER[:dim], UPPER[:dim], 5).any()


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="needs \\(3,\\)"):
        occupancy_on_grid(CLOSED["sphere"], LOWER[:2], UPPER[:2], 8)
    with pytest.raises(ValueError, match="resolution is 0"):
        occupancy_on_grid(CLOSED["sphere"], LOWER, UPPER, 0)
