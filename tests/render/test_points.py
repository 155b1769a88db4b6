import numpy as np
import pytest
import trimesh
import yaml

from inr.data.layout import Layout, write_npz
from inr.render import GROUND_TRUTH_COLOR
from inr.render.contour import Contour
from inr.render.points import MAX_POINTS, discs
from inr.render.raycast import RayCast
from inr.render.slices import cross_section
from inr.runs.ground_truth import ground_truth_mesh
from inr.shapes.mesh import Mesh
from tests.support.meshes import covered
from tests.support.paths import CONF

SETTINGS = CONF / "renderer" / "raycast.yaml"
SIZE = 96


def renderer(kind, **changes):
    settings = yaml.safe_load(SETTINGS.read_text())[kind]
    del settings["_target_"]
    return {"solid": RayCast, "flat": Contour}[kind](**(settings | {"size": SIZE} | changes))


def ball(count, *, dim=3, radius=0.7, seed=0):
    normals = np.random.default_rng(seed).normal(size=(count, dim))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return radius * normals, normals


def normal_of(mesh):
    return mesh.face_normals().reshape(-1, 4, 3)


@pytest.mark.parametrize("with_normals", [True, False])
def test_a_sphere_covers_its_disc_and_looks_like_its_mesh(with_normals):
    points, normals = ball(20_000)
    camera = renderer("solid")
    picture = camera.render(discs(points, normals if with_normals else None))
    sphere = trimesh.creation.icosphere(5, 0.7)
    ground_truth = camera.render(Mesh(np.asarray(sphere.vertices), np.asarray(sphere.faces)))
    distance = np.linalg.norm(camera.camera.eye)
    reach = np.tan(np.radians(camera.camera.fov) / 2)
    radius = 0.7 / np.sqrt(distance**2 - 0.7**2) / reach * SIZE / 2
    assert covered(picture).sum() == pytest.approx(np.pi * (radius + 0.4) ** 2, rel=0.03)
    inner = covered(ground_truth) & covered(picture)
    # discs stand out of the sphere by their own size squared, and hide some of the sky light
    difference = picture[inner].astype(float) - ground_truth[inner]
    assert np.abs(difference).mean() < 6
    flat = np.full_like(difference, ground_truth[inner].mean(axis=0)) - ground_truth[inner]
    assert np.abs(flat).mean() > 15  # what a picture without shading would be off by


def test_nearer_points_hide_farther_ones():
    camera = renderer("solid", occlusion_samples=0)
    view = np.array(camera.camera.eye) / np.linalg.norm(camera.camera.eye)
    across = camera.camera.axes()[:2]
    square = np.random.default_rng(0).uniform(-0.3, 0.3, size=(2000, 2))
    near = square @ across + 0.5 * view
    far = 0.5 * square @ across - 0.5 * view
    tilted = (view + across[0]) / np.sqrt(2)  # so that the far ones, where seen, look otherwise
    of_near, of_far = np.tile(view, (2000, 1)), np.tile(tilted, (2000, 1))
    alone = camera.render(discs(near, of_near))
    behind = camera.render(discs(far, of_far))
    both = camera.render(
        discs(np.concatenate([far, near]), np.concatenate([of_far, of_near])),
    )
    hidden = covered(alone) & covered(behind)
    assert hidden.sum() > 100
    assert np.abs(alone[hidden].astype(int) - behind[hidden]).max(axis=1).min() > 20
    same = (both == alone).all(axis=2)
    assert same[hidden].mean() > 0.99


def test_discs_stand_at_right_angles_to_the_normals():
    points, normals = ball(500)
    assert normal_of(discs(points, normals)) == pytest.approx(
        np.repeat(normals[:, None], 4, axis=1), abs=1e-9
    )


def test_without_normals_discs_lie_in_the_surface():
    points, normals = ball(20_000)
    cosine = np.abs((normal_of(discs(points, None)) * normals[:, None]).sum(axis=2))
    assert np.median(cosine) > 0.999


def test_discs_reach_their_neighbours_and_no_further():
    axis = np.linspace(-0.5, 0.5, 21)
    flat = np.stack(np.meshgrid(axis, axis, [0.0]), axis=-1).reshape(-1, 3)
    mesh = discs(flat, np.tile([0.0, 0.0, 1.0], (len(flat), 1)))
    radius = np.linalg.norm(mesh.vertices.reshape(-1, 6, 3) - flat[:, None], axis=2)
    inner = (np.abs(flat) < 0.45).all(axis=1)
    assert radius[inner] == pytest.approx(0.05 * np.sqrt(2))


def test_an_empty_cloud_says_so():
    for kind, dim in (("solid", 3), ("flat", 2)):
        nothing = discs(np.zeros((0, dim)), None)
        empty = Mesh(np.zeros((0, dim)), np.zeros((0, dim), dtype=np.int64))
        draw = renderer(kind)
        assert (draw.render(nothing) == draw.render(empty)).all()


def test_a_color_is_used():
    points, normals = ball(2000)
    lights = {"key": 0.0, "gloss": 0.0, "ambient": 0.0, "headlight": 1.0, "occlusion_samples": 0}
    draw = renderer("solid", **lights)
    red = draw.render(discs(points, normals), color=(1.0, 0.0, 0.0))
    assert (red[SIZE // 2, SIZE // 2] > [200, -1, -1]).all()
    assert (red[SIZE // 2, SIZE // 2, 1:] == 0).all()
    grey = draw.render(discs(points, normals), color=GROUND_TRUTH_COLOR)
    assert np.ptp(grey[SIZE // 2, SIZE // 2]) == 0


def test_flat_clouds_are_dots_where_the_points_are():
    points, _ = ball(3000, dim=2, radius=0.5)
    image = renderer("flat", size=256).render(discs(points, None), color=(0.2, 0.2, 0.2))
    rows, columns = np.nonzero(covered(image))
    x, y = (columns + 0.5) / 128 - 1, 1 - (rows + 0.5) / 128
    assert np.abs(np.hypot(x, y) - 0.5).max() < 0.03
    angle = np.sort(np.arctan2(y, x))
    assert np.diff(angle).max() < 0.05


def test_a_cut_through_discs_is_the_outline():
    points, normals = ball(20_000)
    outline = cross_section(discs(points, normals), axis=2, offset=0.0)
    assert np.linalg.norm(outline.vertices, axis=1) == pytest.approx(0.7, abs=0.01)
    angle = np.sort(np.arctan2(outline.vertices[:, 1], outline.vertices[:, 0]))
    assert np.diff(angle).max() < 0.1


@pytest.mark.parametrize("dim", [2, 3])
def test_of_many_points_some_are_drawn_evenly(dim):
    line = np.zeros((3 * MAX_POINTS[dim], dim))
    line[:, 0] = np.linspace(-1, 1, len(line))
    mesh = discs(line, None)
    centres = mesh.vertices.reshape(-1, 6, dim).mean(axis=1)
    assert len(centres) == MAX_POINTS[dim]
    assert (centres[0, 0], centres[-1, 0]) == pytest.approx((-1, 1))
    assert np.diff(centres[:, 0]).max() < 2 / MAX_POINTS[dim] * 1.5


@pytest.mark.parametrize("count", [2, 16])
@pytest.mark.parametrize("dim", [2, 3])
def test_a_few_points_are_drawn(count, dim):
    points, _ = ball(count, dim=dim)
    kind = "flat" if dim == 2 else "solid"
    assert covered(renderer(kind).render(discs(points, None))).any()


@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("with_normals", [True, False])
def test_the_ground_truth_of_a_cloud_is_drawn(dim, with_normals, tmp_path):
    layout = Layout(tmp_path)
    points, normals = ball(300, dim=dim)
    rows = np.concatenate([points, normals], axis=1) if with_normals else points
    write_npz(layout.surface("cloud"), all=rows.astype(np.float32))
    ground_truth = ground_truth_mesh(layout, "cloud", dim)
    expected = discs(points, normals if with_normals else None)
    assert (ground_truth.faces == expected.faces).all()
    assert ground_truth.vertices[::6].shape == (300, dim)
    middle = ground_truth.vertices.reshape(-1, 6, dim).mean(axis=1)
    assert middle == pytest.approx(points, abs=1e-6)
    assert ground_truth_mesh(layout, "another", dim).is_empty
