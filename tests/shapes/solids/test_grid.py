import numpy as np
import pytest

from inr.shapes.mesh import Mesh
from inr.shapes.sdf import signed_distance, unsigned_distance
from inr.shapes.solids.grid import Grid, cross_edges, dilate, grid_around
from tests.support.meshes import icosphere
from tests.support.soups import SOLIDS_2D, SOLIDS_3D, loop, random_rotation


def test_nodes_and_their_positions():
    grid = Grid(np.array([1.0, 2.0, 3.0]), 0.5, (4, 3, 2))
    assert (grid.dim, grid.size, grid.strides.tolist()) == (3, 24, [6, 2, 1])
    np.testing.assert_array_equal(grid.axis(1), [2.0, 2.5, 3.0])
    node = np.arange(24).reshape(grid.shape)[2, 1, 1]
    np.testing.assert_array_equal(grid.positions(np.array([node])), [[2.0, 2.5, 3.5]])


@pytest.mark.parametrize("mesh", [icosphere(0.5, (1.0, 2.0, -3.0)), loop(0.7, 9)])
@pytest.mark.parametrize("margin", [0.0, 0.13])
def test_a_grid_reaches_beyond_the_mesh(mesh, margin):
    grid = grid_around(mesh, 0.05, margin)
    last = grid.lower + 0.05 * (np.array(grid.shape) - 1)
    lower, upper = mesh.bounds
    for beyond in (lower - grid.lower, last - upper):
        assert (beyond >= margin).all() and (beyond < margin + 4 * 0.05).all()


@pytest.mark.parametrize("solid", [*SOLIDS_3D.values(), *SOLIDS_2D.values()])
def test_edges_are_crossed_where_the_side_changes(solid):
    mesh = solid.mesh
    grid = grid_around(mesh, 0.03, 0.0)
    found = cross_edges(mesh, grid)
    assert (found.fraction >= 0).all() and (found.fraction <= 1).all()
    np.testing.assert_allclose(unsigned_distance(mesh, found.positions(grid)), 0, atol=1e-12)
    inside = signed_distance(mesh, grid.positions(np.arange(grid.size))) < 0
    for axis in range(grid.dim):
        count = np.bincount(found.node[found.axis == axis], minlength=grid.size)
        index = np.indices(grid.shape)[axis].reshape(-1)
        node = np.flatnonzero(index < grid.shape[axis] - 1)
        changes = inside[node] != inside[node + grid.strides[axis]]
        np.testing.assert_array_equal(count[node] % 2 == 1, changes)
    # on the face that it says
    for number in np.random.default_rng(0).integers(len(found.face), size=20):
        face = Mesh(mesh.vertices, mesh.faces[found.face[[number]]])
        assert unsigned_distance(face, found.positions(grid)[[number]]) < 1e-12


def test_no_path_slips_through_a_thin_plate():
    """Every node edge between its two sides is crossed, in any direction."""
    turn = random_rotation(3)
    corners = np.array([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]) @ turn.T
    sheet = Mesh(corners, np.array([[0, 1, 2], [0, 2, 3]]))
    grid = grid_around(sheet, 1 / 16, 0.0)
    found = cross_edges(sheet, grid)
    across, height = np.split(grid.positions(np.arange(grid.size)) @ turn, [2], axis=1)
    side = height[:, 0] > 0
    flat = (np.abs(across).max(axis=1) < 0.9) & (np.abs(height[:, 0]) < 0.1)
    for axis in range(3):
        is_crossed = np.zeros(grid.size, dtype=bool)
        is_crossed[found.node[found.axis == axis]] = True
        node = np.flatnonzero(flat)
        differs = side[node] != side[node + grid.strides[axis]]
        np.testing.assert_array_equal(is_crossed[node], differs)


def test_dilate():
    mask = np.zeros((9, 9), dtype=bool)
    mask[4, 4] = mask[0, 8] = True
    grown = dilate(mask, 2)
    assert grown[2:7, 2:7].all() and grown[:3, 6:].all()
    assert grown.sum() == 25 + 9 - 1  # they share a node
    np.testing.assert_array_equal(dilate(mask, 0), mask)
