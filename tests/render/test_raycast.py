import numpy as np
import pytest
import trimesh
import yaml

from inr.render import ShapeRenderer
from inr.render.camera import Camera
from inr.render.contour import Contour
from inr.render.raycast import RayCast, corner_normals
from inr.shapes.mesh import Mesh
from tests.support.meshes import covered, from_trimesh
from tests.support.paths import CONF

SETTINGS = CONF / "renderer" / "raycast.yaml"
EMPTY = Mesh(np.zeros((0, 3)), np.zeros((0, 3), dtype=np.int64))
# every lit point has the same color, so that a pixel tells how much of it is covered
WITHOUT_LIGHTS = {"key": 0.0, "headlight": 0.0, "gloss": 0.0, "occlusion_samples": 0}


def ray_cast(**changes):
    settings = yaml.safe_load(SETTINGS.read_text())["solid"]
    assert settings.pop("_target_") == "inr.render.raycast.RayCast"
    return RayCast(**(settings | {"size": 96} | changes))


def sphere(radius=0.9, center=(0.0, 0.0, 0.0)):
    ball = from_trimesh(trimesh.creation.icosphere(4, radius))
    return Mesh(ball.vertices + center, ball.faces)


def box(*, half=0.9):
    return from_trimesh(trimesh.creation.box((2 * half,) * 3))


@pytest.mark.parametrize(("size", "supersampling"), [(200, 1), (65, 2)])
def test_a_sphere_covers_its_perspective_disc(size, supersampling):
    renderer = ray_cast(size=size, supersampling=supersampling, **WITHOUT_LIGHTS)
    distance = np.linalg.norm(renderer.camera.eye)
    reach = np.tan(np.radians(renderer.camera.fov) / 2)
    radius = 0.9 / np.sqrt(distance**2 - 0.9**2) / reach * size / 2
    image = ray_cast(
        size=size, supersampling=supersampling, background=[0, 0, 0], **WITHOUT_LIGHTS
    ).render(sphere())
    area = (image > 0).any(axis=2).sum()
    # with supersampling, pixels touched at all reach half a pixel further on average
    grown = radius if supersampling == 1 else radius + 0.4
    assert area == pytest.approx(np.pi * grown**2, rel=0.02)
    rows, columns = np.nonzero((image > 0).any(axis=2))
    assert (rows.mean(), columns.mean()) == pytest.approx(((size - 1) / 2,) * 2, abs=0.5)


def test_camera_projects_points_to_the_right_place():
    camera = Camera((0, 0, 4), (0, 0, 0), (0, 1, 0), 90.0)
    corner = camera.directions(np.array([1.0, 0.0, 0.5]), np.array([0.0, 1.0, 0.5]))
    expected = np.array([[1, 1, -1], [-1, -1, -1], [0, 0, -1]]) / np.sqrt([[3], [3], [1]])
    np.testing.assert_allclose(corner, expected, atol=1e-12)


def test_up_is_up_and_right_is_right():
    renderer = ray_cast(eye=[0, 0, 5], light=[0, 0, 9])
    rows, columns = np.nonzero(covered(renderer.render(sphere(0.2, (0.4, 0.5, 0)))))
    assert rows.max() < 48 < columns.min()


def test_default_view_shows_the_whole_normalised_box():
    image = ray_cast().render(box(half=0.9))
    frame = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    assert (frame == 255).all()
    assert 0.35 < covered(image).mean() < 0.8


def test_nothing_in_view_is_plain_background():
    image = ray_cast(background=[0.2, 0.4, 1.0]).render(sphere(0.3, (0, 9, 0)))
    assert (image == [51, 102, 255]).all()


def test_background_around_the_shape_is_exact():
    image = ray_cast(background=[0.2, 0.4, 1.0]).render(sphere(0.3))
    assert (image[:20] == [51, 102, 255]).all()
    assert (image[48, 48] != [51, 102, 255]).any()


def test_no_ray_slips_between_the_triangles():
    image = ray_cast(size=301, supersampling=1, eye=[0, 0, 7]).render(sphere())
    y, x = np.mgrid[:301, :301] - 150
    inner = np.hypot(x, y) < 0.8 * np.sqrt(covered(image).sum() / np.pi)
    assert covered(image)[inner].all()


def test_the_side_towards_the_light_is_brighter():
    renderer = ray_cast(eye=[0, 0, 8], light=[-9, 0, 0], gloss=0.0)
    row = renderer.render(sphere())[48].mean(axis=1)
    assert row[25] > 1.3 * row[70]


def test_brightness_follows_the_cosine_to_the_light():
    # one far light, no other: a sphere's pixel at column x has cosine -x / r
    renderer = ray_cast(
        size=201, supersampling=1, eye=[0, 0, 500], fov=0.25, light=[-1e6, 0, 0],
        color=[1, 1, 1], key=1.0, headlight=0.0, ambient=0.0, gloss=0.0, occlusion_samples=0,
    )  # fmt: skip
    row = (renderer.render(sphere())[100, :, 0] / 255) ** 2.2
    x = (np.arange(201) - 100) / 100.5 * 500 * np.tan(np.radians(0.125))
    inside = abs(x) < 0.85
    np.testing.assert_allclose(row[inside], (-x[inside] / 0.9).clip(0), atol=0.02)


def test_both_sides_of_a_face_are_lit():
    ball = sphere()
    turned = Mesh(ball.vertices, ball.faces[:, ::-1])
    difference = ray_cast().render(ball).astype(int) - ray_cast().render(turned)
    assert abs(difference).max() <= 1


def test_occlusion_darkens_a_corner_and_nothing_convex():
    floor = from_trimesh(trimesh.creation.box((1.6, 0.05, 1.6)))
    wall = from_trimesh(trimesh.creation.box((1.6, 1.6, 0.05)))
    faces = np.concatenate([floor.faces, wall.faces + len(floor.vertices)])
    offset = [0, 0.8, -0.5]
    corner = Mesh(np.concatenate([floor.vertices, wall.vertices + offset]), faces)
    view = {"eye": [0, 5, 0.01], "key": 0.0, "headlight": 0.0}
    column = ray_cast(**view).render(corner)[:, 48].mean(axis=1)
    bare = ray_cast(**view, occlusion_samples=0).render(corner)[:, 48].mean(axis=1)
    dark = (bare - column)[(bare < 255) & (column < 255)]
    assert dark.max() > 20  # at the foot of the wall
    assert dark.min() == pytest.approx(0, abs=1)  # far from it
    convex = [ray_cast(occlusion_samples=n).render(sphere()) for n in (0, 4)]
    np.testing.assert_array_equal(*convex)


def test_supersampling_blends_edges():
    hard, soft = (ray_cast(supersampling=n, **WITHOUT_LIGHTS, color=[0, 0, 0]) for n in (1, 2))
    assert set(np.unique(hard.render(box(half=0.5)))) == {0, 255}
    levels = np.unique(soft.render(box(half=0.5)))
    np.testing.assert_array_equal(levels, np.rint(255 * (np.arange(5) / 4) ** (1 / 2.2)))


def test_bands_of_rows_join_without_a_seam(monkeypatch):
    whole = ray_cast().render(sphere())
    monkeypatch.setattr("inr.render.raycast.RAYS_PER_CHUNK", 5000)
    np.testing.assert_array_equal(ray_cast().render(sphere()), whole)


def test_normals_are_smooth_on_a_sphere_and_sharp_on_a_box():
    ball, cube = sphere(), box()
    every = np.arange(len(ball.faces))
    smooth = corner_normals(ball, ball.area_vectors(), every, crease=35)
    np.testing.assert_allclose(smooth, ball.corners() / 0.9, atol=7e-3)  # faces bend by 3e-2
    every = np.arange(len(cube.faces))
    sharp = corner_normals(cube, cube.area_vectors(), every, crease=35)
    np.testing.assert_allclose(sharp, np.repeat(cube.face_normals()[:, None], 3, axis=1))


def test_normals_round_a_prism_and_keep_its_rim():
    prism = from_trimesh(trimesh.creation.cylinder(radius=1.0, height=1.0, sections=16))
    turned = prism.faces.copy()
    turned[::3] = turned[::3, ::-1]  # neighbours wound the other way count as well
    mesh = Mesh(prism.vertices, turned)
    result = corner_normals(mesh, mesh.area_vectors(), np.arange(len(turned)), crease=35)
    own = mesh.face_normals()[:, None]
    wall = abs(own[:, 0, 2]) < 0.5
    np.testing.assert_allclose(result[~wall], np.repeat(own[~wall], 3, axis=1), atol=1e-12)
    radial = mesh.corners()[wall] * [1, 1, 0]
    # each corner has one or two triangles on either side of the edge
    cosine = abs((result[wall] * radial).sum(axis=2))
    assert (cosine > np.cos(np.radians(22.5 / 2 - 3))).all()
    assert ((result[wall] * own[wall]).sum(axis=2) > 0.9).all()


def test_normals_at_the_hub_of_a_large_fan_stay_their_own():
    angle = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    rim = np.stack([np.cos(angle), np.sin(angle), np.zeros(200)], axis=1)
    index = np.arange(200)
    faces = np.stack([np.full(200, 200), index, (index + 1) % 200], axis=1)
    fan = Mesh(np.concatenate([rim, [[0, 0, 0.3]]]), faces)
    result = corner_normals(fan, fan.area_vectors(), index, crease=60)
    np.testing.assert_allclose(result[:, 0], fan.face_normals(), atol=1e-12)
    assert abs(result[:, 1] - fan.face_normals()).max() > 1e-4


def test_empty_mesh_says_so():
    image = ray_cast().render(EMPTY, size=64)
    assert image.shape == (64, 64, 3)
    assert 0.01 < covered(image).mean() < 0.3


def test_same_input_gives_the_same_picture():
    np.testing.assert_array_equal(ray_cast().render(sphere()), ray_cast().render(sphere()))


def test_size_and_color_of_one_call():
    image = ray_cast().render(sphere(), size=40, color=[1, 0, 0])
    assert image.shape == (40, 40, 3) and image.dtype == np.uint8
    red, green, blue = image[20, 20].astype(int)
    assert red > 100 + green and green == blue


def test_dimension_picks_the_renderer():
    flat = Contour(size=32, color=[1, 0, 0], background=[1, 1, 1])
    triangle = Mesh(np.array([[-1.0, -1], [1, -1], [0, 1]]), np.array([[0, 1], [1, 2], [2, 0]]))
    solid = ray_cast()
    assert ShapeRenderer(solid, flat).render(triangle).shape == (32, 32, 3)
    assert ShapeRenderer(solid, flat).render(sphere()).shape == (96, 96, 3)
    with pytest.raises(ValueError, match="Contour"):
        solid.render(triangle)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": 0}, "size is 0"),
        ({"supersampling": 0}, "supersampling is 0"),
        ({"occlusion_samples": -1}, "occlusion_samples is -1"),
        ({"crease": 90.0}, "crease is 90"),
        ({"fov": 180.0}, "fov is 180"),
        ({"color": [0, 0, 255]}, "each from 0 to 1"),
        ({"eye": [0, 0]}, "x, y and z"),
        ({"eye": [0, 3, 0]}, "must not be parallel"),
    ],
)
def test_bad_settings_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        ray_cast(**changes)
