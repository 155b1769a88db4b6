"""Fields given by a formula, and what terms are given of them."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from inr.losses import FieldSamples, LossInputs
from inr.models.inr import INR
from inr.models.latents import Latents


class Formula(nn.Module):
    """A decoder that is a formula of points (B, N, D) and latents (B, L), and counts its calls."""

    def __init__(self, formula: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.formula = formula
        self.factor = nn.Parameter(torch.ones(()))
        self.calls: list[int] = []

    def forward(self, x: Tensor, latents: Tensor) -> Tensor:
        self.calls.append(x.shape[1])
        return self.factor * self.formula(x, latents)


@pytest.fixture
def make_model():
    """Return a function that makes a model of a formula."""

    def make(
        formula: Callable[[Tensor, Tensor], Tensor], *, latent_dim: int = 0, output: str = "sdf"
    ) -> INR:
        latents = Latents(
            names=["a", "b"],
            dim=latent_dim,
            max_norm=None,
            spherical=False,
            pretrained=None,
            trainable=True,
            generator=torch.Generator().manual_seed(0),
        )
        return INR(Formula(formula), latents, output=output)

    return make


@pytest.fixture
def make_inputs():
    """Return a function that makes the inputs of a term: points of one shape, or of several."""

    def make_inputs(where: str, value: Tensor, **known: Tensor) -> LossInputs:
        samples = FieldSamples(
            points=torch.zeros(*value.shape[:2], 2),
            value=value,
            gradient=known.get("gradient"),
            target=known.get("target"),
            normal=known.get("normal"),
            parts=known.get("parts"),
            labels=known.get("labels"),
        )
        sets = dict.fromkeys(("samples", "surface", "space")) | {where: samples}
        latents = known.get("latents", torch.zeros(len(value), 0))
        return LossInputs(**sets, latents=latents, decoder=nn.Identity(), progress=None)

    return make_inputs
