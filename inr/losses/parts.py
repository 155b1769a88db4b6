"""Terms for the parts of a shape (Talabot et al., PartSDF, 2025, section 3)."""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from inr.losses.base import Loss, LossInputs, mean_of_points
from inr.losses.hard_samples import HardSamples


class PartDistance(HardSamples):
    """Error of the predicted distance to the part that each sample is labelled with.

    It is weighted and clamped as in HardSamples; strength 0 and delta null switch this off.

    Args:
        weight: factor of this term.
        power: power of the absolute error: 1 or 2.
        strength: the strength of HardSamples, in [0, 1).
        delta: clamping distance, applied first, as in ClampedL1; None for no clamp.
    """

    needs = frozenset({"samples", "signed", "parts", "labels"})

    def forward(self, inputs: LossInputs) -> Tensor:
        """Return the mean over points, (B,)."""
        samples = inputs.samples
        assert samples is not None and samples.target is not None
        assert samples.parts is not None and samples.labels is not None
        own = samples.parts.gather(-1, samples.labels[..., None])[..., 0]
        return mean_of_points(self.error(own, samples.target[..., 0], inputs.progress))


class Intersection(Loss):
    """Penalty on the intersection of parts.

    At points inside more than one part, the sum of w |d| over those parts with signed distances d
    and weights w = softmax(d / temperature), so that the part with the shallowest penetration
    yields first; elsewhere 0. The weights are not differentiated.

    Args:
        weight: factor of this term.
        temperature: temperature of the softmax, box units; 0.02 in the paper.
    """

    needs = frozenset({"samples", "parts"})
    output: ClassVar[str | None] = "sdf"

    def __init__(self, *, weight: float, temperature: float) -> None:
        super().__init__(weight=weight)
        if temperature <= 0:
            raise ValueError(f"temperature is {temperature}; it has to be positive")
        self.temperature = temperature

    def forward(self, inputs: LossInputs) -> Tensor:
        """Return the mean over points, (B,)."""
        assert inputs.samples is not None and inputs.samples.parts is not None
        parts = inputs.samples.parts
        with torch.no_grad():
            inside = parts < 0
            several = inside.sum(dim=-1, keepdim=True) > 1
            depth = (parts / self.temperature).masked_fill(~inside, -torch.inf)
            weights = F.softmax(depth.masked_fill(~several, 0.0), dim=-1) * (several & inside)
        return mean_of_points((weights * parts.abs()).sum(dim=-1))
