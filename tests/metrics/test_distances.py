import numpy as np
import pytest

from inr.metrics.distances import (
    accuracy,
    chamfer_l1,
    chamfer_l2,
    completeness,
    f_score,
    hausdorff,
    match_nearest,
    normal_consistency,
)
from tests.support.paths import GOLDEN

VALUES = GOLDEN / "metrics.npz"


@pytest.fixture(params=[2, 3])
def clouds(request):
    rng = np.random.default_rng(0)
    return rng.normal(size=(200, request.param)), rng.normal(size=(300, request.param)) + 0.1


def on_sphere(num_points, radius, dim, seed):
    directions = np.random.default_rng(seed).normal(size=(num_points, dim))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return radius * directions, directions


def test_every_metric_agrees_with_brute_force(clouds):
    a, b = clouds
    matches = match_nearest(a, b)
    table = np.linalg.norm(a[:, None] - b[None], axis=2)
    forward, backward = table.min(axis=1), table.min(axis=0)
    assert accuracy(matches) == pytest.approx(forward.mean())
    assert completeness(matches) == pytest.approx(backward.mean())
    assert chamfer_l1(matches) == pytest.approx((forward.mean() + backward.mean()) / 2)
    assert chamfer_l2(matches) == pytest.approx((forward**2).mean() + (backward**2).mean())
    assert hausdorff(matches) == pytest.approx(max(forward.max(), backward.max()))
    precision, recall = (forward < 0.2).mean(), (backward < 0.2).mean()
    assert 0 < precision != recall
    assert f_score(matches, 0.2) == pytest.approx(2 / (1 / precision + 1 / recall))
    normals_a, normals_b = (points / np.linalg.norm(points, axis=1)[:, None] for points in clouds)
    cosines = np.abs(normals_a @ normals_b.T)
    expected = (
        cosines[np.arange(len(a)), table.argmin(axis=1)].mean()
        + cosines[table.argmin(axis=0), np.arange(len(b))].mean()
    ) / 2
    assert normal_consistency(matches, normals_a, normals_b) == pytest.approx(expected)


@pytest.mark.parametrize("dim", [2, 3])
def test_concentric_spheres_are_their_gap_apart(dim):
    inner, inner_normals = on_sphere(20000, 0.5, dim, 0)
    outer, outer_normals = on_sphere(20000, 0.6, dim, 1)
    matches = match_nearest(inner, outer)
    # The nearest sample is aside by about the sample spacing, which adds its square over the gap.
    assert accuracy(matches) == pytest.approx(0.1, rel=5e-3)
    assert completeness(matches) == pytest.approx(0.1, rel=5e-3)
    assert chamfer_l1(matches) == pytest.approx(0.1, rel=5e-3)
    assert chamfer_l2(matches) == pytest.approx(0.02, rel=1e-2)
    assert hausdorff(matches) == pytest.approx(0.1, rel=5e-2)
    assert normal_consistency(matches, inner_normals, -outer_normals) > 0.999
    assert f_score(matches, 0.09) == 0
    assert f_score(matches, 0.12) == 1


def test_directions_are_not_exchanged():
    reconstruction, ground_truth = np.array([[0.0, 0.0]]), np.array([[0.0, 0.0], [3.0, 4.0]])
    matches = match_nearest(reconstruction, ground_truth)
    assert accuracy(matches) == 0
    assert completeness(matches) == 2.5
    assert chamfer_l1(matches) == 1.25
    assert chamfer_l2(matches) == 12.5
    assert hausdorff(matches) == 5
    assert f_score(matches, 1.0) == pytest.approx(2 / 3)
    assert f_score(matches, 5.0) == pytest.approx(2 / 3)  # nearer than, not as near as


def test_distances_are_float64_whatever_comes_in():
    a = np.array([[0.1, 0.2]], dtype=np.float32)
    assert match_nearest(a, a + np.float32(1e-3)).to_ground_truth.dtype == np.float64


def test_empty_sets_and_other_dimensions_are_refused():
    with pytest.raises(ValueError, match="0 and 4 points"):
        match_nearest(np.zeros((0, 3)), np.zeros((4, 3)))
    with pytest.raises(ValueError, match=r"shapes \(4, 2\) and \(4, 3\)"):
        match_nearest(np.zeros((4, 2)), np.zeros((4, 3)))


@pytest.mark.skipif(not VALUES.exists(), reason="needs the golden files beside the repository")
def test_golden_chamfer():
    with np.load(VALUES) as golden:
        matches = match_nearest(golden["points_a"], golden["points_b"])
        assert chamfer_l2(matches) == pytest.approx(float(golden["chamfer_squared_sum"]), rel=1e-5)
        assert 2 * chamfer_l1(matches) == pytest.approx(
            float(golden["chamfer_unsquared_sum"]), rel=1e-5
        )
