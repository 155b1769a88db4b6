import subprocess
import sys

import numpy as np
import pytest
import trimesh
from scipy.stats import chisquare, kstest

from inr.shapes.mesh import Mesh
from inr.shapes.sampling import sample_sdf, sample_surface, seed_from_name, split_by_sign

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
    # the share of the triangle below x is 1 - (1 - x)^2, and the same for y and x + y > s
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
    samples, uniform = sample_sdf(_sphere(), counts, variances, 3000, np.random.default_rng(0))
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
    samples, uniform = sample_sdf(_SQUARE, (), (), 500, np.random.default_rng(0))
    away = np.abs(samples[:, :2]) - 0.5
    expected = np.linalg.norm(np.maximum(away, 0), axis=1) + np.minimum(away.max(axis=1), 0)
    np.testing.assert_allclose(samples[:, 2], expected, atol=1e-6)
    samples, uniform = sample_sdf(_SQUARE, (10,), (0.01,), 0, np.random.default_rng(0))
    assert samples.shape == (10, 3) and uniform.shape == (0, 3)


def test_split_by_sign_keeps_every_sample_and_zero_is_positive():
    samples = np.array([[0, 0, 0.5], [1, 0, -0.5], [2, 0, 0.0], [3, 0, -0.1]], np.float32)
    positive, negative = split_by_sign(samples)
    np.testing.assert_array_equal(positive[:, 0], [0, 2])
    np.testing.assert_array_equal(negative[:, 0], [1, 3])


def test_generators_depend_on_name_and_seed_alone():
    draws = {(name, seed): seed_from_name(name, seed).random() for name in "ab" for seed in (0, 1)}
    assert len(set(draws.values())) == 4
    code = "from inr.shapes.sampling import seed_from_name as s; print(s('a', 1).random())"
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
