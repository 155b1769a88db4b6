"""Samples of many shapes on one device, and random batches of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inr.data.batch import Batch, Samples, Surface, set_of
from inr.data.layout import Layout
from inr.data.read import read_samples, read_surface, read_unsigned

Array = NDArray[np.float32]
Generators = torch.Generator | Sequence[torch.Generator]


@dataclass(frozen=True)
class Draws:
    """Say what a step draws for each shape, of the sets that its loss needs.

    Args:
        samples: points with distances.
        sign_balanced: half of them outside, half inside (all on one side where the other has
            none); else uniformly from all.
        surface: points on the surface.
        space: points anywhere, of which nothing is known.
        space_near: share of those that are surface points displaced by Gaussian noise; the others
            are uniform in the box [-1, 1]^D.
        space_std: standard deviation of that noise, box units.
    """

    samples: int
    sign_balanced: bool
    surface: int
    space: int
    space_near: float
    space_std: float


class Rows:
    """Hold the rows of several shapes as one array, each shape's in two runs.

    Args:
        arrays: for each shape its first and its second run, (n, W) and (m, W); m may be 0.
        device: where they live.
    """

    def __init__(self, arrays: Sequence[tuple[Array, Array]], device: torch.device) -> None:
        flat = np.concatenate([run for pair in arrays for run in pair])
        self.values = torch.from_numpy(flat).to(device)
        counts = torch.tensor([[len(a), len(b)] for a, b in arrays], device=device)
        self.num_first, self.num_second = counts.unbind(dim=1)
        self.start = torch.cumsum(counts.sum(dim=1), dim=0) - counts.sum(dim=1)

    def draw(self, index: Tensor, number: int, generator: Generators, *, balanced: bool) -> Tensor:
        """Return rows (B, number, W) of the shapes index (B,), drawn with replacement.

        With `balanced`, half of them are of a shape's first run.
        """
        chance = uniform(index, (number,), generator)
        first, second = self.num_first[index, None], self.num_second[index, None]
        if balanced:
            from_first = torch.arange(number, device=index.device) < number // 2
            from_first = (from_first | (second == 0)) & (first > 0)
            offset = torch.where(from_first, 0, first)
            count = torch.where(from_first, first, second)
        else:
            offset, count = torch.zeros_like(first), first + second
        # chance is below 1, but its product with a large count may be rounded up to it
        row = torch.minimum((chance * count).long(), count - 1)
        return self.values[self.start[index, None] + offset + row]


class SampleStore:
    """Hold the samples of some shapes on one device.

    Args:
        names: the shapes, in the order of their index.
        dim: D.
        device: where the samples live and batches are drawn.
        samples: of each shape its outer and inner samples (n, D + C), or None.
        surface: of each shape its surface points (k, D), with normals (k, 2 D), or None.
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        dim: int,
        device: torch.device,
        samples: Sequence[tuple[Array, Array]] | None,
        surface: Sequence[Array] | None,
    ) -> None:
        self.names = list(names)
        self.dim = dim
        self.device = device
        self.samples = None if samples is None else Rows(samples, device)
        self.surface = None
        if surface is not None:
            self.surface = Rows([(array, array[:0]) for array in surface], device)

    def draw(self, index: Tensor, draws: Draws, generator: Generators) -> Batch:
        """Draw of each set that the store holds.

        Args:
            index: (B,) shapes.
            draws: how many, and how.
            generator: one for all, or one a shape, so that a shape's draws depend on it alone.
        """
        samples = surface = space = None
        dim = self.dim
        if self.samples is not None:
            rows = self.samples.draw(index, draws.samples, generator, balanced=draws.sign_balanced)
            samples = Samples(rows[..., :dim], rows[..., dim:])
        if self.surface is not None:
            rows = self.surface.draw(index, draws.surface, generator, balanced=False)
            surface = Surface(rows[..., :dim], rows[..., dim:] if rows.shape[-1] > dim else None)
            space = self._space(index, draws, generator)
        return Batch(samples, surface, space)

    def _space(self, index: Tensor, draws: Draws, generator: Generators) -> Tensor:
        assert self.surface is not None
        near = round(draws.space_near * draws.space)
        box = 2 * uniform(index, (draws.space - near, self.dim), generator) - 1
        if near == 0:
            return box
        around = self.surface.draw(index, near, generator, balanced=False)[..., : self.dim]
        noise = normal(index, (near, self.dim), generator)
        return torch.cat([box, around + draws.space_std * noise], dim=1)


def open_store(
    layout: Layout,
    names: Sequence[str],
    *,
    dim: int,
    num_channels: int,
    needs: frozenset[str],
    device: torch.device,
) -> SampleStore:
    """Read what a loss needs of some shapes.

    Args:
        layout: the data set.
        names: the shapes.
        dim: D, that the samples have to be of.
        num_channels: C, that they have to have.
        needs: see inr.losses.
        device: where they go.

    Raises:
        ValueError: if a shape lacks a set, or a file is not of its form.
    """
    samples = surface = None
    sets = {set_of(need) for need in needs}
    if "signed" in needs:
        samples = [read_samples(layout, name, dim, num_channels) for name in names]
    elif "samples" in sets:
        samples = [
            read_samples(layout, name, dim, num_channels)
            if layout.samples(name).exists()
            else read_unsigned(layout, name, dim)
            for name in names
        ]
    if sets & {"surface", "space"}:  # part of space is drawn around the surface
        surface = [read_surface(layout, name, dim, "normals" in needs) for name in names]
        if "normals" not in needs:  # which some shapes may have and others not
            surface = [points[:, :dim] for points in surface]
    return SampleStore(names, dim=dim, device=device, samples=samples, surface=surface)


def uniform(index: Tensor, shape: tuple[int, ...], generator: Generators) -> Tensor:
    """Return numbers in [0, 1), (B, *shape), for the shapes index (B,)."""
    return _random(torch.rand, index, shape, generator)


def normal(index: Tensor, shape: tuple[int, ...], generator: Generators) -> Tensor:
    """Return N(0, 1) numbers, (B, *shape), for the shapes index (B,)."""
    return _random(torch.randn, index, shape, generator)


def _random(
    make: Callable[..., Tensor], index: Tensor, shape: tuple[int, ...], generator: Generators
) -> Tensor:
    device = index.device
    if isinstance(generator, torch.Generator):
        return make((len(index), *shape), generator=generator, device=device)
    return torch.stack([make(shape, generator=one, device=device) for one in generator])
