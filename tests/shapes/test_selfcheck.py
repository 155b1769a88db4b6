import numpy as np
import pytest
import trimesh

from inr.shapes.mesh import Mesh
from inr.shapes.sampling import sample_sdf
from inr.shapes.selfcheck import brute_force_distance, check_samples


def ball() -> Mesh:
    made = trimesh.creation.icosphere(subdivisions=3, radius=0.7)
    return Mesh(np.asarray(made.vertices), np.asarray(made.faces, dtype=np.int64))


def square() -> Mesh:
    corners = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    return Mesh(corners, np.array([[0, 1], [1, 2], [2, 3], [3, 0]]))


def test_distance_to_a_square_and_to_a_triangle():
    points = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.4, 0.0]])
    found = brute_force_distance(square(), points)
    np.testing.assert_allclose(found, [0.5, 0.5, np.sqrt(0.5), 0.1], atol=1e-12)
    triangle = Mesh(np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]), np.array([[0, 1, 2]]))
    points = np.array([[0.2, 0.2, 0.3], [-1.0, 0, 0], [1, 1, 0], [0.5, -2, 0]])
    found = brute_force_distance(triangle, points)
    np.testing.assert_allclose(found, [0.3, 1, np.sqrt(0.5), 2], atol=1e-12)


@pytest.mark.parametrize("mesh", [ball(), square()], ids=["3-D", "2-D"])
def test_right_samples_agree_and_wrong_ones_do_not(mesh):
    rng = np.random.default_rng(0)
    samples = sample_sdf(mesh, [500], [0.01], 500, rng, **PLAIN).samples
    check = check_samples(mesh, samples, signed=True)
    assert check.points >= 16
    assert check.sign_agreement == 1.0 and check.max_error < 1e-6
    flipped = samples.copy()
    flipped[::2, -1] *= -1
    check = check_samples(mesh, flipped, signed=True)
    assert check.sign_agreement < 0.8
    samples[:, -1] += 0.01
    check = check_samples(mesh, np.abs(samples), signed=False)
    assert check.sign_agreement is None and check.max_error > 0.005


PLAIN = {"edge_fraction": 0.0, "sign": "winding", "dtype": np.dtype(np.float32), "device": "cpu"}
