"""Learning-rate schedules: factors on the base learning rate as a function of progress.

They have no state, so a resumed run only needs its epoch.
"""

import math
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import torch


@runtime_checkable
class Schedule(Protocol):
    """Factor on the learning rate as a function of progress."""

    def __call__(self, epoch: float, num_epochs: int) -> float:
        """Return the factor on the learning rate at a (fractional) epoch, from 0."""
        ...


class Constant:
    """Constant learning rate."""

    def __call__(self, epoch: float, num_epochs: int) -> float:
        """Return 1."""
        return 1.0


class Step:
    """Step decay: a factor gamma every `every` epochs (DeepSDF: 0.5 every 500).

    Args:
        every: number of epochs between drops.
        gamma: factor of each drop.
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
    """Step decay: a factor gamma at each milestone.

    Args:
        milestones: fractions of the run at which the rate drops, each in (0, 1).
        gamma: factor of each drop.
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
    """Cosine annealing (Loshchilov and Hutter, 2017, eq. 5) with a linear warm-up.

    Args:
        final: factor at the end of the run.
        warmup: fraction of the run over which the factor first rises linearly from 0.
    """

    def __init__(self, *, final: float, warmup: float) -> None:
        self.final = final
        self.warmup = warmup

    def __call__(self, epoch: float, num_epochs: int) -> float:
        """Return the annealed factor, times that of the warm-up."""
        progress = min(epoch / max(num_epochs, 1), 1.0)
        fall = (1 + math.cos(math.pi * progress)) / 2
        rise = min(1.0, (progress + 1e-3) / self.warmup) if self.warmup > 0 else 1.0
        return (self.final + (1 - self.final) * fall) * rise


def set_rates(
    optimizer: torch.optim.Optimizer, schedule: Schedule, epoch: float, num_epochs: int
) -> None:
    """Set the learning rate of every parameter group for a (fractional) epoch."""
    factor = schedule(epoch, num_epochs)
    for group in optimizer.param_groups:
        group["lr"] = group["base_lr"] * factor
