"""Learning-rate schedules: factors on the base rate as a function of progress.

They have no state, so a resumed run needs nothing but its epoch.
"""

import math
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import torch


@runtime_checkable
class Schedule(Protocol):
    """Factor on the learning rate as a function of progress."""

    def __call__(self, epoch: float, num_epochs: int) -> float:
        """Return the factor on the learning rate at a (fractional) epoch from 0."""
        ...


class Constant:
    """The base rate throughout."""

    def __call__(self, epoch: float, num_epochs: int) -> float:
        """Return 1."""
        return 1.0


class Step:
    """A drop by gamma every so many epochs (DeepSDF: 0.5 every 500).

    Args:
        every: epochs between drops.
        gamma: factor of a drop.
    """

    def __init__(self, *, every: int, gamma: float) -> None:
        if every < 1:
            raise ValueError(f"optimizer.schedule.every is {every}; it has to be at least 1")
        self.every = every
        self.gamma = gamma

    def __call__(self, epoch: float, num_epochs: int) -> float:
        """Return gamma to the number of drops so far."""
        return float(self.gamma ** (int(epoch) // self.every))


class MultiStep:
    """A drop by gamma at each milestone.

    Args:
        milestones: fractions of the run, each in (0, 1).
        gamma: factor of a drop.
    """

    def __init__(self, *, milestones: Sequence[float], gamma: float) -> None:
        if not all(0 < milestone < 1 for milestone in milestones):
            raise ValueError(
                f"optimizer.schedule.milestones is {list(milestones)}; they are fractions of the "
                "run, between 0 and 1"
            )
        self.milestones = sorted(milestones)
        self.gamma = gamma

    def __call__(self, epoch: float, num_epochs: int) -> float:
        """Return gamma to the number of milestones passed."""
        passed = sum(epoch >= milestone * num_epochs for milestone in self.milestones)
        return float(self.gamma**passed)


class Cosine:
    """A fall from 1 to a final factor along half a cosine (Loshchilov and Hutter, 2017, eq. 5).

    Args:
        final: factor at the end.
        warmup: fraction of the run over which the factor first rises from 0.
    """

    def __init__(self, *, final: float, warmup: float) -> None:
        self.final = final
        self.warmup = warmup

    def __call__(self, epoch: float, num_epochs: int) -> float:
        """Return the factor."""
        progress = min(epoch / max(num_epochs, 1), 1.0)
        fall = (1 + math.cos(math.pi * progress)) / 2
        rise = min(1.0, (progress + 1e-3) / self.warmup) if self.warmup > 0 else 1.0
        return (self.final + (1 - self.final) * fall) * rise


def set_rates(
    optimizer: torch.optim.Optimizer, schedule: Schedule, epoch: float, num_epochs: int
) -> None:
    """Set every parameter group's learning rate for a (fractional) epoch."""
    factor = schedule(epoch, num_epochs)
    for group in optimizer.param_groups:
        group["lr"] = group["base_lr"] * factor
