import numpy as np
import pytest
import torch

from inr.models.parts.poses import mean_pose, pose_dim, rest_pose, rotation_dim, split
from tests.making import draw_part_poses, make_part_codes

DIMS = pytest.mark.parametrize("dim", [2, 3])


@DIMS
def test_states_are_codes_and_the_poses_of_the_data(dim):
    given = draw_part_poses(4, dim=dim)
    given["s1"][2, -1] = 0
    codes = make_part_codes(dim=dim, poses=given)
    states = codes(torch.tensor([1, 3, 1]))
    assert states.shape == (3, 3, 4 + pose_dim(dim))
    torch.testing.assert_close(states[..., 4:], torch.stack([given[n] for n in ("s1", "s3", "s1")]))
    assert torch.equal(states[..., :4], codes.codes[[1, 3, 1]])
    assert codes.optional().tolist() == [False, False, True]
    assert not codes.poses.requires_grad


def test_each_parts_code_is_bounded():
    codes = make_part_codes(dim=3, max_norm=0.5)
    states = codes(torch.arange(4))
    assert (states[..., :4].norm(dim=-1) <= 0.5 + 1e-6).all()
    assert (codes.codes.norm(dim=-1) > 0.5).any()


def test_quaternions_stay_of_unit_length_while_they_are_trained():
    codes = make_part_codes(dim=3, train_poses=True, poses=draw_part_poses(4, dim=3))
    optimizer = torch.optim.SGD(codes.parameters(), lr=0.5)
    index = torch.arange(4)
    before = codes(index).detach()
    for _ in range(5):
        states = codes(index)
        loss = (states * torch.linspace(-1, 1, states.numel()).view(states.shape)).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    _, pose = split(codes(index), 3)
    assert (codes.poses[..., :4].norm(dim=-1) - 1).abs().max() > 0.01  # the raw ones do not
    torch.testing.assert_close(pose.rotation.norm(dim=-1), torch.ones(4, 3))
    assert (pose.scale > 0).all() and (codes.poses[..., 7:] <= 0).any()
    assert (split(before, 3)[1].rotation - pose.rotation).abs().max() > 0.01


@DIMS
def test_regularisers_see_the_codes_of_present_parts(dim):
    codes = make_part_codes(dim=dim)
    states = codes(torch.arange(2)).detach()
    states[1, 0, -1] = 0
    seen = codes.penalised(states)
    assert seen.shape == (2, 12)
    assert torch.equal(seen[0], states[0, :, :4].flatten())
    assert (seen[1, :4] == 0).all() and torch.equal(seen[1, 4:], states[1, 1:, :4].flatten())


@DIMS
def test_starts_are_seeded_codes_at_the_mean_pose(dim):
    given = draw_part_poses(4, dim=dim)
    given["s0"][1, -1] = 0
    codes = make_part_codes(dim=dim, poses=given)
    start = codes.start(["x", "y"], std=0.01, seed=3)
    mean = mean_pose(torch.stack(list(given.values())), dim)
    torch.testing.assert_close(start[..., 4:], mean.expand(2, -1, -1))
    assert (start[..., -1] == 1).all()
    assert 0 < start[..., :4].abs().max() < 0.05
    assert torch.equal(start[1], codes.start(["y"], std=0.01, seed=3)[0])
    assert not torch.equal(start[0, :, :4], start[1, :, :4])


@DIMS
def test_pieces_and_back(dim):
    codes = make_part_codes(dim=dim, poses=draw_part_poses(4, dim=dim))
    raw = codes.raw()
    assert torch.equal(codes.join(codes.split(raw)), raw)
    other = make_part_codes(dim=dim, seed=8)
    other.load(raw)
    assert torch.equal(other.raw(), raw) and torch.equal(other.poses, codes.poses)
    with pytest.raises(RuntimeError, match="size mismatch"):
        other.load(raw[:, :2])
    with pytest.raises(RuntimeError, match="size mismatch"):
        other.load(torch.zeros(4, 6))


def test_without_poses_frames_are_the_boxs():
    codes = make_part_codes(dim=3)
    assert torch.equal(codes.raw()[..., 4:], rest_pose(4, 3, dim=3))


def test_pretrained_states_come_by_name(tmp_path):
    width = 4 + pose_dim(2)
    for number in range(4):
        np.save(tmp_path / f"s{number}.npy", np.full((3, width), float(number), np.float32))
    codes = make_part_codes(dim=2, pretrained=str(tmp_path), trainable=False)
    assert codes.codes[:, 0, 0].tolist() == [0, 1, 2, 3] and not codes.codes.requires_grad
    assert codes.poses[2, 1, rotation_dim(2)] == 2


def test_which_parts_there_are_the_data_says_though_states_are_pretrained(tmp_path):
    for number in range(4):
        state = np.ones((3, 4 + pose_dim(2)), np.float32)
        state[number % 3, -1] = 0
        np.save(tmp_path / f"s{number}.npy", state)
    poses = draw_part_poses(4, dim=2)
    poses["s1"][2, -1] = 0
    codes = make_part_codes(dim=2, pretrained=str(tmp_path), poses=poses)
    assert codes.present.tolist() == [[1, 1, 1], [1, 1, 0], [1, 1, 1], [1, 1, 1]]
    assert (codes.poses == 1).all()


def test_poses_that_do_not_fit_are_named():
    given = draw_part_poses(4, dim=3)
    del given["s2"]
    with pytest.raises(ValueError, match="'s2' has no poses of parts"):
        make_part_codes(dim=3, poses=given)
    given = draw_part_poses(4, dim=3) | {"s2": rest_pose(5, dim=3)}
    with pytest.raises(ValueError, match=r"'s2' has 5 parts.*add latent\.num_parts=5"):
        make_part_codes(dim=3, poses=given)
    with pytest.raises(ValueError, match=r"latent\.num_parts is 0"):
        make_part_codes(dim=3, num_parts=0)


@DIMS
def test_vectors_to_draw_by(dim):
    given = draw_part_poses(4, dim=dim)
    given["s0"][1, -1] = 0
    if dim == 3:
        given["s2"][..., :4] *= -1
    codes = make_part_codes(dim=dim, poses=given)
    vectors = codes.vectors()
    assert vectors.shape == (4, 3 * (4 + pose_dim(dim)))
    rows = vectors.view(4, 3, -1)
    states, again = codes(torch.arange(4)).detach(), codes.from_vectors(vectors)
    there = codes.present > 0
    turn = rotation_dim(dim)
    for got in (rows, again):
        assert torch.equal(got[..., -1], codes.present)
        torch.testing.assert_close(got[there][:, 4 + turn :], states[there][:, 4 + turn :])
        turns = [one[there][:, 4 : 4 + turn] for one in (got, states)]
        if dim == 3:  # a quaternion and its negative are one rotation
            turns = [one.abs() for one in turns]
        torch.testing.assert_close(*turns)
    torch.testing.assert_close(rows[0, 1, :-1], rows[1:, 1, :-1].mean(dim=0))
    if dim == 3:
        assert ((rows[2, :, 4:8] * rows[1, :, 4:8]).sum(dim=-1) > 0).all()
    rows[..., -1] = 0.4
    assert (codes.from_vectors(vectors)[..., -1] == 0).all()


def test_angles_are_brought_together_before_new_ones_are_drawn():
    given = draw_part_poses(2, dim=2)
    for pose, angle in zip(given.values(), (3.1, -3.1), strict=True):
        pose[:, 0] = angle
    rows = make_part_codes(2, dim=2, poses=given).vectors().view(2, 3, -1)
    turn = rows[..., 4].mean(dim=0)
    torch.testing.assert_close(turn.cos(), -torch.ones(3))
    assert (rows[0, :, 4] - rows[1, :, 4]).abs().max() < 0.1
