"""Estimate of a run's time and memory, from a few steps on random points before it starts."""

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from inr.data.batch import (
    LABELS,
    Batch,
    BatchSpec,
    Samples,
    SurfacePoints,
    sample_attributes,
    set_of,
)
from inr.losses import Losses, TrainProgress
from inr.models.inr import INR
from inr.training.batches import batch_spec
from inr.training.cadence import count_due, format_seconds
from inr.training.settings import Train
from inr.training.step import batch_loss

# points per timed step on a CPU, and total seconds of timed steps
PROBE_POINTS = 8192
PROBE_SECONDS = 1.0


@dataclass(frozen=True)
class Estimate:
    """Estimated size and duration of a run.

    Args:
        num_parameters: number of parameters of the network, without latents.
        num_shapes: number of training shapes.
        samples_per_step: number of points in a batch.
        memory: peak memory of a step in bytes, samples and weights included.
        step_seconds: duration of an optimizer step.
        num_steps: number of steps still to do.
        num_validations: number of validations; their time is not included.
        num_pictures: number of sets of pictures; their time is not included.
    """

    num_parameters: int
    num_shapes: int
    samples_per_step: int
    memory: int
    step_seconds: float
    num_steps: int
    num_validations: int
    num_pictures: int

    @property
    def seconds(self) -> float:
        """Return the duration of the run in seconds, without validations and pictures."""
        return self.step_seconds * self.num_steps

    def __str__(self) -> str:
        return (
            f"{self.num_parameters:,} parameters, {self.num_shapes} shapes, "
            f"{self.samples_per_step:,} samples per step, about {self.memory / 2**30:.1f} GiB, "
            f"{self.step_seconds:.2g} s per step, {self.num_steps:,} steps: "
            f"about {format_seconds(self.seconds)}{self._not_counted()}"
        )

    def _not_counted(self) -> str:
        counts = {"validations": self.num_validations, "sets of pictures": self.num_pictures}
        parts = [f"{count:,} {what}" for what, count in counts.items() if count]
        return f", not counting {' and '.join(parts)}" if parts else ""


def estimate(
    model: INR,
    losses: Losses,
    settings: Train,
    *,
    dim: int,
    num_shapes: int,
    num_channels: int,
    epochs_done: int,
    sample_bytes: int,
    device: torch.device,
) -> Estimate:
    """Estimate a run by timing steps on random points for about PROBE_SECONDS.

    On a CPU, the steps have at most PROBE_POINTS points, and the result is extrapolated. The model
    does not change.

    Args:
        model: the model, on `device`.
        losses: losses of training.
        settings: settings of training.
        dim: D, dimension of space.
        num_shapes: number of training shapes.
        num_channels: C, number of channels of the model.
        epochs_done: number of finished epochs.
        sample_bytes: memory of the samples in bytes.
        device: device to train on.
    """
    num_batch = min(settings.shapes_per_batch, num_shapes)
    num_epochs = settings.epochs - epochs_done
    counts = _counts(losses.needs, batch_spec(settings))
    per_shape = sum(counts.values())
    fraction = 1.0
    if device.type == "cpu":
        fraction = min(1.0, PROBE_POINTS / num_batch / per_shape)
    x = {name: _points(num_batch, max(1, round(n * fraction)), dim) for name, n in counts.items()}
    x = {name: points.to(device) for name, points in x.items()}
    scale = per_shape / sum(points.shape[1] for points in x.values())
    batch = _batch(x, num_channels, losses.needs)
    index = torch.arange(num_batch, device=device)

    def step() -> None:
        batch_loss(model, losses, batch, index, TrainProgress(0, max(num_epochs, 1)))[0].backward()

    baseline = peak_memory(device)  # on a CPU, that of the program itself
    saved = _saved_bytes(step)
    times = [_timed(step, device)]
    while sum(times) < PROBE_SECONDS and len(times) < 20:
        times.append(_timed(step, device))
    model.zero_grad(set_to_none=True)
    num_parameters = sum(p.numel() for p in model.decoder.parameters())
    weights = 4 * sum(p.numel() * p.element_size() for p in model.parameters())
    return Estimate(
        num_parameters=num_parameters,
        num_shapes=num_shapes,
        samples_per_step=num_batch * per_shape,
        memory=int(saved * scale) + weights + sample_bytes + baseline,
        step_seconds=statistics.median(times) * scale,
        num_steps=num_epochs * -(-num_shapes // settings.shapes_per_batch),
        num_validations=count_due(settings.validate_every, epochs_done, settings.epochs),
        num_pictures=count_due(settings.render_every, epochs_done, settings.epochs),
    )


def _counts(needs: frozenset[str], spec: BatchSpec) -> dict[str, int]:
    """Return the number of points per shape in each set that a loss needs."""
    return {name: getattr(spec, name) for name in sorted({set_of(need) for need in needs})}


def _points(num_shapes: int, num_points: int, dim: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(num_shapes, num_points, dim, generator=generator) * 2 - 1


def _batch(points: dict[str, Tensor], num_channels: int, needs: frozenset[str]) -> Batch:
    """Return a batch with the given points and the targets of balls."""
    samples = surface = None
    attributes: dict[str, Tensor] = {}
    if "samples" in points:
        x = points["samples"]
        for attribute in sample_attributes(needs, x.shape[-1]):
            attributes[attribute.name] = attribute.unpack(
                x.new_zeros(*x.shape[:2], attribute.columns)
            )
        distance = x.norm(dim=-1, keepdim=True) - 0.5
        samples = Samples(x, distance.expand(*x.shape[:2], num_channels))
    if "surface" in points:
        x = points["surface"]
        surface = SurfacePoints(x, torch.nn.functional.normalize(x, dim=-1))
    return Batch(samples, surface, points.get("space"), attributes.pop(LABELS, None), attributes)


def peak_memory(device: torch.device) -> int:
    """Return the peak memory so far in bytes: GPU allocations, or the memory of the process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    import resource  # exists on POSIX only

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _timed(step: Callable[[], None], device: torch.device) -> float:
    _wait(device)
    start = time.perf_counter()
    step()
    _wait(device)
    return time.perf_counter() - start


def _wait(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize()


def _saved_bytes(step: Callable[[], None]) -> int:
    sizes: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        step()
    return sum(sizes.values())
