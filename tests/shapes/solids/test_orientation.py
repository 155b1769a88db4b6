import numpy as np
import pytest
import trimesh

from inr.shapes.mesh import Mesh
from inr.shapes.sdf import signed_distance
from inr.shapes.solids.orientation import orient_outward
from tests.support.meshes import inverted, join


def _sphere(radius, centre=(0.0, 0.0, 0.0)) -> Mesh:
    mesh = trimesh.creation.icosphere(subdivisions=3, radius=radius)
    return Mesh(np.asarray(mesh.vertices, float) + centre, np.asarray(mesh.faces, np.int64))


def _hemisphere(radius=0.8) -> Mesh:
    sphere = _sphere(radius)
    return Mesh(sphere.vertices, sphere.faces[sphere.corners().mean(axis=1)[:, 2] > 0])


def _is_inside(mesh, *points):
    return (signed_distance(mesh, np.array(points, float)) < 0).tolist()


def test_what_is_outward_stays_as_it_is():
    cavity = join(_sphere(0.8), inverted(_sphere(0.4)))
    for mesh in (_sphere(0.8), _hemisphere(), cavity, join(_sphere(0.8), _sphere(0.4))):
        same, changed = orient_outward(mesh)
        assert same is mesh and not changed


def test_inside_out_is_turned():
    torus = trimesh.creation.torus(0.6, 0.2)
    torus = Mesh(np.asarray(torus.vertices, float), np.asarray(torus.faces, np.int64))
    for mesh in (_sphere(0.8), torus, _hemisphere()):
        turned, changed = orient_outward(inverted(mesh))
        assert changed
        np.testing.assert_array_equal(turned.faces, mesh.faces)
    assert _is_inside(inverted(torus), [0.6, 0, 0]) == [False]
    assert _is_inside(orient_outward(inverted(torus))[0], [0.6, 0, 0], [0, 0, 0]) == [True, False]


def test_only_the_parts_that_are_wrong_turn():
    # far from the origin, where a signed volume about it would say nothing of an open mesh
    left, right = _sphere(0.3, (5.0, 0, 0)), _sphere(0.3, (6.0, 0, 0))
    mesh, changed = orient_outward(join(left, inverted(right)))
    assert changed
    np.testing.assert_array_equal(mesh.faces, join(left, right).faces)


def test_nested_shells():
    outer, inner, island = _sphere(0.9), _sphere(0.6), _sphere(0.3)
    points = [[0.75, 0, 0], [0.45, 0, 0], [0, 0, 0]]
    shell = join(outer, inverted(inner), island)
    for mesh in (shell, inverted(shell), join(outer, inverted(inner), inverted(island))):
        assert _is_inside(orient_outward(mesh)[0], *points) == [True, False, True]
    solid = join(outer, inner)
    for mesh in (solid, inverted(solid)):
        assert _is_inside(orient_outward(mesh)[0], *points) == [True, True, True]


def test_overlapping_parts_one_inside_out():
    one, other = _sphere(0.5, (-0.3, 0, 0)), _sphere(0.5, (0.3, 0, 0))
    points = [[-0.7, 0, 0], [0, 0, 0], [0.7, 0, 0], [1, 0, 0]]
    for mesh in (join(one, other), join(one, inverted(other))):
        assert _is_inside(orient_outward(mesh)[0], *points) == [True, True, True, False]


@pytest.mark.parametrize("way", ["same", "opposite", "opposite, own vertices", "thrice", "mixed"])
@pytest.mark.parametrize("make", [lambda: _sphere(0.8), _hemisphere])
def test_doubled_faces_count_once(way, make):
    once = make()
    twice = {
        "same": Mesh(once.vertices, np.concatenate([once.faces] * 2)),
        "opposite": Mesh(once.vertices, np.concatenate([once.faces, once.faces[:, ::-1]])),
        "opposite, own vertices": join(inverted(once), once),
        "thrice": join(once, once, once),
        "mixed": Mesh(
            once.vertices,
            np.random.default_rng(0).permutation(
                np.concatenate([once.faces, once.faces[:, ::-1], once.faces[:, [1, 2, 0]]])
            ),
        ),
    }[way]
    points = np.random.default_rng(0).uniform(-1, 1, (2000, 3))
    mesh, changed = orient_outward(twice)
    assert changed and len(mesh.faces) == len(once.faces)
    np.testing.assert_allclose(
        signed_distance(mesh, points), signed_distance(once, points), atol=1e-12
    )


def test_a_wall_shared_by_two_boxes_stays():
    box = trimesh.creation.box((1.0, 1.0, 1.0))
    box = Mesh(np.asarray(box.vertices, float), np.asarray(box.faces, np.int64))
    mirrored = Mesh(box.vertices * [-1, 1, 1] + [1.0, 0, 0], box.faces[:, ::-1])
    mesh = join(box, mirrored)
    assert not orient_outward(mesh)[1]
    assert _is_inside(mesh, [0.4, 0, 0], [0.6, 0, 0], [1.6, 0, 0]) == [True, True, False]


def test_flat_sheets_and_faces_without_area_are_left_alone():
    sheet = Mesh(np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]), np.array([[0, 1, 2]]))
    point = Mesh(np.zeros((3, 3)), np.array([[0, 1, 2]]))
    sphere = _sphere(0.5)
    with_sliver = Mesh(sphere.vertices, np.concatenate([sphere.faces, [[0, 0, 1]]]))
    for mesh in (sheet, point, with_sliver):
        assert not orient_outward(mesh)[1]
    turned, changed = orient_outward(inverted(with_sliver))
    assert changed and _is_inside(turned, [0, 0, 0]) == [True]


def test_outlines_turn_by_their_area():
    square = Mesh(
        np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]]),
        np.array([[0, 1], [1, 2], [2, 3], [3, 0]]),
    )
    assert not orient_outward(square)[1]
    assert orient_outward(inverted(square))[0].volume() == pytest.approx(1.0)
    with pytest.raises(ValueError, match="no faces"):
        orient_outward(Mesh(square.vertices, square.faces[:0]))
