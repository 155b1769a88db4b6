import numpy as np
import pytest
import torch

from inr.models.parts.poses import identity_pose, mean_pose, pose_dim, rotation_dim, split
from tests.support.making import draw_part_poses, make_part_latents

DIMS = pytest.mark.parametrize("dim", [2, 3])


@DIMS
def test_latents_are_latents_and_the_poses_of_the_data(dim):
    given = draw_part_poses(4, dim=dim)
    given["s1"][2, -1] = 0
    table = make_part_latents(dim=dim, poses=given)
    latents = table(torch.tensor([1, 3, 1]))
    assert latents.shape == (3, 3, 4 + pose_dim(dim))
    torch.testing.assert_close(
        latents[..., 4:], torch.stack([given[n] for n in ("s1", "s3", "s1")])
    )
    assert torch.equal(latents[..., :4], table.weight[[1, 3, 1]])
    assert table.optional().tolist() == [False, False, True]
    assert not table.poses.requires_grad


def test_each_parts_latent_is_bounded():
    table = make_part_latents(dim=3, max_norm=0.5)
    latents = table(torch.arange(4))
    assert (latents[..., :4].norm(dim=-1) <= 0.5 + 1e-6).all()
    assert (table.weight.norm(dim=-1) > 0.5).any()


def test_quaternions_stay_of_unit_length_while_they_are_trained():
    table = make_part_latents(dim=3, train_poses=True, poses=draw_part_poses(4, dim=3))
    optimizer = torch.optim.SGD(table.parameters(), lr=0.5)
    index = torch.arange(4)
    before = table(index).detach()
    for _ in range(5):
        latents = table(index)
        loss = (latents * torch.linspace(-1, 1, latents.numel()).view(latents.shape)).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    _, pose = split(table(index), 3)
    assert (table.poses[..., :4].norm(dim=-1) - 1).abs().max() > 0.01  # the raw ones do not
    torch.testing.assert_close(pose.rotation.norm(dim=-1), torch.ones(4, 3))
    assert (pose.scale > 0).all() and (table.poses[..., 7:] <= 0).any()
    assert (split(before, 3)[1].rotation - pose.rotation).abs().max() > 0.01


@DIMS
def test_regularisers_see_the_latents_of_present_parts(dim):
    table = make_part_latents(dim=dim)
    latents = table(torch.arange(2)).detach()
    latents[1, 0, -1] = 0
    seen = table.regularised(latents)
    assert seen.shape == (2, 12)
    assert torch.equal(seen[0], latents[0, :, :4].flatten())
    assert (seen[1, :4] == 0).all() and torch.equal(seen[1, 4:], latents[1, 1:, :4].flatten())


@DIMS
def test_starts_are_seeded_latents_at_the_mean_pose(dim):
    given = draw_part_poses(4, dim=dim)
    given["s0"][1, -1] = 0
    latents = make_part_latents(dim=dim, poses=given)
    start = latents.init(["x", "y"], std=0.01, seed=3)
    mean = mean_pose(torch.stack(list(given.values())), dim)
    torch.testing.assert_close(start[..., 4:], mean.expand(2, -1, -1))
    assert (start[..., -1] == 1).all()
    assert 0 < start[..., :4].abs().max() < 0.05
    assert torch.equal(start[1], latents.init(["y"], std=0.01, seed=3)[0])
    assert not torch.equal(start[0, :, :4], start[1, :, :4])


@DIMS
def test_pieces_and_back(dim):
    latents = make_part_latents(dim=dim, poses=draw_part_poses(4, dim=dim))
    raw = latents.raw()
    assert torch.equal(latents.join(latents.split(raw)), raw)
    other = make_part_latents(dim=dim, seed=8)
    other.load(raw)
    assert torch.equal(other.raw(), raw) and torch.equal(other.poses, latents.poses)
    with pytest.raises(RuntimeError, match="size mismatch"):
        other.load(raw[:, :2])
    with pytest.raises(RuntimeError, match="size mismatch"):
        other.load(torch.zeros(4, 6))


def test_without_poses_frames_are_the_boxs():
    latents = make_part_latents(dim=3)
    assert torch.equal(latents.raw()[..., 4:], identity_pose(4, 3, dim=3))


def test_pretrained_latents_come_by_name(tmp_path):
    width = 4 + pose_dim(2)
    for number in range(4):
        np.save(tmp_path / f"s{number}.npy", np.full((3, width), float(number), np.float32))
    latents = make_part_latents(dim=2, pretrained=str(tmp_path), trainable=False)
    assert latents.weight[:, 0, 0].tolist() == [0, 1, 2, 3] and not latents.weight.requires_grad
    assert latents.poses[2, 1, rotation_dim(2)] == 2


def test_which_parts_there_are_the_data_says_though_latents_are_pretrained(tmp_path):
    for number in range(4):
        latent = np.ones((3, 4 + pose_dim(2)), np.float32)
        latent[number % 3, -1] = 0
        np.save(tmp_path / f"s{number}.npy", latent)
    poses = draw_part_poses(4, dim=2)
    poses["s1"][2, -1] = 0
    latents = make_part_latents(dim=2, pretrained=str(tmp_path), poses=poses)
    assert latents.present.tolist() == [[1, 1, 1], [1, 1, 0], [1, 1, 1], [1, 1, 1]]
    assert (latents.poses == 1).all()


def test_poses_that_do_not_fit_are_named():
    given = draw_part_poses(4, dim=3)
    del given["s2"]
    with pytest.raises(ValueError, match="'s2' has no poses of parts"):
        make_part_latents(dim=3, poses=given)
    given = draw_part_poses(4, dim=3) | {"s2": identity_pose(5, dim=3)}
    with pytest.raises(ValueError, match=r"'s2' has 5 parts.*add latent\.num_parts=5"):
        make_part_latents(dim=3, poses=given)
    with pytest.raises(ValueError, match=r"latent\.num_parts is 0"):
        make_part_latents(dim=3, num_parts=0)


@DIMS
def test_vectors_to_draw_by(dim):
    given = draw_part_poses(4, dim=dim)
    given["s0"][1, -1] = 0
    if dim == 3:
        given["s2"][..., :4] *= -1
    table = make_part_latents(dim=dim, poses=given)
    vectors = table.flatten()
    assert vectors.shape == (4, 3 * (4 + pose_dim(dim)))
    rows = vectors.view(4, 3, -1)
    latents, again = table(torch.arange(4)).detach(), table.unflatten(vectors)
    there = table.present > 0
    turn = rotation_dim(dim)
    for got in (rows, again):
        assert torch.equal(got[..., -1], table.present)
        torch.testing.assert_close(got[there][:, 4 + turn :], latents[there][:, 4 + turn :])
        turns = [one[there][:, 4 : 4 + turn] for one in (got, latents)]
        if dim == 3:  # a quaternion and its negative are one rotation
            turns = [one.abs() for one in turns]
        torch.testing.assert_close(*turns)
    torch.testing.assert_close(rows[0, 1, :-1], rows[1:, 1, :-1].mean(dim=0))
    if dim == 3:
        assert ((rows[2, :, 4:8] * rows[1, :, 4:8]).sum(dim=-1) > 0).all()
    rows[..., -1] = 0.4
    assert (table.unflatten(vectors)[..., -1] == 0).all()


def test_angles_are_brought_together_before_new_ones_are_drawn():
    given = draw_part_poses(2, dim=2)
    for pose, angle in zip(given.values(), (3.1, -3.1), strict=True):
        pose[:, 0] = angle
    rows = make_part_latents(2, dim=2, poses=given).flatten().view(2, 3, -1)
    turn = rows[..., 4].mean(dim=0)
    torch.testing.assert_close(turn.cos(), -torch.ones(3))
    assert (rows[0, :, 4] - rows[1, :, 4]).abs().max() < 0.1
