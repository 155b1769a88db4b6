"""Terms that compare the field with known distances, or with other targets of the samples."""

from abc import abstractmethod
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from inr.losses.base import FieldSamples, Loss, LossInputs, TrainProgress, mean_of_points


class DistanceTerm(Loss):
    """Mean over points of an error of channel 0 against signed distances.

    A subclass says which error.

    Args:
        weight: factor of this term.
    """

    needs = frozenset({"samples", "signed"})
    output: ClassVar[str | None] = "sdf"

    def forward(self, inputs: LossInputs) -> Tensor:
        """Return the mean over points, (B,)."""
        value, target = value_and_target(inputs)
        return mean_of_points(self.error(value, target, inputs.progress))

    @abstractmethod
    def error(self, value: Tensor, target: Tensor, progress: TrainProgress | None) -> Tensor:
        """Return the error of each value (B, N) against its distance (B, N), as (B, N)."""


class L1(DistanceTerm):
    """Mean absolute error of distances.

    Args:
        weight: factor of this term.
    """

    def error(self, value: Tensor, target: Tensor, progress: TrainProgress | None) -> Tensor:
        """Return |value - target|, (B, N)."""
        return (value - target).abs()


class L2(DistanceTerm):
    """Mean squared error of distances.

    Args:
        weight: factor of this term.
    """

    def error(self, value: Tensor, target: Tensor, progress: TrainProgress | None) -> Tensor:
        """Return (value - target)^2, (B, N)."""
        return (value - target).square()


class ClampedL1(DistanceTerm):
    """Mean absolute error of clamped distances (Park et al., DeepSDF, CVPR 2019, eq. 4).

    Where the target is at least delta away from the surface, target and prediction are clamped on
    the target's side only: a prediction that is far enough on that side costs nothing, and one of
    the wrong sign still has a gradient, which it would not have if clamped on both sides.

    Args:
        weight: factor of this term.
        delta: clamping distance in box units; None for no clamp.
    """

    def __init__(self, *, weight: float, delta: float | None) -> None:
        super().__init__(weight=weight)
        self.delta = check_delta(delta)

    def error(self, value: Tensor, target: Tensor, progress: TrainProgress | None) -> Tensor:
        """Return the absolute error after clamping, (B, N)."""
        value, target = clamp_beyond(value, target, self.delta)
        return (value - target).abs()


class SignAgnostic(Loss):
    """Error of distances whose sign is not known (SAL: Atzmon and Lipman, CVPR 2020, section 3).

    The mean of ||f| - h|^power for unsigned distances h. Signs of the samples are ignored. It
    finds a field with signs only from a network that starts out as the distance to a sphere.

    Args:
        weight: factor of this term.
        power: 1 or 2.
    """

    needs = frozenset({"samples"})
    output: ClassVar[str | None] = "sdf"

    def __init__(self, *, weight: float, power: int) -> None:
        super().__init__(weight=weight)
        self.power = check_power(power)

    def forward(self, inputs: LossInputs) -> Tensor:
        """Return the mean over points, (B,)."""
        value, target = value_and_target(inputs)
        return mean_of_points((value.abs() - target.abs()).abs() ** self.power)


class BinaryCrossEntropy(Loss):
    """Binary cross-entropy of occupancy (Mescheder et al., CVPR 2019, eq. 3).

    Occupancy Networks: channel 0 is a logit, positive inside; a point is inside where its distance
    is negative.

    Args:
        weight: factor of this term.
    """

    needs = frozenset({"samples", "signed"})
    output: ClassVar[str | None] = "occupancy"

    def forward(self, inputs: LossInputs) -> Tensor:
        """Return the mean over points, (B,), in nats."""
        logit, target = value_and_target(inputs)
        inside = (target < 0).to(logit.dtype)
        return mean_of_points(F.binary_cross_entropy_with_logits(logit, inside, reduction="none"))


class Channels(Loss):
    """Mean error of the channels after the first: a colour, a displacement, targets of your own.

    Args:
        weight: factor of this term.
        power: of the absolute error: 1 or 2.
    """

    needs = frozenset({"samples"})

    def __init__(self, *, weight: float, power: int) -> None:
        super().__init__(weight=weight)
        self.power = check_power(power)

    def forward(self, inputs: LossInputs) -> Tensor:
        """Return the mean over points and channels, (B,).

        Raises:
            ValueError: if there is one channel only, or the targets have another number of them.
        """
        samples, target = _samples(inputs)
        if samples.value.shape[-1] != target.shape[-1] or target.shape[-1] < 2:
            raise ValueError(
                f"the Channels term compares channels 1 and up; the model gives "
                f"{samples.value.shape[-1]} channels and the data {target.shape[-1]}: both have to "
                "be the same number, at least 2; see model.num_channels"
            )
        error = (samples.value[..., 1:] - target[..., 1:]).abs() ** self.power
        return mean_of_points(error.mean(dim=-1))


def _samples(inputs: LossInputs) -> tuple[FieldSamples, Tensor]:
    assert inputs.samples is not None and inputs.samples.target is not None
    return inputs.samples, inputs.samples.target


def value_and_target(inputs: LossInputs) -> tuple[Tensor, Tensor]:
    """Return channel 0 of the field and of the targets at the samples, (B, N) each."""
    samples, target = _samples(inputs)
    return samples.value[..., 0], target[..., 0]


def clamp_beyond(value: Tensor, target: Tensor, delta: float | None) -> tuple[Tensor, Tensor]:
    """Clamp targets to [-delta, delta], and values on the side where their target is beyond."""
    if delta is None:
        return value, target
    value = torch.where(target >= delta, value.clamp(max=delta), value)
    value = torch.where(target <= -delta, value.clamp(min=-delta), value)
    return value, target.clamp(-delta, delta)


def check_delta(delta: float | None) -> float | None:
    """Return a clamping distance; raise ValueError if it is not positive."""
    if delta is not None and delta <= 0:
        raise ValueError(f"delta is {delta}; it has to be positive, or null for no clamp")
    return delta


def check_power(power: int) -> int:
    """Return the power of an error; raise ValueError if it is neither 1 nor 2."""
    if power not in (1, 2):
        raise ValueError(f"power is {power}; it has to be 1 (absolute) or 2 (squared)")
    return power
