"""Store of the samples of many shapes, from which random batches are drawn on one device."""

from collections.abc import Sequence

import torch
from torch import Tensor

from inr.data.batch import (
    LABELS,
    Batch,
    BatchSpec,
    SampleAttribute,
    Samples,
    SurfacePoints,
)
from inr.data.row_sampler import Generators, RowSampler, normal, uniform


class SampleStore:
    """Samples of some shapes, from which batches are drawn.

    Args:
        names: the shapes, in index order.
        dim: D, dimension of space.
        device: device of the batches.
        samples: outer and inner samples (two runs), rows of D + C columns and those of
            `attributes`; None if not needed.
        surface: surface points (one run), rows of D columns, or 2 D with normals; None if not
            needed.
        attributes: attributes stored for each sample beside its distance.
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        dim: int,
        device: torch.device,
        samples: RowSampler | None,
        surface: RowSampler | None,
        attributes: Sequence[SampleAttribute] = (),
    ) -> None:
        self.names = list(names)
        self.dim = dim
        self.device = device
        self.samples = samples
        self.surface = surface
        self.attributes = tuple(attributes)

    @property
    def generator_device(self) -> torch.device:
        """Return the best device for indices and generators: that of all rows, else the CPU."""
        sets = [rows for rows in (self.samples, self.surface) if rows is not None]
        there = all(rows.generator_device == self.device for rows in sets)
        return self.device if there else torch.device("cpu")

    def draw(self, index: Tensor, spec: BatchSpec, generator: Generators) -> Batch:
        """Draw a batch with points of each set that the store has.

        Args:
            index: (B,), shapes of the batch, on the generator's device.
            spec: number of points of each set.
            generator: one generator for all shapes, or one per shape, so that the draws of a shape
                do not depend on the others. Any device; other than `generator_device`, it causes a
                synchronisation.
        """
        samples = surface = space = None
        values: dict[str, Tensor] = {}
        dim = self.dim
        if self.samples is not None:
            rows = self.samples.draw(index, spec.samples, generator, balanced=spec.sign_balanced)
            end = rows.shape[-1] - sum(attribute.columns for attribute in self.attributes)
            samples = Samples(rows[..., :dim], rows[..., dim:end])
            for attribute in self.attributes:
                values[attribute.name] = attribute.unpack(rows[..., end : end + attribute.columns])
                end += attribute.columns
        if self.surface is not None:
            rows = self.surface.draw(index, spec.surface, generator, balanced=False)
            normals = rows[..., dim:] if rows.shape[-1] > dim else None
            surface = SurfacePoints(rows[..., :dim], normals)
            space = self._space(index, spec, generator)
        labels = values.pop(LABELS, None)
        return Batch(samples, surface, space, labels, values)

    def _space(self, index: Tensor, spec: BatchSpec, generator: Generators) -> Tensor:
        assert self.surface is not None
        near = round(spec.space_near * spec.space)
        box = self._move(2 * uniform(index, (spec.space - near, self.dim), generator) - 1)
        if near == 0:
            return box
        around = self.surface.draw(index, near, generator, balanced=False)[..., : self.dim]
        noise = self._move(normal(index, (near, self.dim), generator))
        return torch.cat([box, around + spec.space_std * noise], dim=1)

    def _move(self, values: Tensor) -> Tensor:
        return values.to(self.device, non_blocking=True)
