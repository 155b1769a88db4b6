"""The batches of an epoch."""

import time
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from inr.data.batch import Batch, BatchSpec
from inr.data.store import SampleStore
from inr.seeding import mix_seed
from inr.training.settings import Train

# small batches are drawn together, up to this many points, as each draw has an overhead
POINTS_PER_DRAW = 1 << 15


class Batches:
    """Batches of shapes in random order.

    Draws are seeded by (seed, epoch, batch), so a resumed run draws the same as an uninterrupted
    one without a stored generator state.

    Args:
        store: samples of the shapes.
        spec: number and kind of the points that a step draws per shape.
        seed: seed of the order of the shapes and of the samples.
        shapes_per_batch: B, number of shapes in a batch.
    """

    def __init__(
        self, store: SampleStore, spec: BatchSpec, *, seed: int, shapes_per_batch: int
    ) -> None:
        self.store = store
        self.spec = spec
        self.seed = seed
        self.size = shapes_per_batch
        self.generator = torch.Generator(device=store.generator_device)
        points = spec.samples * (store.samples is not None)
        points += (spec.surface + spec.space) * (store.surface is not None)
        self.batches_per_draw = max(1, POINTS_PER_DRAW // max(1, points * shapes_per_batch))
        self._seconds = 0.0

    def __len__(self) -> int:
        """Return the number of batches in an epoch; the last may be smaller."""
        return -(-len(self.store.names) // self.size)

    def of_epoch(self, epoch: int, first: int) -> Iterator[tuple[int, Tensor, Batch]]:
        """Yield number, shapes (B,) and points of each batch of an epoch, from batch `first` on."""
        rng = np.random.default_rng([self.seed, epoch])
        order = torch.from_numpy(rng.permutation(len(self.store.names))).to(
            self.store.generator_device
        )
        shapes = order.split(self.size)
        for begin in range(
            first - first % self.batches_per_draw, len(shapes), self.batches_per_draw
        ):
            started = time.perf_counter()
            together = shapes[begin : begin + self.batches_per_draw]
            self.generator.manual_seed(mix_seed(self.seed, epoch, begin))
            drawn = self.store.draw(torch.cat(together), self.spec, self.generator)
            batches = drawn.split(self.size)
            self._seconds += time.perf_counter() - started
            for number, pair in enumerate(zip(together, batches, strict=True), begin):
                if number >= first:
                    yield number, *pair

    def seconds(self) -> float:
        """Return the seconds spent in draws since the last call."""
        taken, self._seconds = self._seconds, 0.0
        return taken


def batch_spec(settings: Train) -> BatchSpec:
    """Return the number and kind of the points that a training step draws per shape."""
    return BatchSpec(
        samples=settings.samples_per_shape,
        sign_balanced=settings.sign_balanced,
        surface=settings.surface_per_shape,
        space=settings.space_per_shape,
        space_near=settings.space_near,
        space_std=settings.space_std,
    )
