"""Terms that weight samples by difficulty, and the curriculum made of them."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from inr.losses.base import TrainProgress
from inr.losses.distances import DistanceTerm, check_delta, check_power, clamp_beyond


class HardSamples(DistanceTerm):
    """Error weighted by the difficulty of a sample (Duan et al., Curriculum DeepSDF, ECCV 2020).

    The paper's curriculum by sample difficulty: the error of a sample is weighted by
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
        """Return the weighted error, (B, N)."""
        value, target = clamp_beyond(value, target, self.delta)
        return (value - target).abs() ** self.power * hardness(value, target, self.strength)


class LinearHardSamples(DistanceTerm):
    """Error weighted by how far the field falls short of the distance: a linear HardSamples.

    The weight is 1 + slope max(0, sgn(s) (s - f)), a constant to the gradient: it does not jump
    where the field meets its target, and is 1 where the field is beyond its distance. The published
    implementation writes slope as 100 lambda, with lambda = 0.5.

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
        """Return the weighted error, (B, N)."""
        value, target = clamp_beyond(value, target, self.delta)
        short = F.relu(target.sign() * (target - value.detach()))
        return (value - target).abs() ** self.power * (1 + self.slope * short)


class Curriculum(DistanceTerm):
    """Error beyond a tolerance that shrinks as hard samples gain weight (Duan et al., ECCV 2020).

    Curriculum DeepSDF's full schedule, by surface accuracy and by sample difficulty: an absolute
    error counts where it exceeds a tolerance, weighted as in HardSamples; the run is cut into
    stages, each with its own tolerance and strength. Where latents are fitted, it is the last
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
        """Return the stage, from 0, at a time of training; the last where latents are fitted."""
        if progress is None:
            return len(self.ends)
        return sum(progress.epoch / progress.num_epochs >= end for end in self.ends)

    def error(self, value: Tensor, target: Tensor, progress: TrainProgress | None) -> Tensor:
        """Return the weighted error beyond the tolerance, (B, N)."""
        stage = self.stage(progress)
        value, target = clamp_beyond(value, target, self.delta)
        beyond = F.relu((value - target).abs() - self.tolerances[stage])
        return beyond * hardness(value, target, self.strengths[stage])


def hardness(value: Tensor, target: Tensor, strength: float) -> Tensor:
    """Return 1 + strength sgn(s) sgn(s - f), the weight of a sample."""
    return 1 + strength * target.sign() * (target - value).sign()


def check_strength(strength: float) -> float:
    """Return the strength of a re-weighting; raise ValueError if it makes weights negative."""
    if not 0 <= strength < 1:
        raise ValueError(f"strength is {strength}; it has to be at least 0 and below 1")
    return strength
