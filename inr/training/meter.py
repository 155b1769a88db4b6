"""Means and speed of training steps."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from inr.data.batch import Batch


class Meter:
    """Means over training steps, accumulated without a synchronisation per step.

    Args:
        device: device of the values.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.reset()

    def reset(self) -> None:
        """Start new means."""
        self.sums: dict[str, Tensor] = {}
        self.steps = 0
        self.samples = 0
        self.waited = 0.0  # seconds spent waiting for batches
        self.started = time.perf_counter()

    def add(self, values: dict[str, Tensor], samples: int) -> None:
        """Add the values of one step and its number of samples."""
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0) + value
        self.steps += 1
        self.samples += samples

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Exclude the time spent in this context from the speed."""
        began = time.perf_counter()
        yield
        self.started += time.perf_counter() - began

    def read(self) -> dict[str, float]:
        """Return the means and the speed since the last call; a sync point."""
        means = {name: float(value) / self.steps for name, value in self.sums.items()}
        elapsed = max(time.perf_counter() - self.started, 1e-9)
        means["samples_per_second"] = self.samples / elapsed
        means["data_fraction"] = self.waited / elapsed
        self.reset()
        return means


def count_points(batch: Batch) -> int:
    """Return the total number of points of a batch."""
    sets = [batch.samples and batch.samples.points, batch.surface and batch.surface.points]
    return sum(x.shape[0] * x.shape[1] for x in [*sets, batch.space] if x is not None)
