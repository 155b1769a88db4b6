import numpy as np
import pytest

from inr.shapes.mesh import Mesh
from inr.shapes.solids import scan as module
from inr.shapes.solids.scan import Crossings, expand, scan
from tests.support.meshes import icosphere, inverted, square
from tests.support.soups import SOLIDS_3D, box, loop, random_rotation

LINES = np.linspace(-0.9712, 0.9533, 25)  # none through a vertex or an edge
TORUS = SOLIDS_3D["torus"].mesh
MESHES = {
    "ball": icosphere(0.6, (0.1, 0.0, -0.1), subdivisions=2),
    "rotated box": SOLIDS_3D["rotated box"].mesh,
    "torus": Mesh(TORUS.vertices @ random_rotation(2), TORUS.faces),
    "loop": loop(0.6 + 0.2 * np.cos(np.arange(40)), 40),
}


def crossings_of(mesh: Mesh, lines=LINES) -> Crossings:
    parts = list(scan(mesh, [lines] * (mesh.dim - 1)))
    return Crossings(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def by_brute_force(mesh: Mesh, lines: np.ndarray) -> list[tuple[int, ...]]:
    """Solve for the crossing of every face with every line: face, line, and position."""
    found = []
    dim = mesh.dim
    places = np.stack(np.meshgrid(*[lines] * (dim - 1), indexing="ij"), axis=-1)
    index = np.stack(np.indices(places.shape[:-1]), axis=-1).reshape(-1, dim - 1)
    places = places.reshape(-1, dim - 1)
    for number, corners in enumerate(mesh.corners()):
        edges = (corners[1:] - corners[0]).T
        if abs(np.linalg.det(edges[:-1])) < 1e-12:
            continue
        weights = np.linalg.solve(edges[:-1], (places - corners[0, :-1]).T)
        hits = (weights > 0).all(axis=0) & (weights.sum(axis=0) < 1)
        position = corners[0, -1] + edges[-1] @ weights
        found += [(number, *index[i], position[i]) for i in np.flatnonzero(hits)]
    return sorted(found)


@pytest.mark.parametrize("name", MESHES)
def test_crossings_are_those_of_brute_force(name):
    mesh = MESHES[name]
    found = crossings_of(mesh)
    rows = sorted(zip(found.face, *found.line.T, found.position, strict=True))
    np.testing.assert_allclose(np.array(rows), np.array(by_brute_force(mesh, LINES)), atol=1e-12)
    leaves = mesh.face_normals()[found.face, -1] > 0
    np.testing.assert_array_equal(found.leaves, leaves)
    assert crossings_of(inverted(mesh)).leaves.sum() == (~leaves).sum()


@pytest.mark.parametrize(
    "mesh", [box(0.5), box((0.5, 0.25, 0.75)), icosphere(0.5), square((0.0, 0.0), 0.5)]
)
def test_lines_through_vertices_and_edges_cross_closed_meshes_evenly(mesh):
    """And they enter and leave in turn, though many lines are in faces and edges."""
    found = crossings_of(mesh, np.linspace(-1, 1, 17))
    line = found.line @ 17 ** np.arange(mesh.dim - 1)
    order = np.lexsort([found.leaves, found.position, line])
    assert len(order) and (np.bincount(line) % 2 == 0).all()
    inside = np.cumsum(np.where(found.leaves[order], -1, 1))
    assert set(inside.tolist()) == {0, 1}


def test_chunks_change_nothing(monkeypatch):
    mesh = MESHES["ball"]
    whole = crossings_of(mesh)
    monkeypatch.setattr(module, "_CROSSINGS_AT_ONCE", 50)
    assert len(list(scan(mesh, [LINES] * 2))) > 5
    for one, other in zip(crossings_of(mesh), whole, strict=True):
        np.testing.assert_array_equal(one, other)


def test_faces_along_the_lines_and_without_area_are_not_crossed():
    wall = Mesh(np.array([[0.0, 0, 0], [0, 1, 0], [0, 0, 1]]), np.array([[0, 1, 2], [0, 0, 1]]))
    assert len(crossings_of(wall).face) == 0
    assert len(crossings_of(Mesh(np.array([[0.0, 0], [0, 1]]), np.array([[0, 1]]))).face) == 0


def test_expand():
    owner, value = expand(np.array([2, 5, 1, 7]), np.array([4, 5, 0, 8]))
    assert owner.tolist() == [0, 0, 3] and value.tolist() == [2, 3, 7]
