import numpy as np
import pytest

from inr.shapes.mesh import Mesh
from inr.shapes.sdf import signed_distance
from inr.shapes.solids.face_kinds import BURIED, SHEET, WALL, FaceKinds, find_kinds
from inr.shapes.solids.grid import cross_edges, grid_around
from inr.shapes.solids.reachability import INSIDE, OUTSIDE
from tests.support.meshes import join, square
from tests.support.soups import SOLIDS_2D, SOLIDS_3D, box, random_rotation, rectangle

STEP = 2 / 128


def kinds_of(mesh: Mesh, solid: Mesh, step: float = STEP) -> FaceKinds:
    """The kinds of faces around a solid that is known."""
    grid = grid_around(mesh, step, 4 * step)
    inside = signed_distance(solid, grid.positions(np.arange(grid.size))) < 0
    label = np.where(inside, INSIDE, OUTSIDE).astype(np.uint8)
    return find_kinds(mesh, grid, cross_edges(mesh, grid), label)


@pytest.mark.parametrize("solid", [*SOLIDS_3D.values(), *SOLIDS_2D.values()])
def test_the_faces_of_a_solid_are_walls(solid):
    found = kinds_of(solid.mesh, solid.mesh)
    assert found.fractions() == {"wall": pytest.approx(1.0), "sheet": 0.0, "buried": 0.0}
    assert (found.crossing == WALL).all()


def test_each_kind():
    solid = box(0.4, rotation=random_rotation(0))
    shelf = rectangle([-0.2, -0.15, 0.05], [0.3, 0.1, 0], [0, 0.2, 0.1], 3)
    flag = rectangle([0.8, -0.3, 0.1], [0.1, 0.5, 0], [0, 0.1, 0.4], 3)
    found = kinds_of(join(solid, shelf, flag), solid)
    for kind, mesh in ((WALL, solid), (BURIED, shelf), (SHEET, flag)):
        part = found.part(kind)
        assert part.face_areas().sum() == pytest.approx(mesh.face_areas().sum(), rel=1e-9)
        np.testing.assert_allclose(part.bounds, mesh.bounds, atol=1e-12)
        assert len(part.used()) == len(part.vertices)
    total = sum(mesh.face_areas().sum() for mesh in (solid, shelf, flag))
    assert found.fractions()["sheet"] == pytest.approx(flag.face_areas().sum() / total)
    both = found.part(WALL, SHEET)
    assert len(both.faces) == len(solid.faces) + len(flag.faces)


def test_faces_of_several_kinds_are_divided():
    """A rectangle that goes through a box is buried within, and a sheet beyond."""
    solid = box(0.3)
    board = rectangle([-0.7, -0.1, 0.02], [1.4, 0.03, 0], [0, 0.25, 0])
    found = kinds_of(join(solid, board), solid)
    area = 0.25 * 1.4
    assert found.part(BURIED).face_areas().sum() == pytest.approx(area * 0.6 / 1.4, rel=0.1)
    assert found.part(SHEET).face_areas().sum() == pytest.approx(area * 0.8 / 1.4, rel=0.1)
    assert found.part(WALL).face_areas().sum() == pytest.approx(6 * 0.36, rel=0.01)
    used = found.part(BURIED)
    assert np.abs(used.vertices[used.used(), 0]).max() < 0.3 + 3 * STEP


def test_faces_between_the_lines_of_the_grid():
    """Small faces that no line crosses are what is beside them; those that lie apart are sheets."""
    solid = SOLIDS_3D["ball"].mesh
    speck = np.array([[0.9, 0.9, 0.9], [0.9001, 0.9, 0.9], [0.9, 0.9001, 0.9]])
    mesh = join(solid, Mesh(speck, np.array([[0, 1, 2]])))
    found = kinds_of(mesh, solid, 0.1)
    assert len(found.part(SHEET).faces) == 1
    np.testing.assert_array_equal(found.part(SHEET).corners()[0], speck)
    lone = kinds_of(Mesh(speck, np.array([[0, 1, 2]])), solid, 0.1)
    assert (lone.kind == SHEET).all() and len(lone.crossing) == 0


def test_outlines():
    solid = square((0.0, 0.0), 0.4)
    line = Mesh(np.array([[0.0, 0.0], [0.8, 0.05]]), np.array([[0, 1]]))
    found = kinds_of(join(solid, line), solid)
    assert found.part(BURIED).face_areas().sum() == pytest.approx(0.4, abs=3 * STEP)
    assert found.part(SHEET).face_areas().sum() == pytest.approx(0.4, abs=3 * STEP)
    assert found.part(WALL).face_areas().sum() == pytest.approx(3.2, abs=3 * STEP)
