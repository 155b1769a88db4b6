"""Losses of small training runs, and what such a run changes."""

import math

import torch
from torch import Tensor

from inr.losses import ClampedL1, LatentNorm, Loss, Losses, LossInputs, TrainProgress
from inr.models.inr import INR


def make_losses(**more: Loss) -> Losses:
    return Losses(
        {
            "distance": ClampedL1(weight=1.0, delta=None),
            "latent": LatentNorm(weight=1e-3, ramp_epochs=4),
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
