"""Terms that weigh samples by how hard they are, and the curriculum made of them."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from inr.losses.base import TrainProgress
from inr.losses.distances import DistanceTerm, check_delta, check_power, clamp_beyond


class HardSamples(DistanceTerm):
    """Weigh errors by how hard a sample is (Duan et al., Curriculum DeepSDF, ECCV 2020).

    The paper's curriculum by sample difficulty: the error of a sample is weighed by
    1 + strength sgn(s) sgn(s - f) for a field f and a distance s, more where f has the wrong sign
    or is too near the surface, less where it is beyond its distance.

    Args:
        weight: factor of this term.
        power: of the absolute error: 1 or 2.
        strength: lambda of the paper, in [0, 1).
        delta: clamp as ClampedL1 does, before all else; None for no clamp.
    """

    def __init__(self, *, weight: float, power: int, strength: float, delta: float | None) -> None:
        super().__init__(weight=weight)
        self.power = check_power(power)
        self.strength = check_strength(strength)
        self.delta = check_delta(delta)

    def error(self, value: Tensor, target: Tensor, progress: TrainProgress | None) -> Tensor:
        """Return the weighed error, (B, N)."""
        value, target = clamp_beyond(value, target, self.delta)
        return (value - target).abs() ** self.power * hardness(value, target, self.strength)


class LinearHardSamples(DistanceTerm):
    """Weigh errors by how far a sample is short of its distance: a linear form of HardSamples.

    The weight is 1 + slope max(0, sgn(s) (s - f)), a constant to the gradient: it does not jump
    where the field meets its target, and samples that are beyond their distance keep 1. The
    published implementation writes slope as 100 lambda, with lambda = 0.5.

    Args:
        weight: factor of this term.
        power: of the absolute error: 1 or 2.
        slope: growth of the weight, 1 / box unit.
        delta: clamp as ClampedL1 does, before all else; None for no clamp.
    """

    def __init__(self, *, weight: float, power: int, slope: float, delta: float | None) -> None:
        super().__init__(weight=weight)
        if slope < 0:
            raise ValueError(f"slope is {slope}; it has to be 0 or more")
        self.power = check_power(power)
        self.slope = slope
        self.delta = check_delta(delta)

    def error(self, value: Tensor, target: Tensor, progress: TrainProgress | None) -> Tensor:
        """Return the weighed error, (B, N)."""
        value, target = clamp_beyond(value, target, self.delta)
        short = F.relu(target.sign() * (target - value.detach()))
        return (value - target).abs() ** self.power * (1 + self.slope * short)


class Curriculum(DistanceTerm):
    """Grow the accuracy asked for and the weight of hard samples (Duan et al., ECCV 2020).

    Curriculum DeepSDF's full schedule, by surface accuracy and by sample difficulty: an absolute
    error counts where it exceeds a tolerance, weighed as HardSamples weighs it; the run is cut
    into stages, each with its own tolerance and strength. Where latents are fitted, it is the last
    stage. The network's growth by layers, which the paper adds, is no part of the loss.

    Args:
        weight: factor of this term.
        tolerances: epsilon of each stage, box units.
        strengths: lambda of each stage, in [0, 1).
        ends: fraction of the run at which each stage but the last ends, ascending.
        delta: clamp as ClampedL1 does, before all else; None for no clamp.
    """

    def __init__(
        self,
        *,
        weight: float,
        tolerances: Sequence[float],
        strengths: Sequence[float],
        ends: Sequence[float],
        delta: float | None,
    ) -> None:
        super().__init__(weight=weight)
        if not len(tolerances) == len(strengths) == len(ends) + 1:
            raise ValueError(
                f"tolerances, strengths and ends have {len(tolerances)}, {len(strengths)} and "
                f"{len(ends)} entries; it takes one of the first two for each stage, and one end "
                "less"
            )
        if list(ends) != sorted(ends) or not all(0 < end < 1 for end in ends):
            raise ValueError(f"ends is {list(ends)}; it has to ascend between 0 and 1")
        if min(tolerances) < 0:
            raise ValueError(f"tolerances is {list(tolerances)}; each has to be 0 or more")
        self.tolerances = tuple(tolerances)
        self.strengths = tuple(check_strength(strength) for strength in strengths)
        self.ends = tuple(ends)
        self.delta = check_delta(delta)

    def stage(self, progress: TrainProgress | None) -> int:
        """Return the stage, from 0, at some time of the training."""
        if progress is None:
            return len(self.ends)
        return sum(progress.epoch / progress.num_epochs >= end for end in self.ends)

    def error(self, value: Tensor, target: Tensor, progress: TrainProgress | None) -> Tensor:
        """Return the weighed error beyond the tolerance, (B, N)."""
        stage = self.stage(progress)
        value, target = clamp_beyond(value, target, self.delta)
        beyond = F.relu((value - target).abs() - self.tolerances[stage])
        return beyond * hardness(value, target, self.strengths[stage])


def hardness(value: Tensor, target: Tensor, strength: float) -> Tensor:
    """Return 1 + strength sgn(s) sgn(s - f), the weight of a sample."""
    return 1 + strength * target.sign() * (target - value).sign()


def check_strength(strength: float) -> float:
    """Return the strength of a re-weighting, if no weight of it is negative."""
    if not 0 <= strength < 1:
        raise ValueError(f"strength is {strength}; it has to be at least 0 and below 1")
    return strength
