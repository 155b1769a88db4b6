import numpy as np
import pytest

from inr.shapes.mesh import Mesh
from inr.shapes.sdf import signed_distance, unsigned_distance
from inr.shapes.solids.grid import Grid, cross_edges, grid_around
from inr.shapes.solids.reachability import INSIDE, OUTSIDE, Reached, distances_of, reach
from tests.support.meshes import inverted, join, square
from tests.support.soups import SOLIDS_2D, SOLIDS_3D, box, loop

STEP, GAP = 2 / 128, 0.06


def reach_in(mesh: Mesh, gap: float = GAP, step: float = STEP) -> tuple[Grid, Reached]:
    grid = grid_around(mesh, step, gap / 2 + 4 * step)
    return grid, reach(mesh, grid, cross_edges(mesh, grid), gap)


def side_at(grid: Grid, reached: Reached, *point: float) -> int:
    index = np.round((np.array(point) - grid.lower) / grid.step).astype(int)
    return int(reached.label.reshape(grid.shape)[tuple(index)])


def open_square(width: float) -> Mesh:
    """A square with an opening of this width in the middle of its right side."""
    corners = np.array([[0.5, width / 2], [0.5, 0.5], [-0.5, 0.5], [-0.5, -0.5], [0.5, -0.5]])
    corners = np.concatenate([corners, [[0.5, -width / 2]]])
    index = np.arange(5)
    return Mesh(corners, np.stack([index, index + 1], axis=1))


@pytest.mark.parametrize("name", [*SOLIDS_2D, *SOLIDS_3D])
@pytest.mark.parametrize("gap", [0.0, GAP])
def test_the_sides_of_closed_meshes_are_exact(name, gap):
    mesh = (SOLIDS_2D | SOLIDS_3D)[name].mesh
    turned = Mesh(mesh.vertices, np.concatenate([mesh.faces[1::2, ::-1], mesh.faces[::2]]))
    grid, reached = reach_in(turned, gap)
    inside = signed_distance(mesh, grid.positions(np.arange(grid.size))) < 0
    np.testing.assert_array_equal(reached.label, np.where(inside, INSIDE, OUTSIDE))
    assert reached.without_gaps == inside.sum()


def test_cavities_are_filled():
    grid, reached = reach_in(join(loop(0.7, 50), inverted(loop(0.3, 30))))
    assert side_at(grid, reached, 0.0, 0.0) == side_at(grid, reached, 0.5, 0.0) == INSIDE


@pytest.mark.parametrize("width", [0.02, 0.056, 0.08, 0.1])
def test_openings(width):
    grid, reached = reach_in(open_square(width))
    is_held = width < GAP
    assert side_at(grid, reached, 0.0, 0.0) == (INSIDE if is_held else OUTSIDE)
    assert reached.without_gaps == 0
    if is_held:
        assert (reached.label == INSIDE).sum() * STEP**2 == pytest.approx(1.0, rel=0.03)
        # the sides meet in the opening, to a step
        assert side_at(grid, reached, 0.5 + 1.6 * STEP, 0.0) == OUTSIDE
        assert side_at(grid, reached, 0.5 - 1.6 * STEP, 0.0) == INSIDE
    else:
        assert (reached.label == OUTSIDE).all()
    assert (reach_in(open_square(width), 0.0)[1].label == OUTSIDE).all()


def test_rooms_narrower_than_a_gap_need_narrower_openings():
    """A channel of 0.055 that ends in both directions, with an opening in its longer side."""
    for width, side in ((0.012, INSIDE), (0.05, OUTSIDE)):
        room = open_square(width)
        mesh = Mesh(room.vertices * [0.055, 1.0], room.faces)
        grid, reached = reach_in(mesh, step=STEP / 2)
        assert side_at(grid, reached, 0.0, 0.3) == side


def test_a_thin_plate_is_inside_where_nodes_are_in_it():
    for half in (0.6 * STEP, 1.5 * STEP):
        mesh = box((0.4, 0.4, half))
        grid, reached = reach_in(mesh)
        positions = grid.positions(np.arange(grid.size))
        is_deep = signed_distance(mesh, positions) < -0.3 * STEP
        assert (reached.label[is_deep] == INSIDE).all()
        assert (reached.label[signed_distance(mesh, positions) > 0] == OUTSIDE).all()


def test_pockets_of_buried_faces_are_inside():
    """Of faces that meet in a point, there are pockets that are thinner than the grid."""
    outline = square((0.0, 0.0), 0.5)
    angle = np.linspace(0, 2 * np.pi, 23)[:-1]
    tips = 0.4 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    index = np.arange(22)
    star = Mesh(
        np.concatenate([np.zeros((1, 2)), tips]), np.stack([np.zeros(22, int), index + 1], axis=1)
    )
    mesh = join(outline, star)
    grid, reached = reach_in(mesh)
    inside = signed_distance(outline, grid.positions(np.arange(grid.size))) < 0
    np.testing.assert_array_equal(reached.label == INSIDE, inside)


def test_distances_where_they_are_wanted():
    mesh = loop(0.4, 20)
    grid = grid_around(mesh, 0.1, 0.0)
    where = np.arange(grid.size) % 3 == 0
    found = distances_of(mesh, grid, where)
    assert np.isinf(found[~where]).all()
    nodes = np.flatnonzero(where)
    expected = unsigned_distance(mesh, grid.positions(nodes))
    np.testing.assert_allclose(found[where], expected, rtol=1e-6)
