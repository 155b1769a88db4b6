import numpy as np
import pytest

from inr.shapes.dual_contouring import dual_contour
from inr.shapes.mesh import Mesh
from inr.shapes.sdf import unsigned_distance
from inr.shapes.solids.grid import Grid, cross_edges, grid_around
from tests.support.meshes import distance_to_box, icosphere, square
from tests.support.soups import SOLIDS_3D, box, loop, random_rotation

STEP = 2 / 64


def edges_of(inside: np.ndarray, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """The edges between nodes inside and outside: lower nodes and axes."""
    found = []
    for axis in range(grid.dim):
        index = np.nonzero(np.diff(inside.reshape(grid.shape), axis=axis))
        node = np.ravel_multi_index(index, grid.shape)
        found.append((node, np.full(len(node), axis)))
    node, axis = (np.concatenate(column) for column in zip(*found, strict=True))
    return node, axis


def contour_function(value, gradient, dim: int) -> Mesh:
    """The surface where a function is 0, of exact crossings and normals."""
    grid = Grid(np.full(dim, -1.0) + np.array([0.003, 0.007, 0.011])[:dim], STEP, (64,) * dim)
    inside = value(grid.positions(np.arange(grid.size))) < 0
    node, axis = edges_of(inside, grid)
    low, unit = grid.positions(node), np.eye(dim)[axis] * STEP
    start, end = np.zeros((len(node), 1)), np.ones((len(node), 1))
    for _ in range(50):
        middle = (start + end) / 2
        is_before = ((value(low + middle * unit) < 0) == inside[node])[:, None]
        start, end = np.where(is_before, middle, start), np.where(is_before, end, middle)
    points = low + start * unit
    return dual_contour(inside, grid, node, axis, points, gradient(points))


def contour_mesh(mesh: Mesh, step: float) -> Mesh:
    """The surface of a closed mesh, of its crossings with a grid."""
    grid = grid_around(mesh, step, 0.0)
    crossings = cross_edges(mesh, grid)
    is_odd = np.zeros((grid.dim, grid.size), dtype=bool)
    np.logical_xor.at(is_odd, (crossings.axis, crossings.node), True)
    flips = np.cumsum(is_odd[0].reshape(grid.shape), axis=0) % 2 == 1
    inside = np.zeros(grid.shape, dtype=bool)
    inside[1:] = flips[:-1]
    node, axis = edges_of(inside, grid)
    number = np.full(grid.dim * grid.size, -1)
    number[crossings.axis * grid.size + crossings.node] = np.arange(len(crossings.node))
    index = number[axis * grid.size + node]
    assert (index >= 0).all()
    normals = mesh.face_normals()[crossings.face[index]]
    return dual_contour(
        inside.reshape(-1), grid, node, axis, crossings.positions(grid)[index], normals
    )


def gradient_of_norm(points: np.ndarray) -> np.ndarray:
    return points / np.linalg.norm(points, axis=1, keepdims=True)


@pytest.mark.parametrize("dim", [2, 3])
def test_balls(dim):
    radius = 0.7
    found = contour_function(lambda x: np.linalg.norm(x, axis=1) - radius, gradient_of_norm, dim)
    assert found.is_closed()
    volume = np.pi * radius**2 if dim == 2 else 4 / 3 * np.pi * radius**3
    assert found.volume() == pytest.approx(volume, rel=2e-3)
    # an error of second order: the sagitta of a cell
    off = np.abs(np.linalg.norm(found.vertices, axis=1) - radius)
    assert off.max() < STEP**2 / radius
    outward = np.einsum("fd,fd->f", found.face_normals(), found.corners().mean(axis=1))
    assert (outward > 0.9 * radius).all()


def test_a_torus():
    major, minor = 0.6, 0.25

    def value(x):
        return np.hypot(np.hypot(x[:, 0], x[:, 1]) - major, x[:, 2]) - minor

    def gradient(x):
        ring = x * [1, 1, 0]
        return gradient_of_norm(x - major * ring / np.linalg.norm(ring, axis=1, keepdims=True))

    found = contour_function(value, gradient, 3)
    assert found.is_closed()
    assert found.volume() == pytest.approx(2 * np.pi**2 * major * minor**2, rel=5e-3)
    num_edges = len(found.faces) * 3 // 2
    assert len(found.vertices) - num_edges + len(found.faces) == 0  # of one handle


@pytest.mark.parametrize("half", [(0.5, 0.3), (0.5, 0.3, 0.4)])
def test_boxes_have_their_corners(half):
    """Vertices lie on faces, edges and corners; the volume is exact."""
    half = np.array(half)
    mesh = square((0.0, 0.0), half) if len(half) == 2 else box(half)
    found = contour_mesh(mesh, STEP)
    assert found.is_closed()
    assert found.volume() == pytest.approx((2 * half).prod(), rel=1e-12)
    np.testing.assert_allclose(distance_to_box(found.vertices, half), 0, atol=1e-9)
    np.testing.assert_allclose(unsigned_distance(found, mesh.vertices), 0, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_rotated_boxes(seed):
    """Sharp edges are exact but in cells where they cut a corner off: there, to half a cell."""
    half, turn = np.array([0.5, 0.3, 0.4]), random_rotation(seed)
    found = contour_mesh(box(half, rotation=turn), STEP)
    assert found.is_closed()
    assert found.volume() == pytest.approx((2 * half).prod(), rel=1e-3)
    off = np.abs(distance_to_box(found.vertices @ turn, half))
    assert off.max() < STEP / 2 and (off < 1e-9).mean() > 0.95
    edge = np.linspace(-1, 1, 201)[:, None] * [half[0], 0, 0] + [0, half[1], half[2]]
    assert unsigned_distance(found, edge @ turn.T).max() < STEP / 2


@pytest.mark.parametrize(
    "mesh", [icosphere(0.6, subdivisions=3), SOLIDS_3D["torus"].mesh, loop(0.6, 40)]
)
def test_the_crossings_of_meshes_give_them_back(mesh):
    found = contour_mesh(mesh, STEP / 2)
    assert found.is_closed()
    assert found.volume() == pytest.approx(mesh.volume(), rel=2e-3)


@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("seed", range(5))
def test_whatever_is_inside_no_edge_is_open(dim, seed):
    rng = np.random.default_rng(seed)
    grid = Grid(np.zeros(dim), 1.0, (12,) * dim)
    inside = np.zeros(grid.shape, dtype=bool)
    inside[(slice(1, -1),) * dim] = rng.random((10,) * dim) < [0.5, 0.1, 0.9, 0.3, 0.7][seed]
    node, axis = edges_of(inside, grid)
    points = grid.positions(node) + 0.5 * np.eye(dim)[axis]
    outward = np.where(inside.reshape(-1)[node], 1.0, -1.0)
    normals = np.eye(dim)[axis] * outward[:, None]
    found = dual_contour(inside.reshape(-1), grid, node, axis, points, normals)
    assert found.is_closed()
    if dim == 2:
        assert (np.bincount(found.faces.reshape(-1)) == 2).all()
        return
    edges = np.concatenate([found.faces[:, [i, (i + 1) % 3]] for i in range(3)])
    _, count = np.unique(np.sort(edges, axis=1), axis=0, return_counts=True)
    # four where two cells are joined twice, across one square
    assert np.isin(count, (2, 4)).all() and (count == 2).mean() > 0.99
    assert seed not in (1, 3) or (count == 2).all()


@pytest.mark.parametrize("dim", [2, 3])
def test_where_no_normal_is_known_the_surface_is_smoothed(dim):
    """A cap of a ball without crossings or normals becomes a smooth one, the rest stays."""
    radius = 0.7

    def gradient(points):
        found = gradient_of_norm(points)
        found[points[:, 0] > 0.6] = 0
        return found

    full = contour_function(lambda x: np.linalg.norm(x, axis=1) - radius, gradient_of_norm, dim)
    found = contour_function(lambda x: np.linalg.norm(x, axis=1) - radius, gradient, dim)
    is_fixed = (found.vertices == full.vertices).all(axis=1)
    assert is_fixed[full.vertices[:, 0] < 0.6 - STEP].all()
    assert not is_fixed[full.vertices[:, 0] > 0.6 + STEP].any()
    assert found.is_closed()
    # flatter than the ball, without steps: the normals of the cap are close to the axis
    is_cap = found.corners()[:, :, 0].min(axis=1) > 0.6 + STEP
    assert (found.face_normals()[is_cap, 0] > 0.8).all()
    assert found.vertices[:, 0].max() < radius
