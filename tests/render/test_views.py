import numpy as np
import pytest
import trimesh

from inr.render.views import DISTANCE, FOV, SIZE, cast_views, fixed_cameras
from inr.shapes.mesh import Mesh, empty_mesh
from tests.support.pairs import box

RADIUS = 0.8


def sphere():
    ball = trimesh.creation.icosphere(6, RADIUS)
    return Mesh(np.asarray(ball.vertices), np.asarray(ball.faces, dtype=np.int64))


def test_eight_cameras_look_at_the_origin_from_the_corners_of_a_box():
    eyes = np.array([camera.eye for camera in fixed_cameras()])
    assert eyes.shape == (8, 3)
    np.testing.assert_allclose(np.linalg.norm(eyes, axis=1), DISTANCE)
    assert len(np.unique(np.sign(eyes), axis=0)) == 8
    assert np.ptp(abs(eyes), axis=0).max() < 1e-12


def test_a_sphere_has_its_own_normals():
    seen = cast_views(sphere())
    rows, columns = np.mgrid[:SIZE, :SIZE].reshape(2, -1)
    for mask, normals, camera in zip(*seen, fixed_cameras(), strict=True):
        rays = camera.directions((columns + 0.5) / SIZE, (rows + 0.5) / SIZE)
        eye = np.array(camera.eye)
        # |eye + t ray| = RADIUS
        along = rays @ eye
        inner = along**2 - (DISTANCE**2 - RADIUS**2)
        wanted = inner > 0
        assert (mask.ravel() != wanted).mean() < 1e-3
        sure = wanted & mask.ravel()
        hits = eye + (-along - np.sqrt(inner.clip(0)))[:, None] * rays
        cosines = (hits[sure] / RADIUS * normals.reshape(-1, 3)[sure]).sum(axis=1)
        assert cosines.min() > 0.999
        assert not normals[~mask].any()


def test_normals_are_turned_to_the_camera():
    cube = box([-0.4] * 3, [0.4] * 3)
    seen, turned = cast_views(cube), cast_views(Mesh(cube.vertices, cube.faces[:, ::-1]))
    np.testing.assert_array_equal(seen.normals, turned.normals)
    # each camera sees three sides of the cube, those on its own side
    for mask, normals, camera in zip(*seen, fixed_cameras(), strict=True):
        sides = np.unique(normals[mask], axis=0)
        wanted = np.unique(np.diag(np.sign(camera.eye)), axis=0)
        np.testing.assert_array_equal(sides, wanted)


def test_the_picture_spans_the_field_of_view():
    # a wide plate through the origin, facing the first camera, covers exactly half the picture
    camera = fixed_cameras()[0]
    right, up, _ = camera.axes()
    reach = DISTANCE * np.tan(np.radians(FOV) / 2)
    corners = np.array([-3 * right, 3 * right, 3 * right + 3 * up, -3 * right + 3 * up])
    plate = Mesh(corners, np.array([[0, 1, 2], [0, 2, 3]]))
    mask = cast_views(plate).masks[0]
    assert mask[: SIZE // 2].all() and not mask[SIZE // 2 :].any()
    half = Mesh(
        np.array([-9 * right, -9 * right - 9 * up, reach / 2 * right - 9 * up, reach / 2 * right]),
        plate.faces,
    )
    mask = cast_views(half).masks[0]
    assert mask[SIZE // 2 :, : SIZE * 3 // 4].all() and not mask[:, SIZE * 3 // 4 :].any()


def test_what_cannot_be_seen():
    seen = cast_views(empty_mesh(3))
    assert seen.masks.shape == (8, SIZE, SIZE) and not seen.masks.any()
    with pytest.raises(ValueError, match="3-D"):
        cast_views(empty_mesh(2))
