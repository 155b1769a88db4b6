"""Latents and poses of parts, fitted to unseen shapes; and their meshes."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.optim.optimizer import register_optimizer_step_post_hook

from inr.data.layout import Layout
from inr.losses import L1, Intersection, LatentRegularisation, Losses, PartDistance, SurfaceDistance
from inr.models.inr import INR
from inr.models.parts.poses import split
from inr.reconstruct import PartFit, decode_mesh, decode_parts, fit_latents
from inr.reconstruct.latent_fitting import part_poses, uses_whole_shape
from tests.support.discs import PAIRS, Discs, open_pairs
from tests.support.making import DRAWS, make_part_latents, make_part_mlp

WHOLE = L1(weight=1.0)
PARTS = PartDistance(weight=1.0, power=1, strength=0.0, delta=None)
APART = Intersection(weight=0.1, temperature=0.02)
LOSSES = Losses({"whole": WHOLE, "apart": APART})


def poses_of(root: Path) -> dict[str, Tensor]:
    return dict(part_poses(Layout(root), list(PAIRS), 2))


def make(root: Path) -> INR:
    """A model whose training shapes are those of PAIRS: the mean pose is near, the second optional.

    Latents have no width, so that poses have to do it all.
    """
    poses = {f"s{i}": pose for i, pose in enumerate(poses_of(root).values())}
    latents = make_part_latents(3, 0, dim=2, num_parts=2, poses=poses)
    return INR(Discs(), latents, output="sdf")


def plan(**changes) -> PartFit:
    settings = {"pose_lr": 0.02, "poses": None, "present": None, "early": LOSSES}
    return PartFit(**{**settings, "whole": Losses({"whole": WHOLE}), **changes})


def fit(model: INR, store, parts: PartFit, losses: Losses = LOSSES, **changes) -> Tensor:
    settings = {"iterations": 120, "spec": DRAWS, "lr": 0.01, "lr_drop": 0.1, "init_std": 0.01}
    settings |= {"seed": 0, "parts": parts}
    return fit_latents(model, store, losses, **{**settings, **changes})


def check_discs(latents: Tensor, names=tuple(PAIRS), atol: float = 0.03) -> None:
    pose = split(latents, 2)[1]
    for shape, name in enumerate(names):
        for part, disc in enumerate(PAIRS[name]):
            assert bool(pose.present[shape, part]) == (disc is not None), (name, part)
            if disc is not None:
                np.testing.assert_allclose(pose.translation[shape, part], disc[:2], atol=atol)
                np.testing.assert_allclose(pose.scale[shape, part].mean(), disc[2], atol=atol)


def test_poses_are_found_from_the_mean_and_surplus_parts_are_dropped(tmp_path):
    store = open_pairs(tmp_path, needs=("signed",))
    latents = fit(make(tmp_path), store, plan())
    assert latents.shape == (3, 2, 6) and not latents.requires_grad
    check_discs(latents)


def test_a_shape_does_not_depend_on_the_others(tmp_path):
    settings = {"iterations": 20}
    torch.manual_seed(0)
    # of discs the angle has no gradient but rounding, of which Adam makes anything
    decoder = make_part_mlp(dim=2, latent_dim=0, num_parts=2, input_pose=True)
    model = INR(decoder, make_both(tmp_path / "all").latents, output="sdf")
    together = fit(model, open_pairs(tmp_path / "two"), plan(), **settings)
    for row, name in enumerate(PAIRS):
        store = open_pairs(tmp_path / name, {name: PAIRS[name]})
        alone = fit(model, store, plan(), **settings)
        torch.testing.assert_close(alone[0], together[row], atol=1e-4, rtol=1e-4)
    assert (together[0] - together[1]).abs().max() > 0.01  # they moved, and apart


def make_both(root: Path) -> INR:
    open_pairs(root)
    return make(root)


def test_a_part_that_every_training_shape_has_is_kept(tmp_path):
    model = make_both(tmp_path)
    model.latents.present.fill_(1)
    latents = fit(model, open_pairs(tmp_path / "again"), plan())
    assert (latents[..., -1] == 1).all()


def test_given_poses_may_stay_and_latents_do_the_rest(tmp_path):
    store = open_pairs(tmp_path)
    table = make_part_latents(3, 2, dim=2, num_parts=2)
    model = INR(Discs(), table, output="sdf")
    given = torch.stack(list(poses_of(tmp_path).values()))
    larger = given.clone()
    larger[..., 3:5] *= 1.3
    latents = fit(model, store, plan(pose_lr=0.0, poses=larger))
    torch.testing.assert_close(latents[..., 2:], larger)
    # the latents take back what the scales have too much
    there = given[..., -1] > 0
    radius = larger[..., 3] + latents[..., :2].sum(dim=-1)
    np.testing.assert_allclose(radius[there], given[..., 3][there], atol=0.02)
    moved = fit(model, store, plan(poses=larger))
    assert (moved[..., 3:5] != larger[..., 1:3]).all(dim=-1)[there].all()
    assert torch.equal(moved[..., -1], given[..., -1])


def test_with_labels_the_whole_joins_after_half(tmp_path):
    store = open_pairs(tmp_path)
    model, seen = make(tmp_path), []

    class Spy(L1):
        def forward(self, shown):
            seen.append(step[0])
            return super().forward(shown)

    step = [0]

    def count() -> bool:
        step[0] += 1
        return False

    losses = Losses({"whole": Spy(weight=0.5), "parts": PARTS, "apart": APART})
    present = torch.tensor([[True, True], [True, True], [True, False]])
    parts = plan(present=present, early=losses.select(lambda term: not uses_whole_shape(term)))
    latents = fit(model, store, parts, losses, stopped=count)
    check_discs(latents)
    assert seen == list(range(60, 120))


def test_all_rates_drop_after_half(tmp_path):
    model, rates = INR(Discs(), make_part_latents(3, 2, dim=2, num_parts=2), output="sdf"), []

    def note(optimizer, *_) -> None:
        rates.append([group["lr"] for group in optimizer.param_groups])

    with register_optimizer_step_post_hook(note):
        fit(model, open_pairs(tmp_path), plan(pose_lr=0.02), iterations=4, lr_drop=0.1)
    np.testing.assert_allclose(rates, [[0.01, 0.02]] * 2 + [[0.001, 0.002]] * 2)


def test_no_part_is_dropped_where_nothing_says_how_well_the_whole_is(tmp_path):
    store = open_pairs(tmp_path, needs=("signed",))
    latents = fit(make(tmp_path), store, plan(whole=Losses({})), iterations=4)
    assert (latents[..., -1] == 1).all()


def test_which_terms_are_of_the_whole():
    assert uses_whole_shape(WHOLE) and uses_whole_shape(SurfaceDistance(weight=1.0))
    for term in (PARTS, APART, LatentRegularisation(weight=1.0, ramp_epochs=0)):
        assert not uses_whole_shape(term)


@pytest.mark.parametrize("coarse_to_fine", [False, True])
def test_meshes_of_parts(tmp_path, coarse_to_fine):
    model = make_both(tmp_path)
    latents = model.latents(torch.tensor([1, 2]))
    settings = {"dim": 2, "resolution": 64, "coarse_to_fine": coarse_to_fine}
    for latent, name in zip(latents, ("wide", "one"), strict=True):
        meshes = decode_parts(model, latent, **settings)
        total = 0.0
        for mesh, disc in zip(meshes, PAIRS[name], strict=True):
            assert (mesh is None) == (disc is None)
            if mesh is not None:
                assert mesh.volume() == pytest.approx(math.pi * disc[2] ** 2, rel=0.02)
                total += mesh.volume()
        whole = decode_mesh(model, latent, **settings)
        assert whole.volume() == pytest.approx(total, rel=1e-3)


@pytest.mark.parametrize("conv", [False, True])
def test_a_part_alone_is_the_part_among_the_others(conv):
    torch.manual_seed(0)
    decoder = make_part_mlp(dim=2, part_conv=conv).eval()
    with torch.no_grad():
        decoder.output.bias.fill_(0)
    model = INR(decoder, make_part_latents(1, dim=2), output="sdf")
    latent = model.latents(torch.tensor([0])).detach()
    axis = torch.linspace(-1, 1, 32)
    grid = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), dim=-1).view(1, -1, 2)
    middle = model.decode(grid, latent).parts[0].median(dim=0)[0]
    with torch.no_grad():
        decoder.output.bias -= middle.mean()  # some of each part is inside
    signs = (model.decode(grid, latent).parts[0] < 0).float().mean(dim=0)
    meshes = decode_parts(model, latent[0], dim=2, resolution=32, coarse_to_fine=False)
    for mesh, fraction in zip(meshes, signs, strict=True):
        assert mesh.is_empty == (float(fraction) in (0, 1))
        if not mesh.is_empty:
            assert mesh.volume() == pytest.approx(4 * float(fraction), abs=0.3)


def test_no_pose_to_fit_and_no_latent_is_where_it_starts(tmp_path):
    latents = fit(make_both(tmp_path), open_pairs(tmp_path / "again"), plan(pose_lr=0.0))
    assert torch.equal(latents[0], latents[1]) and (latents[..., -1] == 1).all()
