"""Loss terms: named, weighted, each a value a shape.

A term takes a batch, the field and the codes, and returns (B,): the mean over shapes is the
training loss, and their sum is the loss that fits codes, so that no shape's result depends on
which others are fitted beside it. A new term needs a class here and an entry in conf/loss.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from inr.models.inr import Field


class Batch(NamedTuple):
    """Hold samples of B shapes: points (B, N, D) and signed distances (B, N, 1), box units."""

    points: Tensor
    distances: Tensor


class Term(nn.Module):
    """Give one addend of the loss.

    Args:
        weight: factor of this term in the sum.
    """

    def __init__(self, *, weight: float) -> None:
        super().__init__()
        self.weight = weight

    def scale(self, epoch: int | None) -> float:
        """Return the factor at an epoch (from 0); None where codes are fitted: no ramp."""
        return self.weight

    def forward(self, batch: Batch, field: Field, codes: Tensor) -> Tensor:
        """Return the unweighted value of each shape, (B,)."""
        raise NotImplementedError


class ClampedL1(Term):
    """Take the mean absolute error of distances (Park et al., DeepSDF, CVPR 2019, eq. 4).

    Where the target is at least delta away from the surface, target and prediction are clamped
    on the target's side only: there a prediction that is far enough costs nothing, and one of
    the wrong sign still has a gradient, which clamping both ways would take from it.

    Args:
        weight: factor of this term.
        delta: clamping distance in box units; None for no clamp.
    """

    def __init__(self, *, weight: float, delta: float | None) -> None:
        super().__init__(weight=weight)
        if delta is not None and delta <= 0:
            raise ValueError(f"delta is {delta}; it has to be positive, or null for no clamp")
        self.delta = delta

    def forward(self, batch: Batch, field: Field, codes: Tensor) -> Tensor:
        """Return the mean over points, (B,)."""
        target, value = batch.distances, field.value
        if self.delta is not None:
            value = torch.where(target >= self.delta, value.clamp(max=self.delta), value)
            value = torch.where(target <= -self.delta, value.clamp(min=-self.delta), value)
            target = target.clamp(-self.delta, self.delta)
        return (value - target).abs().mean(dim=(1, 2))


class CodeNorm(Term):
    """Regularise codes by their squared norm (Park et al., DeepSDF, CVPR 2019, eq. 9).

    Args:
        weight: 1 / sigma^2 of the paper, for a data term that is a mean over points.
        ramp_epochs: epochs over which the weight rises from 0, as the published code does.
    """

    def __init__(self, *, weight: float, ramp_epochs: int) -> None:
        super().__init__(weight=weight)
        self.ramp_epochs = ramp_epochs

    def scale(self, epoch: int | None) -> float:
        """Return the ramped weight."""
        if epoch is None or self.ramp_epochs == 0:
            return self.weight
        return self.weight * min(1.0, (epoch + 1) / self.ramp_epochs)

    def forward(self, batch: Batch, field: Field, codes: Tensor) -> Tensor:
        """Return the squared norms, (B,)."""
        return codes.square().sum(dim=-1)


class Losses(nn.Module):
    """Weigh and sum named terms; the one place that does.

    Args:
        terms: name to term.
    """

    def __init__(self, terms: Mapping[str, Term]) -> None:
        super().__init__()
        self.terms = nn.ModuleDict(dict(terms))

    def forward(
        self, batch: Batch, field: Field, codes: Tensor, epoch: int | None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the total of each shape (B,), and each term's unweighted value, (B,), detached."""
        total = field.value.new_zeros(field.value.shape[0])
        values = {}
        for name, term in self.terms.items():
            assert isinstance(term, Term)
            value = term(batch, field, codes)
            total = total + term.scale(epoch) * value
            values[name] = value.detach()
        return total, values
