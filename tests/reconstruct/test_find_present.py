"""Which parts an unseen shape has, of those that a fit placed."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from inr.data.layout import Layout
from inr.losses import L1, LatentRegularisation, Losses, PartDistance
from inr.models.inr import INR
from inr.reconstruct import PartFit, fit_latents
from inr.reconstruct.latent_fitting import part_poses
from inr.reconstruct.parts import find_present, seeded_generators
from tests.support.discs import Discs, open_pairs
from tests.support.making import DRAWS, make_part_latents, make_part_mlp

Disc = tuple[float, float, float]
WHOLE = Losses({"whole": L1(weight=1.0)})
LEFT, RIGHT = (-0.45, 0.0, 0.3), (0.45, 0.0, 0.25)


def place(discs: Sequence[Disc]) -> Tensor:
    """The latent (1, P, 6) of discs."""
    return torch.tensor([[[0, x, y, radius, radius, 1] for x, y, radius in discs]])


class Trial:
    """A shape of discs, fitted as others, of which all but the first are optional."""

    def __init__(
        self, root: Path, ground_truth: Sequence[Disc | None], fitted: Sequence[Disc]
    ) -> None:
        self.store = open_pairs(root, {"shape": list(ground_truth)})
        latents = make_part_latents(2, 0, dim=2, num_parts=len(ground_truth))
        latents.present[1, 1:] = 0
        self.model = INR(Discs(), latents, output="sdf")
        self.latent = place(fitted)

    def loss(self, *left_out: int) -> float:
        """The loss without some parts, of the samples that are decided by."""
        latent = self.latent.clone()
        latent[0, list(left_out), -1] = 0
        many = replace(DRAWS, samples=4 * DRAWS.samples)
        batch = self.store.draw(torch.tensor([0]), many, seeded_generators(self.store, 0))
        return float(WHOLE(self.model, batch, latent, None)[0])

    def present(self) -> list[float]:
        pieces = self.model.latents.split(self.latent)
        found: Tensor = find_present(self.model, self.store, WHOLE, pieces, DRAWS, seed=0)
        return found[0].tolist()


def test_a_part_that_shrank_to_nothing_is_dropped_though_it_helps_by_a_hair(tmp_path):
    # the first is too small, so that the speck at its side brings the surface nearer
    trial = Trial(tmp_path, [LEFT, None], [(-0.45, 0.0, 0.25), (-0.199, 0.0, 0.001)])
    assert 1 < trial.loss(1) / trial.loss() < 1.01
    assert trial.present() == [1, 0]


def test_a_small_part_that_the_shape_has_is_kept(tmp_path):
    trial = Trial(tmp_path, [LEFT, (-0.15, 0.0, 0.02)], [(-0.45, 0.0, 0.2), (-0.15, 0.0, 0.02)])
    assert 1.02 < trial.loss(1) / trial.loss() < 1.3
    assert trial.present() == [1, 1]


def test_two_parts_in_one_place_that_is_empty_go_both(tmp_path):
    trial = Trial(tmp_path, [LEFT, None, None], [LEFT, RIGHT, RIGHT])
    assert trial.loss(1) == trial.loss(2) == trial.loss()
    assert trial.present() == [1, 0, 0]


def test_a_part_is_held_against_the_loss_without_what_is_wrong(tmp_path):
    small = (0.1, 0.7, 0.1)
    trial = Trial(tmp_path, [LEFT, None, small], [LEFT, (0.5, -0.2, 0.3), small])
    assert trial.loss(1) < 0.5 * trial.loss(1, 2) and trial.loss(1, 2) < trial.loss()
    assert trial.present() == [1, 0, 1]


def test_a_part_that_no_training_shape_has_is_in_no_other(tmp_path):
    trial = Trial(tmp_path, [LEFT, RIGHT], [LEFT, RIGHT])
    trial.model.latents.present[:, 1] = 0
    start = trial.model.latents.init(["shape"], std=0.0, seed=0)
    assert start[0, :, -1].tolist() == [1, 0]


def make_family(number: int, seed: int) -> dict[str, list[Disc | None]]:
    """Discs at the left, and with every other one at the right."""
    rng = np.random.default_rng(seed)

    def draw(side: int) -> Disc:
        return side * rng.uniform(0.35, 0.5), rng.uniform(-0.2, 0.2), rng.uniform(0.2, 0.35)

    return {f"s{i}": [draw(-1), draw(1) if i % 2 else None] for i in range(number)}


@pytest.mark.parametrize("conv", [False, True])
def test_parts_are_found_out_though_others_listen_to_them(tmp_path, conv):
    seen, unseen = make_family(12, seed=0), make_family(8, seed=1)
    store = open_pairs(tmp_path / "seen", seen)
    poses = dict(part_poses(Layout(tmp_path / "seen"), list(seen), 2))
    torch.manual_seed(0)
    decoder = make_part_mlp(dim=2, latent_dim=2, num_parts=2, part_conv=conv, hidden_dim=24)
    model = INR(decoder, make_part_latents(12, 2, dim=2, num_parts=2, poses=poses), output="sdf")
    norm = LatentRegularisation(weight=1e-4, ramp_epochs=0)
    parts = PartDistance(weight=1.0, power=1, strength=0.0, delta=None)
    losses = Losses({"whole": L1(weight=1.0), "parts": parts, "norm": norm})
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    index, generator = torch.arange(12), torch.Generator().manual_seed(0)
    for _ in range(400):
        total, _ = losses(model, store.draw(index, DRAWS, generator), model.latents(index), None)
        optimizer.zero_grad()
        total.mean().backward()
        optimizer.step()
    both = Losses({"whole": L1(weight=1.0), "norm": norm})
    plan = PartFit(pose_lr=0.01, poses=None, present=None, early=both, whole=WHOLE)
    settings = {"iterations": 200, "spec": DRAWS, "lr": 0.01, "lr_drop": 0.1, "init_std": 0.01}
    others = open_pairs(tmp_path / "unseen", unseen)
    latents = fit_latents(model, others, both, seed=0, parts=plan, **settings)
    has = [[disc is not None for disc in discs] for discs in unseen.values()]
    assert (latents[..., -1] > 0.5).tolist() == has


def test_what_decides_is_the_loss_of_the_whole(tmp_path):
    seen: list[int] = []

    class Spy(L1):
        def forward(self, shown):
            seen.append(1)
            return super().forward(shown)

    trial = Trial(tmp_path, [LEFT, None], [LEFT, RIGHT])
    whole = Losses({"whole": Spy(weight=1.0)})
    plan = PartFit(pose_lr=0.01, poses=None, present=None, early=WHOLE, whole=whole)
    settings = {"iterations": 4, "spec": DRAWS, "lr": 0.01, "lr_drop": 0.1, "init_std": 0.01}
    fit_latents(trial.model, trial.store, WHOLE, seed=0, parts=plan, **settings)
    assert len(seen) == 3  # with all parts, and twice without the second
