import json
from itertools import combinations, pairwise

import networkx as nx
import numpy as np
import pytest
import trimesh

from inr.shapes.mesh import Mesh
from inr.shapes.solids.checks import (
    check_mesh,
    component_of_faces,
    degenerate_faces,
    edge_uses,
    face_keys,
)
from tests.support.meshes import from_trimesh, join


def moved(mesh: Mesh, offset) -> Mesh:
    return Mesh(mesh.vertices + np.asarray(offset, float), mesh.faces)


def loop(points) -> Mesh:
    index = np.arange(len(points))
    return Mesh(np.asarray(points, float), np.stack([index, np.roll(index, -1)], axis=1))


BOX = from_trimesh(trimesh.creation.box((1.0, 2.0, 3.0)))
SQUARE = loop([(0, 0), (2, 0), (2, 2), (0, 2)])


def test_a_box_has_nothing_wrong_with_it():
    checks = check_mesh(moved(BOX, [5, 6, 7]))
    assert checks.as_dict() == {
        "dim": 3,
        "vertices": 8,
        "faces": 12,
        "watertight": True,
        "closed": True,
        "consistent_winding": True,
        "components": 1,
        "duplicate_faces": 0,
        "degenerate_faces": 0,
        "boundary_edges": 0,
        "volume": pytest.approx(6),
        "area": pytest.approx(22),
    }
    assert json.loads(json.dumps(checks.as_dict()))["watertight"] is True


def test_a_square_has_nothing_wrong_with_it():
    checks = check_mesh(SQUARE)
    assert (checks.volume, checks.area) == (4, 8)
    assert checks.watertight and checks.closed and checks.consistent_winding
    assert (checks.components, checks.boundary_edges) == (1, 0)


@pytest.mark.parametrize("mesh", [BOX, SQUARE], ids=["3-D", "2-D"])
def test_what_is_wrong_is_counted(mesh):
    dim = mesh.dim
    opened = check_mesh(Mesh(mesh.vertices, mesh.faces[1:]))
    assert opened.boundary_edges == dim and not opened.watertight and not opened.closed
    assert opened.consistent_winding
    flipped = mesh.faces.copy()
    flipped[0] = flipped[0, ::-1]
    turned = check_mesh(Mesh(mesh.vertices, flipped))
    assert turned.watertight and not turned.consistent_winding and not turned.closed
    inward = check_mesh(Mesh(mesh.vertices, mesh.faces[:, ::-1]))
    assert inward.volume == pytest.approx(-check_mesh(mesh).volume) and inward.consistent_winding
    doubled = check_mesh(join(mesh, mesh))  # each copy with vertices of its own
    assert doubled.duplicate_faces == len(mesh.faces) and doubled.closed
    assert doubled.components == 2 and doubled.consistent_winding
    both = np.concatenate([mesh.faces, mesh.faces[:, ::-1]])
    assert check_mesh(Mesh(mesh.vertices, both)).duplicate_faces == len(mesh.faces)
    two = check_mesh(join(mesh, moved(mesh, 10)))
    assert two.components == 2 and two.volume == pytest.approx(2 * check_mesh(mesh).volume)


def test_degenerate_faces_are_found_at_any_scale_and_dropped():
    line = [[0, 0, 0], [1, 1, 1], [3, 3, 3], [0, 0, 0], [1, 0, 0], [0.3, 1e-9, 0]]
    faces = np.array([[0, 1, 2], [0, 0, 4], [0, 3, 4], [0, 4, 5], [1, 1, 1]])
    for scale in (1e-30, 1.0, 1e9):
        mesh = Mesh(np.array(line) * scale, faces)
        np.testing.assert_array_equal(degenerate_faces(mesh), [True, True, True, False, True])
        assert check_mesh(mesh).degenerate_faces == 4
    flat = Mesh(np.array([[0.0, 0], [0, 0], [1, 0]]), np.array([[0, 1], [1, 1], [1, 2]]))
    np.testing.assert_array_equal(degenerate_faces(flat), [True, True, False])


def test_counts_agree_with_brute_force_on_random_faces():
    rng = np.random.default_rng(0)
    for _ in range(20):
        faces = rng.integers(20, size=(9, 3))
        mesh = Mesh(rng.normal(size=(20, 3)), faces)
        sound = [face for face in faces.tolist() if len(set(face)) == 3]
        edges = [tuple(sorted(pair)) for face in sound for pair in combinations(face, 2)]
        owner, uses, balance = edge_uses(mesh)
        assert sorted(uses) == sorted(edges.count(edge) for edge in set(edges))
        assert (owner >= 0).all(axis=1).sum() == len(sound) and balance.sum() % 2 == len(edges) % 2
        graph = nx.Graph([edge for face in faces.tolist() for edge in pairwise(face)])
        component = component_of_faces(mesh)
        assert component.max() + 1 == nx.number_connected_components(graph)
        for one, other in combinations(range(len(faces)), 2):
            together = nx.has_path(graph, faces[one, 0], faces[other, 0])
            assert (component[one] == component[other]) == together
        keys = {tuple(sorted(face)) for face in faces.tolist()}
        assert len(np.unique(face_keys(mesh))) == len(keys)


def test_keys_of_faces_do_not_overflow():
    num = 3_000_000
    faces = np.array([[num - 1, num - 2, num - 3], [num - 2, num - 3, num - 1], [0, 1, 2]])
    keys = face_keys(Mesh(np.broadcast_to(0.0, (num, 3)), faces))
    assert keys[0] == keys[1] != keys[2]


def test_an_edge_of_three_faces_is_no_conflict_and_no_boundary():
    fin = Mesh(
        np.concatenate([BOX.vertices, [[9.0, 9, 9]]]),
        np.concatenate([BOX.faces, [[BOX.faces[0, 0], BOX.faces[0, 1], 8]]]),
    )
    checks = check_mesh(fin)
    assert checks.consistent_winding and not checks.watertight and checks.boundary_edges == 2


def test_nothing_is_no_mesh():
    with pytest.raises(ValueError, match="no faces"):
        check_mesh(Mesh(np.zeros((3, 3)), np.zeros((0, 3), int)))
