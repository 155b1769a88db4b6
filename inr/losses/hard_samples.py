"""Terms that weight samples by difficulty, and the curriculum of Curriculum DeepSDF."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from inr.losses.base import TrainProgress
from inr.losses.distances import DistanceTerm, check_delta, check_power, clamp_beyond


class HardSamples(DistanceTerm):
    """Error weighted by the difficulty of a sample (Duan et al., Curriculum DeepSDF, ECCV 2020).

    The error of a sample is weighted by 1 + strength sgn(s) sgn(s - f) for a predicted distance f
    and a target s: more if f has the wrong sign or is too small in magnitude, less if it is too
    large.

    Args:
        weight: factor of this term.
        power: power of the absolute error: 1 or 2.
        strength: the paper's lambda, in [0, 1).
        delta: clamping distance, applied first, as in ClampedL1; None for no clamp.
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
    """Error with a weight that grows linearly with the shortfall: a continuous HardSamples.

    The weight is 1 + slope max(0, sgn(s) (s - f)) for a predicted distance f and a target s, and is
    not differentiated. It is continuous at f = s, and 1 where f is too large in magnitude. The
    published implementation has slope = 100 lambda, with lambda = 0.5.

    Args:
        weight: factor of this term.
        power: power of the absolute error: 1 or 2.
        slope: slope of the weight, 1 / box unit.
        delta: clamping distance, applied first, as in ClampedL1; None for no clamp.
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
    """Loss of Curriculum DeepSDF: tolerance falls and sample weights rise in stages.

    Duan et al., ECCV 2020. The loss is the amount by which the absolute error exceeds a tolerance,
    weighted as in HardSamples. Each stage of the run has its own tolerance and strength. Latents
    are fitted with those of the last stage. The paper also adds layers to the network during
    training, which is not done here.

    Args:
        weight: factor of this term.
        tolerances: the paper's epsilon, one per stage, box units.
        strengths: the paper's lambda, one per stage, in [0, 1).
        ends: fraction of the run at which each stage except the last ends, ascending.
        delta: clamping distance, applied first, as in ClampedL1; None for no clamp.
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
                f"{len(ends)} entries; give one tolerance and one strength per stage, and the end "
                "of each stage except the last"
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
        """Return the index of the current stage; the last one when latents are fitted."""
        if progress is None:
            return len(self.ends)
        return sum(progress.epoch / progress.num_epochs >= end for end in self.ends)

    def error(self, value: Tensor, target: Tensor, progress: TrainProgress | None) -> Tensor:
        """Return the weighted error in excess of the tolerance, (B, N)."""
        stage = self.stage(progress)
        value, target = clamp_beyond(value, target, self.delta)
        beyond = F.relu((value - target).abs() - self.tolerances[stage])
        return beyond * hardness(value, target, self.strengths[stage])


def hardness(value: Tensor, target: Tensor, strength: float) -> Tensor:
    """Return 1 + strength sgn(s) sgn(s - f), the weight of a sample."""
    return 1 + strength * target.sign() * (target - value).sign()


def check_strength(strength: float) -> float:
    """Return the strength of the sample weights, or raise ValueError if it is not in [0, 1)."""
    if not 0 <= strength < 1:
        raise ValueError(f"strength is {strength}; it has to be at least 0 and below 1")
    return strength
