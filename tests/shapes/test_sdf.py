import numpy as np
import pytest
import trimesh

from inr.shapes import sdf
from inr.shapes.mesh import Mesh
from inr.shapes.sdf import is_inside, measure, signed_distance, unsigned_distance
from inr.shapes.solids import winding
from inr.shapes.solids.winding import ambiguity, deciding_winding_number, winding_number
from tests.support.meshes import from_trimesh, join


def _polygon(*points) -> Mesh:
    index = np.arange(len(points))
    return Mesh(np.array(points, float), np.stack([index, np.roll(index, -1)], axis=1))


def _square(half: float, x: float = 0.0) -> Mesh:
    return _polygon((x - half, -half), (x + half, -half), (x + half, half), (x - half, half))


def _box_distance(points, half):
    away = np.abs(points) - half
    return np.linalg.norm(np.maximum(away, 0), axis=1) + np.minimum(away.max(axis=1), 0)


@pytest.mark.parametrize("dim", [2, 3])
def test_box_is_exact(dim):
    half = np.array([0.7, 0.4, 0.2][:dim])
    if dim == 2:
        mesh = Mesh(_square(1.0).vertices * half, _square(1.0).faces)
    else:
        mesh = from_trimesh(trimesh.creation.box(2 * half))
    points = np.random.default_rng(0).uniform(-1, 1, (5000, dim))
    expected = _box_distance(points, half)
    np.testing.assert_allclose(signed_distance(mesh, points), expected, atol=1e-12)
    np.testing.assert_allclose(unsigned_distance(mesh, points), np.abs(expected), atol=1e-12)


def test_sphere_is_within_the_tessellation_error():
    mesh = from_trimesh(trimesh.creation.icosphere(subdivisions=4, radius=0.8))
    points = np.random.default_rng(0).uniform(-1, 1, (5000, 3))
    sagitta = 0.8 - np.linalg.norm(mesh.corners().mean(axis=1), axis=1).min()
    difference = signed_distance(mesh, points) - (np.linalg.norm(points, axis=1) - 0.8)
    # the tessellation lies inside the sphere, so distances to it are never the smaller
    assert difference.min() > -1e-12
    assert difference.max() < sagitta * 1.01 < 2e-3


def test_circle_is_within_the_tessellation_error():
    angle = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    mesh = _polygon(*(0.8 * np.stack([np.cos(angle), np.sin(angle)], axis=1)))
    points = np.random.default_rng(0).uniform(-1, 1, (5000, 2))
    difference = signed_distance(mesh, points) - (np.linalg.norm(points, axis=1) - 0.8)
    assert difference.min() > -1e-12
    assert difference.max() < 0.8 * (1 - np.cos(np.pi / 400)) * 1.01


def test_overlapping_solids_keep_unit_speed():
    cube = from_trimesh(trimesh.creation.box((1.0, 1.0, 1.0)))
    mesh = join(cube, Mesh(cube.vertices + np.array([0.5, 0.0, 0.0]), cube.faces))
    points = np.array([[0.25, 0.0, 0.0], [-0.3, 0.0, 0.0], [2.0, 0.0, 0.0]])
    np.testing.assert_allclose(winding_number(mesh, points), [2, 1, 0], atol=5e-3)
    np.testing.assert_allclose(signed_distance(mesh, points), [-0.25, -0.2, 1.0], atol=1e-12)


def test_doubtful_winding_numbers_are_recomputed():
    rng = np.random.default_rng(0)
    sphere = from_trimesh(trimesh.creation.icosphere(subdivisions=5, radius=0.8))
    # an open mesh has winding numbers of every size
    mesh = Mesh(sphere.vertices, sphere.faces[sphere.corners().mean(axis=1)[:, 2] < 0.2])
    points = rng.uniform(-0.8, 0.8, (20000, 3))
    exact = winding_number(mesh, points, exact=True)
    fast = winding_number(mesh, points)
    doubtful = np.abs(exact - 0.5) < 0.04
    assert doubtful.sum() > 100
    np.testing.assert_allclose(fast[doubtful], exact[doubtful], atol=1e-9)
    assert np.abs(fast - exact).max() > 1e-6  # elsewhere it is the fast one
    np.testing.assert_array_equal(is_inside(mesh, points), exact >= 0.5)


def _winding_by_angle(mesh: Mesh, point) -> int:
    total = 0.0
    for a, b in mesh.corners() - point:
        total += np.arctan2(a[0] * b[1] - a[1] * b[0], a @ b)
    return round(total / (2 * np.pi))


def _distance_by_loop(mesh: Mesh, point) -> float:
    best = np.inf
    for a, b in mesh.corners():
        t = np.clip((point - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
        best = min(best, float(np.linalg.norm(a + t * (b - a) - point)))
    return best


def test_tangled_polygons_match_brute_force():
    rng = np.random.default_rng(0)
    mesh = join(_polygon(*rng.uniform(-1, 1, (15, 2))), _polygon(*rng.uniform(-1, 1, (9, 2))))
    points = rng.uniform(-1.2, 1.2, (300, 2))
    winding = np.array([_winding_by_angle(mesh, point) for point in points])
    distance = np.array([_distance_by_loop(mesh, point) for point in points])
    assert {-1, 0, 1} <= set(winding)
    np.testing.assert_array_equal(winding_number(mesh, points), winding)
    np.testing.assert_allclose(unsigned_distance(mesh, points), distance, atol=1e-12)
    np.testing.assert_allclose(
        signed_distance(mesh, points), np.where(winding != 0, -distance, distance), atol=1e-12
    )


def test_blocks_do_not_change_the_answer(monkeypatch):
    rng = np.random.default_rng(0)
    flat = _polygon(*rng.uniform(-1, 1, (30, 2)))
    solid = from_trimesh(trimesh.creation.icosphere(subdivisions=2, radius=0.8))
    for mesh in (flat, solid):
        points = rng.uniform(-1, 1, (1000, mesh.dim))
        whole = signed_distance(mesh, points)
        with monkeypatch.context() as patch:
            patch.setattr(winding, "_CHUNK", 37)
            np.testing.assert_array_equal(signed_distance(mesh, points), whole)


def test_vertices_on_the_ray_count_once():
    diamond = _polygon((1, 0), (0, 1), (-1, 0), (0, -1))
    points = np.array([[-0.5, 0.0], [0.0, 0.0], [-2.0, 0.0], [-2.0, 1.0], [-2.0, -1.0], [2.0, 0.0]])
    np.testing.assert_array_equal(winding_number(diamond, points), [1, 1, 0, 0, 0, 0])
    # a ray along an edge, with the outline going on and turning back
    steps = _polygon((0, 0), (2, 0), (2, 2), (1, 2), (1, 1), (0, 1))
    points = np.array([[-1.0, 1.0], [0.5, 0.5], [1.5, 1.0], [-1.0, 0.0], [-1.0, 2.0]])
    np.testing.assert_array_equal(winding_number(steps, points), [0, 1, 1, 0, 0])


def test_holes_are_outside_and_overlaps_are_inside():
    hole = Mesh(_square(0.4).vertices, _square(0.4).faces[:, ::-1])
    mesh = join(_square(0.9), hole)
    points = np.array([[0.0, 0.0], [0.6, 0.0], [1.0, 0.0]])
    np.testing.assert_allclose(signed_distance(mesh, points), [0.4, -0.2, 0.1])
    twice = join(_square(0.5), _square(0.5, x=0.4))
    np.testing.assert_array_equal(winding_number(twice, np.array([[0.2, 0.0]])), [2])
    np.testing.assert_allclose(signed_distance(twice, np.array([[0.2, 0.0]])), [-0.3])


def test_degenerate_faces_and_no_points_are_harmless():
    square = _square(0.5)
    mesh = Mesh(square.vertices, np.concatenate([[[2, 2]], square.faces]))
    assert signed_distance(mesh, np.zeros((1, 2))) == pytest.approx(-0.5)
    cube = from_trimesh(trimesh.creation.box((1.0, 1.0, 1.0)))
    for each in (mesh, cube):
        assert signed_distance(each, np.zeros((0, each.dim))).shape == (0,)


def test_wrong_input_is_refused():
    empty = Mesh(np.zeros((3, 3)), np.zeros((0, 3), np.int64))
    with pytest.raises(ValueError, match="no faces"):
        signed_distance(empty, np.zeros((1, 3)))
    with pytest.raises(ValueError, match=r"\(N, 2\)"):
        winding_number(_square(1.0), np.zeros((1, 3)))
    with pytest.raises(ValueError, match="finite"):
        unsigned_distance(_square(1.0), np.array([[np.nan, 0.0]]))


def test_the_grid_that_signs_most_points_agrees_with_the_winding_number():
    rng = np.random.default_rng(0)
    one = trimesh.creation.icosphere(subdivisions=3, radius=0.5)
    other = one.copy().apply_translation((0.4, 0.2, 0.1))  # overlaps: winding number 2 in between
    cavity = trimesh.creation.icosphere(subdivisions=2, radius=0.2)
    cavity.invert()
    mesh = from_trimesh(trimesh.util.concatenate([one, other, cavity]))
    near = rng.normal(size=(30000, 3))
    near *= rng.uniform(0.45, 0.55, (30000, 1)) / np.linalg.norm(near, axis=1, keepdims=True)
    points = np.concatenate([near, rng.uniform(-1.5, 1.5, (20000, 3))])
    assert len(points) >= sdf.SIGN_GRID**2
    inside = winding.winding_number(mesh, points, exact=True) >= 0.5
    np.testing.assert_array_equal(signed_distance(mesh, points) < 0, inside)


def _sphere(radius: float = 0.8, subdivisions: int = 3) -> Mesh:
    return from_trimesh(trimesh.creation.icosphere(subdivisions=subdivisions, radius=radius))


def _hemisphere() -> Mesh:
    sphere = _sphere(subdivisions=5)
    return Mesh(sphere.vertices, sphere.faces[sphere.corners().mean(axis=1)[:, 2] > 0])


def _cap_fraction(points, radius):
    """Return the solid angle of a hemisphere's dome from points on its axis, over 4 pi."""
    # the rim's disc is seen under 2 pi (1 - cos), from below positively
    disc = (1 - np.abs(points) / np.hypot(points, radius)) / 2
    return np.where(points > 0, 1 - disc, disc)


def test_torus_is_within_the_tessellation_error():
    torus = trimesh.creation.torus(0.6, 0.25, major_sections=128, minor_sections=64)
    points = np.random.default_rng(0).uniform(-1, 1, (40000, 3))
    assert len(points) >= sdf.SIGN_GRID**2  # with the grid
    ring = np.hypot(points[:, 0], points[:, 1]) - 0.6
    expected = np.hypot(ring, points[:, 2]) - 0.25
    for sign in ("winding", "pseudonormal"):
        found = signed_distance(from_trimesh(torus), points, sign)
        np.testing.assert_allclose(found, expected, atol=1e-3)
    found = signed_distance(from_trimesh(torus), points, "unsigned")
    np.testing.assert_allclose(found, np.abs(expected), atol=1e-3)


def test_signs_hold_near_a_surface_far_from_the_origin():
    sphere, shift = _sphere(), np.array([300.0, -200.0, 100.0])
    normal, foot = sphere.face_normals(), sphere.corners().mean(axis=1)
    away = Mesh(sphere.vertices + shift, sphere.faces)
    for side in (-1, 1):
        points = foot + side * 2e-6 * normal
        found = signed_distance(away, points + shift)
        np.testing.assert_allclose(found, side * 2e-6, atol=1e-9)


def test_an_open_hemisphere_is_inside_where_it_is_seen_from_its_back():
    mesh = _hemisphere()
    height = np.linspace(-2, 0.75, 300)
    points = np.stack([0 * height, 0 * height, height], axis=1)
    fraction = _cap_fraction(height, 0.8)
    np.testing.assert_allclose(winding_number(mesh, points, exact=True), fraction, atol=5e-3)
    sure = np.abs(fraction - 0.5) > 5e-3
    assert ((signed_distance(mesh, points) < 0) == (fraction >= 0.5))[sure].all()
    found = measure(mesh, points)
    assert found.ambiguity == pytest.approx((np.abs(fraction - 0.5) < 0.25).mean(), abs=0.01)
    assert 0.1 < found.ambiguity < 0.9
    assert measure(_sphere(), points).ambiguity == 0
    assert measure(mesh, points, "pseudonormal").ambiguity is None
    assert measure(mesh, points, "unsigned").ambiguity is None


def test_ambiguity_is_a_fraction():
    assert ambiguity(np.array([0.0, 0.24, 0.3, 0.5, 0.74, 0.76, 1.0, -0.5])) == pytest.approx(3 / 8)
    assert ambiguity(np.zeros(0)) == 0


def test_coarse_winding_numbers_decide_as_exact_ones_do():
    rng = np.random.default_rng(0)
    sphere = _sphere(subdivisions=4)
    holes = rng.random(len(sphere.faces)) < 0.3
    mesh = Mesh(sphere.vertices, sphere.faces[~holes])
    points = np.concatenate(
        [rng.uniform(-1, 1, (5000, 3)), mesh.corners().mean(axis=1)[:1500] * [[0.98]]]
    )
    exact = winding_number(mesh, points, exact=True)
    found = deciding_winding_number(mesh, points)
    assert ambiguity(exact) > 0.05
    assert np.abs(found - exact).max() > 0.01  # elsewhere it is the coarse one
    assert ambiguity(found) == pytest.approx(ambiguity(exact), abs=5e-3)
    np.testing.assert_array_equal(found >= 0.5, exact >= 0.5)


@pytest.mark.parametrize("sign", ["winding", "pseudonormal"])
def test_doubled_and_inside_out(sign):
    sphere = _sphere()
    points = np.random.default_rng(0).uniform(-1, 1, (3000, 3))
    ground_truth = signed_distance(sphere, points)
    twice = join(sphere, sphere)
    if sign == "winding":
        np.testing.assert_allclose(winding_number(twice, points[:1] * 0), [2], atol=1e-2)
        np.testing.assert_allclose(signed_distance(twice, points), ground_truth, atol=1e-12)
    turned = Mesh(sphere.vertices, sphere.faces[:, ::-1])
    expected = np.abs(ground_truth) if sign == "winding" else -ground_truth
    np.testing.assert_allclose(signed_distance(turned, points, sign), expected, atol=1e-12)


def test_pseudonormals_see_past_vertices_that_are_there_twice_and_faces_without_area():
    cube = from_trimesh(trimesh.creation.box((1.0, 0.8, 0.6)))
    soup = Mesh(cube.corners().reshape(-1, 3), np.arange(3 * len(cube.faces)).reshape(-1, 3))
    sliver = Mesh(cube.vertices, np.concatenate([[[0, 0, 1], [2, 2, 2]], cube.faces]))
    points = np.random.default_rng(0).uniform(-1, 1, (4000, 3))
    expected = _box_distance(points, np.array([0.5, 0.4, 0.3]))
    for mesh in (cube, soup, sliver):
        np.testing.assert_allclose(
            signed_distance(mesh, points, "pseudonormal"), expected, atol=1e-12
        )
    with pytest.raises(ValueError, match=r"data\.sign"):
        signed_distance(Mesh(cube.vertices, cube.faces[:, [0, 0, 0]]), points, "pseudonormal")


def test_pseudonormals_of_outlines():
    rng = np.random.default_rng(0)
    angle = np.sort(rng.uniform(0, 2 * np.pi, 40))
    star = _polygon(
        *(rng.uniform(0.3, 0.9, (40, 1)) * np.stack([np.cos(angle), np.sin(angle)], axis=1))
    )
    points = rng.uniform(-1, 1, (5000, 2))
    by_winding = signed_distance(star, points)
    np.testing.assert_array_equal(signed_distance(star, points, "pseudonormal"), by_winding)
    assert (by_winding < 0).any()
    # the side of the nearest piece, which is no more than that for an open outline
    line = Mesh(np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([[0, 1]]))
    found = signed_distance(line, np.array([[0.5, 0.2], [0.5, -0.2]]), "pseudonormal")
    np.testing.assert_allclose(found, [-0.2, 0.2])


def test_unknown_signs_are_refused():
    with pytest.raises(ValueError, match=r"data\.sign=windig.*data\.sign=winding"):
        signed_distance(_square(1.0), np.zeros((1, 2)), "windig")
