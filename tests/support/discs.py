"""Plane shapes made of two discs, of which the second may be missing."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from inr.data.layout import Layout, write_npz
from inr.data.store import SampleStore
from inr.models.decoder import Field, PartDecoder
from inr.models.parts.poses import split, to_canonical
from tests.support.making import open_signed

# middle and radius of each disc
PAIRS = {
    "both": [(-0.4, 0.1, 0.3), (0.45, 0.0, 0.25)],
    "wide": [(-0.5, -0.1, 0.35), (0.5, 0.1, 0.3)],
    "one": [(-0.45, 0.0, 0.3), None],
}
NEEDS = ("signed", "parts", "labels")


def write_pairs(root: Path, pairs=PAIRS, num_samples: int = 600) -> Layout:
    layout = Layout(root)
    for name, discs in pairs.items():
        points = np.random.default_rng(1).uniform(-1, 1, (num_samples, 2))
        far = np.full(num_samples, np.inf)
        each = np.stack(
            [far if d is None else np.linalg.norm(points - d[:2], axis=1) - d[2] for d in discs]
        )
        samples = np.concatenate([points, each.min(axis=0)[:, None]], axis=1)
        outside, label = samples[:, 2] >= 0, each.argmin(axis=0)
        write_npz(layout.samples(name), pos=samples[outside], neg=samples[~outside])
        write_npz(layout.labels(name), pos=label[outside], neg=label[~outside])
        folder = layout.poses(name)
        folder.mkdir(parents=True)
        known = [(0.0, 0.0, 1.0) if d is None else d for d in discs]
        np.save(folder / "angles.npy", np.zeros(2))
        np.save(folder / "translations.npy", np.array([d[:2] for d in known]))
        np.save(folder / "scales.npy", np.array([(d[2], d[2]) for d in known]))
        np.save(folder / "present.npy", np.array([d is not None for d in discs]))
    return layout


def open_pairs(root: Path, pairs=PAIRS, needs: tuple[str, ...] = NEEDS) -> SampleStore:
    return open_signed(write_pairs(root, pairs), list(pairs), needs=needs)


class Discs(PartDecoder):
    """Each part is the disc that its pose makes of the unit disc, larger by its latent's sum."""

    num_parts = 2

    def forward(self, x: Tensor, latents: Tensor, left_out: Tensor | None = None) -> Field:
        part_latents, pose = split(latents, 2)
        size = pose.scale.mean(dim=-1)[..., None]
        reach = (
            to_canonical(x, pose).norm(dim=-1) * size - size - part_latents.sum(dim=-1)[..., None]
        )
        shown = pose.present if left_out is None else pose.present & ~left_out
        parts = torch.where(shown[..., None], reach, 4.0).transpose(1, 2)
        return Field(parts.amin(dim=-1, keepdim=True), parts)
