import subprocess
import sys

import numpy as np
import pytest
import trimesh
from scipy.stats import chisquare, kstest

from inr.seeding import seed_from_name
from inr.shapes.edges import sharp_edges
from inr.shapes.mesh import Mesh
from inr.shapes.sampling import sample_sdf, sample_surface, split_by_sign

_SQUARE = Mesh(
    np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]]),
    np.array([[0, 1], [1, 2], [2, 3], [3, 0]]),
)


def _sphere(radius: float = 0.5) -> Mesh:
    mesh = trimesh.creation.icosphere(subdivisions=4, radius=radius)
    return Mesh(np.asarray(mesh.vertices, float), np.asarray(mesh.faces, np.int64))


def test_triangles_get_points_by_area():
    corners = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 3]])
    mesh = Mesh(corners, np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]))
    points, normals = sample_surface(mesh, 20000, np.random.default_rng(0))
    face = (normals @ mesh.face_normals().T).argmax(axis=1)
    counts = np.bincount(face, minlength=4)
    expected = 20000 * mesh.face_areas() / mesh.face_areas().sum()
    assert chisquare(counts, expected).pvalue > 1e-3
    heights = np.einsum("nd,nd->n", points - mesh.corners()[face, 0], normals)
    np.testing.assert_allclose(heights, 0, atol=1e-12)


def test_points_are_uniform_within_a_triangle():
    mesh = Mesh(np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]), np.array([[0, 1, 2]]))
    points, normals = sample_surface(mesh, 20000, np.random.default_rng(0))
    # the fraction of the triangle below x is 1 - (1 - x)^2, and the same for y and x + y > s
    for value in (points[:, 0], points[:, 1], 1 - points[:, 0] - points[:, 1]):
        assert kstest(1 - (1 - value) ** 2, "uniform").pvalue > 1e-3
    np.testing.assert_array_equal(normals, np.tile([0.0, 0.0, 1.0], (20000, 1)))


def test_segments_get_points_by_length():
    mesh = Mesh(_SQUARE.vertices * [3, 1], _SQUARE.faces)
    points, normals = sample_surface(mesh, 20000, np.random.default_rng(0))
    along = np.abs(normals[:, 1]) > 0.5
    assert chisquare([along.sum(), (~along).sum()], [15000, 5000]).pvalue > 1e-3
    assert kstest((points[along, 0] + 1.5) / 3, "uniform").pvalue > 1e-3
    # outward: a step along the normal leaves the rectangle
    assert (np.abs(points + 1e-6 * normals) > [1.5, 0.5]).any(axis=1).all()


def test_sphere_normals_point_outward():
    points, normals = sample_surface(_sphere(), 1000, np.random.default_rng(0))
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1)
    assert np.einsum("nd,nd->n", points, normals).min() > 0.49


def test_samples_carry_the_distance_and_stand_in_order():
    counts, variances = (4000, 1000), (1e-4, 4e-2)
    samples, uniform, _ = sample_sdf(_sphere(), counts, variances, 3000, np.random.default_rng(0))
    assert samples.shape == (8000, 4) and uniform.shape == (3000, 4)
    assert samples.dtype == uniform.dtype == np.float32
    np.testing.assert_array_equal(samples[5000:], uniform)
    radius = np.linalg.norm(samples[:, :3].astype(float), axis=1)
    np.testing.assert_allclose(samples[:, 3], radius - 0.5, atol=2e-3)
    assert (radius[:4000] - 0.5).std() == pytest.approx(0.01, rel=0.05)
    # the mean of |s + n|^2 is |s|^2 + D variance
    assert (radius[4000:5000] ** 2).mean() == pytest.approx(0.25 + 3 * 0.04, rel=0.08)
    for axis in range(3):
        assert kstest((uniform[:, axis] + 1) / 2, "uniform").pvalue > 1e-3


def test_two_dimensions_and_empty_groups():
    samples, uniform, _ = sample_sdf(_SQUARE, (), (), 500, np.random.default_rng(0))
    away = np.abs(samples[:, :2]) - 0.5
    expected = np.linalg.norm(np.maximum(away, 0), axis=1) + np.minimum(away.max(axis=1), 0)
    np.testing.assert_allclose(samples[:, 2], expected, atol=1e-6)
    samples, uniform, _ = sample_sdf(_SQUARE, (10,), (0.01,), 0, np.random.default_rng(0))
    assert samples.shape == (10, 3) and uniform.shape == (0, 3)


def test_split_by_sign_keeps_every_sample_and_zero_is_positive():
    samples = np.array([[0, 0, 0.5], [1, 0, -0.5], [2, 0, 0.0], [3, 0, -0.1]], np.float32)
    positive, negative = split_by_sign(samples)
    np.testing.assert_array_equal(positive[:, 0], [0, 2])
    np.testing.assert_array_equal(negative[:, 0], [1, 3])


def test_generators_depend_on_name_and_seed_alone():
    draws = {(name, seed): seed_from_name(name, seed).random() for name in "ab" for seed in (0, 1)}
    assert len(set(draws.values())) == 4
    code = "from inr.seeding import seed_from_name as s; print(s('a', 1).random())"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert float(result.stdout) == draws["a", 1]


def test_same_generator_same_samples():
    first, second = (
        sample_sdf(_SQUARE, (50,), (0.01,), 50, seed_from_name("a", 0))[0] for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_wrong_input_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="near_variances"):
        sample_sdf(_SQUARE, (10, 10), (0.01,), 10, rng)
    with pytest.raises(ValueError, match="negative"):
        sample_sdf(_SQUARE, (10,), (-0.01,), 10, rng)
    flat = Mesh(np.zeros((3, 3)), np.array([[0, 1, 2]]))
    for mesh in (flat, Mesh(flat.vertices, flat.faces[:0])):
        with pytest.raises(ValueError, match="area"):
            sample_surface(mesh, 10, rng)


def _box(*sides) -> Mesh:
    mesh = trimesh.creation.box(sides)
    return Mesh(np.asarray(mesh.vertices, float), np.asarray(mesh.faces, np.int64))


def _on_edges(points, half):
    """Return which points lie where two coordinates are at their bounds."""
    return (np.abs(np.abs(points) - half) < 1e-6).sum(axis=1) >= 2


@pytest.mark.parametrize("soup", [False, True])
def test_the_fraction_of_points_on_edges_is_the_given_one(soup):
    half = np.array([0.6, 0.4, 0.2])
    mesh = _box(*(2 * half))
    if soup:
        mesh = Mesh(mesh.corners().reshape(-1, 3), np.arange(len(mesh.faces) * 3).reshape(-1, 3))
    rng = np.random.default_rng(0)
    samples = sample_sdf(mesh, (6000, 1000), (0.0, 0.0), 0, rng, edge_fraction=0.3).samples
    on_edge = _on_edges(samples[:, :3], half)
    assert on_edge[:6000].sum() == 1800 and on_edge[6000:].sum() == 300
    np.testing.assert_allclose(samples[:, 3], 0, atol=1e-7)
    # an edge gets its length's share: no face's diagonal is an edge
    along = (np.abs(np.abs(samples[on_edge, :3]) - half) > 1e-6).argmax(axis=1)
    assert chisquare(np.bincount(along), on_edge.sum() * half / half.sum()).pvalue > 1e-3
    x = samples[on_edge, 0][along == 0]
    assert kstest((x + 0.6) / 1.2, "uniform").pvalue > 1e-3


def test_corners_of_outlines_get_the_fraction():
    samples = sample_sdf(
        _SQUARE, (1000,), (0.0,), 10, np.random.default_rng(0), edge_fraction=0.5
    ).samples
    corner = (np.abs(samples[:1000, :2]) == 0.5).all(axis=1)
    assert corner.sum() == 500
    angles = np.arctan2(samples[:1000][corner, 1], samples[:1000][corner, 0])
    assert chisquare(np.unique(angles, return_counts=True)[1]).pvalue > 1e-3


def test_edges_weigh_their_length_times_the_angle_beyond_20_degrees():
    # a roof: its ridge of length 2 bends by 60 degrees, and the two rims are no edges
    side = np.array([np.cos(np.pi / 6), 0, -np.sin(np.pi / 6)])
    ridge = np.array([[0.0, -1, 0], [0, 1, 0]])
    vertices = np.concatenate([ridge, ridge + side, ridge + side * [-1, 1, 1]])
    faces = np.array([[0, 2, 3], [0, 3, 1], [0, 1, 5], [0, 5, 4]])
    for mesh in (
        Mesh(vertices, faces),
        Mesh(vertices, np.where([[1], [1], [0], [0]], faces, faces[:, ::-1])),
    ):
        edges = sharp_edges(mesh)
        np.testing.assert_allclose(edges.weights, [2 * np.deg2rad(40)])
        np.testing.assert_array_equal(np.sort([edges.starts[0], edges.ends[0]], axis=0), ridge)
    # a vertex that turns by 15 degrees is none, one that turns by 90 is
    bent = np.array([[0, 0], [1, 0], [1 + np.cos(np.pi / 12), np.sin(np.pi / 12)]])
    corner = bent[2] + [-np.sin(np.pi / 12), np.cos(np.pi / 12)]
    outline = Mesh(np.vstack([bent, corner]), np.array([[0, 1], [1, 2], [2, 3]]))
    found = sharp_edges(outline)
    np.testing.assert_array_equal(found.starts, bent[2:])
    np.testing.assert_allclose(found.weights, [np.deg2rad(70)])


def test_without_sharp_edges_or_fraction_the_draws_are_the_uniform_ones():
    for mesh, fraction in ((_sphere(), 0.5), (_box(1.0, 1.0, 1.0), 0.0)):
        plain, given = (
            sample_sdf(mesh, (40, 30), (0.01, 0.1), 20, seed_from_name("a", 0), **settings)
            for settings in ({}, {"edge_fraction": fraction})
        )
        np.testing.assert_array_equal(given.samples, plain.samples)
    # as they were before there were edges
    rng = seed_from_name("a", 0)
    first = sample_surface(_box(1.0, 1.0, 1.0), 40, rng)[0] + rng.normal(scale=0.1, size=(40, 3))
    np.testing.assert_array_equal(plain.samples[:40, :3], first.astype(np.float32))


def test_signs_and_rounding_are_passed_on():
    box = _box(1.0, 1.0, 1.0)
    open_box = Mesh(box.vertices, box.faces[2:])
    draw = {"near_counts": (500,), "near_variances": (0.01,), "num_uniform": 100}
    signed, unsigned = (
        sample_sdf(open_box, **draw, rng=np.random.default_rng(0), sign=sign)
        for sign in ("winding", "unsigned")
    )
    np.testing.assert_array_equal(np.abs(signed.samples), np.abs(unsigned.samples))
    assert (signed.samples[:, 3] < 0).any() and (unsigned.samples[:, 3] >= 0).all()
    assert 0 < signed.ambiguity < 0.5 and unsigned.ambiguity is None
    half = sample_sdf(box, **draw, rng=np.random.default_rng(0), dtype=np.float16).samples
    np.testing.assert_array_equal(half[:, :3], half[:, :3].astype(np.float16))
    away = np.abs(half[:, :3]) - 0.5
    expected = np.linalg.norm(np.maximum(away, 0), axis=1) + np.minimum(away.max(axis=1), 0)
    np.testing.assert_allclose(half[:, 3], expected, atol=1e-7)
    for wrong, message in (
        ({"edge_fraction": 1.5}, r"data\.sampling\.edge_fraction"),
        ({"sign": "both"}, r"data\.sign"),
    ):
        with pytest.raises(ValueError, match=message):
            sample_sdf(box, **draw, rng=np.random.default_rng(0), **wrong)
