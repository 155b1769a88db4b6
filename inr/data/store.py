"""Samples of many shapes on one device, and random batches of them."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from inr.data.layout import Layout


class SampleStore:
    """Hold the samples of some shapes as one array on one device.

    Args:
        layout: the data set.
        names: the shapes, in the order of their index.
        dim: D, that the samples have to be of.
        device: where the samples live and batches are drawn.

    Raises:
        ValueError: if a file has no arrays pos and neg of width D + 1, or no sample at all.
    """

    def __init__(
        self, layout: Layout, names: Sequence[str], *, dim: int, device: torch.device
    ) -> None:
        arrays, pos_counts = [], []
        for name in names:
            pos, neg = _read_samples(layout, name, dim)
            arrays += [pos, neg]
            pos_counts.append((len(pos), len(neg)))
        self.names = list(names)
        self.dim = dim
        self.samples = torch.from_numpy(np.concatenate(arrays)).to(device)
        counts = torch.tensor(pos_counts, device=device)
        self.num_pos, self.num_neg = counts.unbind(dim=1)
        self.start = torch.cumsum(counts.sum(dim=1), dim=0) - counts.sum(dim=1)

    def draw(
        self,
        index: Tensor,
        num_samples: int,
        generator: torch.Generator | Sequence[torch.Generator],
        *,
        sign_balanced: bool,
    ) -> tuple[Tensor, Tensor]:
        """Draw samples with replacement.

        Args:
            index: (B,) shapes.
            num_samples: N, a shape.
            generator: one for all, or one a shape, so that a shape's draws depend on it alone.
            sign_balanced: half of them outside, half inside (all on one side where the other
                has none); else uniformly from all.

        Returns:
            Points (B, N, D) and signed distances (B, N, 1).
        """
        device, shape = self.samples.device, (len(index), num_samples)
        if isinstance(generator, torch.Generator):
            chance = torch.rand(shape, generator=generator, device=device)
        else:
            chance = torch.stack(
                [torch.rand(num_samples, generator=one, device=device) for one in generator]
            )
        num_pos, num_neg = self.num_pos[index, None], self.num_neg[index, None]
        if sign_balanced:
            half = num_samples // 2
            outside = torch.arange(num_samples, device=device) < half
            outside = (outside | (num_neg == 0)) & (num_pos > 0)
            first = torch.where(outside, 0, num_pos)
            count = torch.where(outside, num_pos, num_neg)
        else:
            first, count = torch.zeros_like(num_pos), num_pos + num_neg
        # chance is below 1, but its product with a large count may be rounded up to it
        row = torch.minimum((chance * count).long(), count - 1)
        drawn = self.samples[self.start[index, None] + first + row]
        return drawn[..., : self.dim], drawn[..., self.dim :]


def _read_samples(layout: Layout, name: str, dim: int) -> tuple[np.ndarray, np.ndarray]:
    path = layout.samples(name)
    try:
        with np.load(path, allow_pickle=False) as file:
            pos, neg = file["pos"].astype(np.float32), file["neg"].astype(np.float32)
    # a truncated archive and a bare array raise errors of their own
    except Exception as error:
        raise ValueError(f"cannot read arrays pos and neg of '{path}': {error}") from error
    for array in (pos, neg):
        if array.ndim != 2 or array.shape[1] != dim + 1:
            raise ValueError(
                f"'{path}' has samples of shape {array.shape}; data.dim={dim} needs (n, {dim + 1})"
            )
    # DeepSDF's own sampler leaves NaN distances behind on some meshes
    pos, neg = (a[np.isfinite(a).all(axis=1)] for a in (pos, neg))
    if len(pos) + len(neg) == 0:
        raise ValueError(f"'{path}' has no samples")
    return pos, neg
