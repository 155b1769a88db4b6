"""Terms that compare the field with the distances, or other targets, of the samples."""

from abc import abstractmethod
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from inr.losses.base import FieldSamples, Loss, LossInputs, TrainProgress, mean_of_points


class DistanceTerm(Loss):
    """Mean error of channel 0 with respect to signed distances; a subclass defines the error.

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
        """Return the error (B, N) of values (B, N) with respect to target distances (B, N)."""


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

    The target is clamped to [-delta, delta]. The prediction is clamped only where the target is,
    and only on the same side. So it costs nothing if it is also beyond delta, but keeps its
    gradient if it has the wrong sign, which clamping on both sides would remove.

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
    """Sign-agnostic error of distances (SAL: Atzmon and Lipman, CVPR 2020, section 3).

    The mean of ||f| - h|^power for unsigned distances h; signs of the samples are ignored. The
    field becomes signed only if the network is initialised to the distance to a sphere.

    Args:
        weight: factor of this term.
        power: power of the absolute error: 1 or 2.
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
    """Binary cross-entropy of occupancy (Occupancy Networks: Mescheder et al., CVPR 2019, eq. 3).

    Channel 0 is the logit, positive inside; a sample is inside if its distance is negative.

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
    """Mean error of the channels after the first, such as a colour or a displacement.

    Args:
        weight: factor of this term.
        power: power of the absolute error: 1 or 2.
    """

    needs = frozenset({"samples"})

    def __init__(self, *, weight: float, power: int) -> None:
        super().__init__(weight=weight)
        self.power = check_power(power)

    def forward(self, inputs: LossInputs) -> Tensor:
        """Return the mean over points and channels, (B,).

        Raises:
            ValueError: if there is only one channel, or the targets have another number of them.
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
    """Clamp targets to [-delta, delta], and values where their target is, on the same side."""
    if delta is None:
        return value, target
    value = torch.where(target >= delta, value.clamp(max=delta), value)
    value = torch.where(target <= -delta, value.clamp(min=-delta), value)
    return value, target.clamp(-delta, delta)


def check_delta(delta: float | None) -> float | None:
    """Return a clamping distance, or raise ValueError if it is not positive."""
    if delta is not None and delta <= 0:
        raise ValueError(f"delta is {delta}; it has to be positive, or null for no clamp")
    return delta


def check_power(power: int) -> int:
    """Return the power of an error, or raise ValueError if it is neither 1 nor 2."""
    if power not in (1, 2):
        raise ValueError(f"power is {power}; it has to be 1 (absolute) or 2 (squared)")
    return power
