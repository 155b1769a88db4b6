import numpy as np
import pytest
import torch
import trimesh

from inr.data.layout import Layout, write_npz
from inr.data.observe import offset_samples, open_observed, visible
from tests.support.making import CPU, DRAWS


def sphere(num_points: int, dim: int, radius: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    normals = np.random.default_rng(0).normal(size=(num_points, dim))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return radius * normals, normals


@pytest.mark.parametrize("dim", [2, 3])
def test_samples_beside_a_sphere_have_its_distance(dim):
    points, normals = sphere(500, dim)
    outer, inner = offset_samples(points, normals, 0.02, np.random.default_rng(1))
    for samples, sign in ((outer, 1), (inner, -1)):
        exact = np.linalg.norm(samples[:, :dim], axis=1) - 0.5
        np.testing.assert_allclose(samples[:, dim], exact, atol=1e-6)
        assert (sign * samples[:, dim] >= 0).all()
        assert np.sqrt(np.square(samples[:, dim]).mean()) == pytest.approx(0.02, rel=0.15)


@pytest.mark.parametrize("view", [[0.0, 1.0], [3.0, -1.0], [0.2, 0.5, 1.0]])
def test_the_near_half_of_a_sphere_is_seen(view):
    points, normals = sphere(20000, len(view))
    seen = visible(points, normals, view)
    facing = normals @ np.array(view) / np.linalg.norm(view)
    assert not seen[facing <= 0].any()
    assert seen[facing > 0.4].all()


def test_what_is_in_front_hides_what_is_behind():
    points, normals = sphere(30000, 3, 0.3)
    apart = np.array([0, 0, 0.6])
    near, far = points + apart, points - apart
    seen = visible(np.concatenate([near, far]), np.concatenate([normals, normals]), [0, 0, 1])
    assert not seen[len(near) :].any()
    assert seen[: len(near)].mean() == pytest.approx(0.5, abs=0.08)
    # from the side both are seen
    seen = visible(np.concatenate([near, far]), np.concatenate([normals, normals]), [1, 0, 0])
    assert seen[len(near) :].mean() == pytest.approx(0.5, abs=0.08)


def test_agrees_with_ray_casting_on_a_torus():
    mesh = trimesh.creation.torus(0.6, 0.25, major_sections=96, minor_sections=48)
    points, face = trimesh.sample.sample_surface(mesh, 20000, seed=0)
    normals = mesh.face_normals[face]
    view = np.array([1.0, 0.3, 0.6]) / np.linalg.norm([1.0, 0.3, 0.6])
    blocked = mesh.ray.intersects_any(points + 1e-3 * normals, np.tile(view, (len(points), 1)))
    exact = (normals @ view > 0) & ~blocked
    seen = visible(points, normals, view.tolist())
    assert (seen == exact).mean() > 0.96
    assert exact[seen].mean() > 0.95


def test_the_store_holds_only_what_is_seen(tmp_path):
    layout = Layout(tmp_path)
    points, normals = sphere(4000, 2)
    write_npz(layout.surface("disc"), all=np.concatenate([points, normals], axis=1))

    def observe(**changes):
        settings = {"num_channels": 1, "view": None, "offset": 0.01, "seed": 0, "device": CPU}
        return open_observed(layout, ["disc"], dim=2, **{**settings, **changes})

    batch = observe(view=[0.0, 1.0]).draw(
        torch.tensor([0]), DRAWS, torch.Generator().manual_seed(0)
    )
    assert batch.surface.points[..., 1].min() >= 0
    assert batch.samples.points[..., 1].min() > -0.05
    batch = observe().draw(torch.tensor([0]), DRAWS, torch.Generator().manual_seed(0))
    assert batch.surface.points[..., 1].min() < -0.3
    with pytest.raises(ValueError, match=r"model\.num_channels=2"):
        observe(num_channels=2)
