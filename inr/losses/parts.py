"""Terms on the parts that a shape is made of (Talabot et al., PartSDF, 2025, section 3)."""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from inr.losses.base import Loss, LossInputs, mean_of_points
from inr.losses.hard_samples import HardSamples


class PartDistance(HardSamples):
    """Error of each sample's distance in the value of the part that it belongs to.

    It is weighted and clamped as in HardSamples; strength 0 and delta null leave it as it is.

    Args:
        weight: factor of this term.
        power: of the absolute error: 1 or 2.
        strength: lambda of HardSamples, in [0, 1).
        delta: clamp as ClampedL1 does, before all else; None for no clamp.
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
    """Depth of parts in one another: pushes parts apart where several contain a point.

    Where more than one part is negative, the sum over those of w |d|, the weights w their softmax
    with a temperature, so that the part that the point is least deep in gives way first; elsewhere
    0. Weights are constants to the gradient.

    Args:
        weight: factor of this term.
        temperature: of the softmax, box units; the paper's is 0.02.
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
