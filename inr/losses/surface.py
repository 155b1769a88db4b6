"""Terms for learning from surface points, without distances."""

from typing import ClassVar

import torch
from torch import Tensor

from inr.data.batch import SETS
from inr.losses.base import FieldSamples, Loss, LossInputs, mean_of_points
from inr.losses.distances import check_power
from inr.models.derivatives import normalize


class SurfaceDistance(Loss):
    """Mean of |f| over surface points, where the field should be 0.

    The first part of the data term of IGR (Gropp et al., ICML 2020, eq. 2) and, with another
    weight, a term of SIREN's loss (Sitzmann et al., NeurIPS 2020, eq. 6).

    Args:
        weight: factor of this term.
    """

    needs = frozenset({"surface"})

    def forward(self, inputs: LossInputs) -> Tensor:
        """Return the mean over points, (B,)."""
        assert inputs.surface is not None
        return mean_of_points(inputs.surface.value[..., 0].abs())


class NormalAlignment(Loss):
    """Deviation of the field's gradient at surface points from the outward normal n.

    Either the mean of |grad f - n| (the tau term of IGR: Gropp et al., ICML 2020, eq. 2), which
    also penalises a gradient not of unit length; or the mean of 1 - cos(grad f, n) (Sitzmann et
    al., SIREN, NeurIPS 2020, eq. 6, with the gradient normalised as in its published code).

    Args:
        weight: factor of this term.
        cosine: whether to use the cosine (SIREN) rather than the difference (IGR).
    """

    needs = frozenset({"surface.gradient", "normals"})
    output: ClassVar[str | None] = "sdf"

    def __init__(self, *, weight: float, cosine: bool) -> None:
        super().__init__(weight=weight)
        self.cosine = cosine

    def forward(self, inputs: LossInputs) -> Tensor:
        """Return the mean over points, (B,)."""
        assert inputs.surface is not None and inputs.surface.normal is not None
        gradient, normal = gradient_of(inputs.surface), inputs.surface.normal
        if self.cosine:
            return mean_of_points(1 - (normalize(gradient) * normal).sum(dim=-1))
        return mean_of_points((gradient - normal).norm(dim=-1))


class Eikonal(Loss):
    """Eikonal loss, the mean of ||grad f| - 1|^power.

    Power 2 is that of IGR (Gropp et al., ICML 2020, eq. 2), power 1 that of SIREN (Sitzmann et
    al., NeurIPS 2020, eq. 6).

    Args:
        weight: factor of this term.
        where: the point set, `space`, `samples` or `surface`; add one term for each set.
        power: power of the absolute error: 1 or 2.
    """

    output: ClassVar[str | None] = "sdf"

    def __init__(self, *, weight: float, where: str, power: int) -> None:
        super().__init__(weight=weight)
        if where not in SETS:
            raise ValueError(f"where is '{where}'; it has to be one of {', '.join(SETS)}")
        self.where = where
        self.needs = frozenset({f"{where}.gradient"})
        self.power = check_power(power)

    def forward(self, inputs: LossInputs) -> Tensor:
        """Return the mean over points, (B,)."""
        samples = {"samples": inputs.samples, "surface": inputs.surface, "space": inputs.space}[
            self.where
        ]
        assert samples is not None
        return mean_of_points((gradient_of(samples).norm(dim=-1) - 1).abs() ** self.power)


class OffSurface(Loss):
    """Mean of exp(-alpha |f|) over off-surface points: penalises small values there.

    The last term of SIREN's loss (Sitzmann et al., NeurIPS 2020, eq. 6).

    Args:
        weight: factor of this term.
        alpha: decay rate, 1 / box unit; "much larger than 1" in the paper, 100 in its code.
    """

    needs = frozenset({"space"})
    output: ClassVar[str | None] = "sdf"

    def __init__(self, *, weight: float, alpha: float) -> None:
        super().__init__(weight=weight)
        self.alpha = check_rate("alpha", alpha)

    def forward(self, inputs: LossInputs) -> Tensor:
        """Return the mean over points, (B,)."""
        assert inputs.space is not None
        return mean_of_points(torch.exp(-self.alpha * inputs.space.value[..., 0].abs()))


class HotSpot(Loss):
    """Heat loss of HotSpot (Wang et al., CVPR 2025).

    For h = exp(-lambda |f|), the energy 1/2 int |grad h|^2 + lambda^2 h^2 of the screened Poisson
    equation is lambda^2 times the heat loss 1/2 int exp(-2 lambda |f|) (|grad f|^2 + 1). Its
    minimiser |f| tends to the distance as lambda grows, and it penalises surface area away from
    the points. The paper estimates the integral by dividing by the density of its random points;
    here it is the mean over the off-surface points as drawn.

    Args:
        weight: factor of this term.
        absorption: lambda, 1 / box unit; h falls to 1/e at the distance 1 / lambda.
    """

    needs = frozenset({"space.gradient"})
    output: ClassVar[str | None] = "sdf"

    def __init__(self, *, weight: float, absorption: float) -> None:
        super().__init__(weight=weight)
        self.absorption = check_rate("absorption", absorption)

    def forward(self, inputs: LossInputs) -> Tensor:
        """Return the mean over points, (B,)."""
        assert inputs.space is not None
        heat = torch.exp(-2 * self.absorption * inputs.space.value[..., 0].abs())
        slope = gradient_of(inputs.space).square().sum(dim=-1)
        return mean_of_points(heat * (slope + 1) / 2)


def gradient_of(samples: FieldSamples) -> Tensor:
    """Return the field's gradient (B, N, D), which must be in the `needs` of the term."""
    assert samples.gradient is not None, "a term that uses a gradient has to name it in its needs"
    return samples.gradient


def check_rate(name: str, rate: float) -> float:
    """Return a decay rate, or raise ValueError if it is not positive."""
    if rate <= 0:
        raise ValueError(f"{name} is {rate}; it has to be positive")
    return rate
