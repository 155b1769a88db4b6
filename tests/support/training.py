"""Losses of small training runs, and what such a run changes."""

import json
import math
from pathlib import Path

import torch
from torch import Tensor

from inr.losses import ClampedL1, LatentRegularisation, Loss, Losses, LossInputs, TrainProgress
from inr.models.inr import INR
from inr.training.interrupt import Interrupt


def make_losses(**more: Loss) -> Losses:
    return Losses(
        {
            "distance": ClampedL1(weight=1.0, delta=None),
            "latent": LatentRegularisation(weight=1e-3, ramp_epochs=4),
            **more,
        }
    )


def state_of(model: INR, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return the weights, and what the optimizer keeps of them."""
    state = dict(model.state_dict())
    for number, values in optimizer.state_dict()["state"].items():
        state.update({f"{number}.{key}": value for key, value in values.items()})
    return state


class NotANumber(Loss):
    """Spoils the loss from an epoch on (from 0)."""

    def __init__(self, epoch: int, value: float = math.nan) -> None:
        super().__init__(weight=1.0)
        self.epoch = epoch
        self.value = value

    def scale(self, progress: TrainProgress | None) -> float:
        return self.value if progress is not None and progress.epoch >= self.epoch else 0.0

    def forward(self, inputs: LossInputs) -> Tensor:
        return inputs.latents.square().sum(dim=1)


class StopAfter(Loss):
    """Sets an interrupt's number in a given step, as a signal would."""

    def __init__(self, steps: int, interrupt: Interrupt) -> None:
        super().__init__(weight=0.0)
        self.steps = steps
        self.interrupt = interrupt

    def forward(self, inputs: LossInputs) -> Tensor:
        self.steps -= 1
        if self.steps == 0:
            self.interrupt.number = 15
        return torch.zeros(len(inputs.latents))


def logged(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
