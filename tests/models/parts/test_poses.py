import math

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from inr.models.parts.poses import (
    MIN_SCALE,
    Pose,
    constrain,
    from_canonical,
    identity_pose,
    join,
    mean_pose,
    pose_dim,
    rotation_dim,
    rotation_matrix,
    split,
    to_canonical,
)

DIMS = pytest.mark.parametrize("dim", [2, 3])


def draw_poses(*sizes: int, dim: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    pose = torch.randn(*sizes, pose_dim(dim), generator=generator, dtype=torch.float64)
    pose[..., -1 - dim : -1] = pose[..., -1 - dim : -1].abs() + 0.1
    pose[..., -1] = 1
    return pose


@DIMS
def test_there_and_back(dim):
    pose = split(draw_poses(2, 5, dim=dim), dim)[1]
    x = torch.randn(2, 9, dim, dtype=torch.float64)
    canonical = to_canonical(x, pose)
    assert canonical.shape == (2, 5, 9, dim)
    torch.testing.assert_close(from_canonical(canonical, pose), x[:, None].expand(-1, 5, -1, -1))


@DIMS
def test_a_pose_scales_then_turns_then_moves(dim):
    pose = split(draw_poses(1, 2, dim=dim), dim)[1]
    y = torch.randn(4, dim, dtype=torch.float64)
    for part in range(2):
        matrix = rotation_matrix(pose.rotation)[0, part]
        by_hand = torch.stack(
            [matrix @ (pose.scale[0, part] * row) + pose.translation[0, part] for row in y]
        )
        got = from_canonical(y[None, None].expand(1, 2, -1, -1), pose)[0, part]
        torch.testing.assert_close(got, by_hand)


def test_quaternions_turn_as_those_of_scipy():
    quaternions = draw_poses(7, dim=3)[:, :4]  # of any length
    expected = Rotation.from_quat(np.roll(quaternions.numpy(), -1, axis=1)).as_matrix()
    np.testing.assert_allclose(rotation_matrix(quaternions), expected, atol=1e-12)


def test_angles_turn_anticlockwise():
    quarter = rotation_matrix(torch.tensor([math.pi / 2]))
    torch.testing.assert_close(quarter @ torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]))


def test_a_zero_quaternion_turns_nothing_and_has_a_gradient():
    zero = torch.zeros(4, requires_grad=True)
    matrix = rotation_matrix(zero)
    assert torch.equal(matrix, torch.eye(3))
    matrix.sum().backward()
    assert zero.grad.isfinite().all()


@DIMS
def test_columns(dim):
    pose = draw_poses(2, 5, dim=dim)
    pose[0, 1, -1] = 0
    latent = torch.randn(2, 5, 6, dtype=torch.float64)
    got, parts = split(torch.cat([latent, pose], dim=-1), dim)
    assert torch.equal(got, latent) and torch.equal(join(parts), pose)
    assert parts.rotation.shape[-1] == rotation_dim(dim)
    assert parts.present.sum() == 9 and not parts.present[0, 1]


@DIMS
def test_at_rest_a_frame_is_the_boxs(dim):
    x = torch.randn(2, 4, dim)
    pose = split(identity_pose(2, 3, dim=dim), dim)[1]
    assert pose.present.all()
    torch.testing.assert_close(to_canonical(x, pose), x[:, None].expand(-1, 3, -1, -1))


@DIMS
def test_constrained_poses_are_proper(dim):
    pose = draw_poses(50, dim=dim)
    pose[:, -1 - dim : -1] = torch.linspace(-5, 5, 50 * dim).view(50, dim)
    pose[3, :4] = 0
    pose.requires_grad_()
    got = constrain(pose, dim)
    _, parts = split(got, dim)
    assert (parts.scale > 0).all()
    scale = pose[:, -1 - dim : -1]
    large = scale > MIN_SCALE
    assert torch.equal(parts.scale[large], scale[large])
    if dim == 3:
        lengths = parts.rotation.norm(dim=1)
        assert lengths[3] == 0
        torch.testing.assert_close(lengths[4:], torch.ones_like(lengths[4:]))
    got.sum().backward()
    assert pose.grad.isfinite().all()
    torch.testing.assert_close(constrain(got.detach()[large.all(1)], dim), got[large.all(1)])


def test_scales_stay_positive_and_come_back():
    # a bad step has left the second far below 0
    scale = torch.tensor([0.2, -0.05, MIN_SCALE / 2], requires_grad=True)

    def constrained():
        pose = torch.cat([torch.zeros(3, 3), scale[:, None].expand(-1, 2), torch.ones(3, 1)], dim=1)
        return constrain(pose, 2)

    got = constrained()
    assert got[:, 3].tolist() == pytest.approx([0.2, MIN_SCALE, MIN_SCALE])
    assert torch.equal(constrain(got, 2), got)
    optimizer = torch.optim.Adam([scale], lr=0.01)
    for _ in range(60):
        optimizer.zero_grad()
        (constrained()[:, 3] - 0.1).square().sum().backward()
        optimizer.step()
    assert scale.tolist() == pytest.approx([0.1, 0.1, 0.1], abs=0.03)


def test_the_mean_of_quaternions_knows_no_sign():
    turn = Rotation.from_rotvec([[0, 0, a] for a in (0.1, 0.2, 0.3)])
    pose = draw_poses(3, 1, dim=3)
    pose[:, 0, :4] = torch.from_numpy(np.roll(turn.as_quat(), 1, axis=1))
    pose[1, 0, :4] *= -1
    mean = mean_pose(pose, 3)[0]
    angle = Rotation.from_quat(np.roll(mean[:4].numpy(), -1)).as_rotvec()
    np.testing.assert_allclose(angle, [0, 0, 0.2], atol=1e-12)
    torch.testing.assert_close(mean[4:10], pose[:, 0, 4:10].mean(dim=0))


def test_the_mean_of_angles_knows_no_turn():
    pose = draw_poses(2, 1, dim=2)
    pose[:, 0, 0] = torch.tensor([math.pi - 0.1, -math.pi + 0.3])
    mean = float(mean_pose(pose, 2)[0, 0])
    assert mean % (2 * math.pi) == pytest.approx(math.pi + 0.1)


@DIMS
def test_a_mean_is_over_the_shapes_that_have_the_part(dim):
    pose = draw_poses(3, 3, dim=dim)
    pose[..., : rotation_dim(dim)] = torch.nn.functional.normalize(
        pose[..., : rotation_dim(dim)].abs(), dim=-1
    )
    pose[1:, 0, -1] = 0
    pose[:, 1, -1] = 0
    mean = mean_pose(pose, dim)
    torch.testing.assert_close(mean[0], pose[0, 0])
    assert torch.equal(mean[1], identity_pose(dim=dim).double())
    assert (mean[:, -1] == 1).all()


def test_poses_are_not_changed_by_their_use():
    pose = draw_poses(2, 2, dim=3)
    before = pose.clone()
    constrain(pose, 3), mean_pose(pose, 3)
    to_canonical(torch.randn(2, 3, 3, dtype=torch.float64), Pose(*split(pose, 3)[1]))
    assert torch.equal(pose, before)
