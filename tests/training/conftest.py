"""Two discs and a small network to train on them."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from inr.data.store import SampleStore
from inr.models.inr import INR
from tests.support.making import make_latents, make_mlp, make_model, open_discs

RADII = {"large": 0.7, "small": 0.3}


@pytest.fixture
def store(tmp_path: Path) -> SampleStore:
    return open_discs(tmp_path / "data", RADII)


@pytest.fixture(name="make_model")
def model_maker() -> Callable[..., INR]:
    def make(seed: int = 0, *, latent_dim: int = 4, num_shapes: int = 2, **changes) -> INR:
        torch.manual_seed(seed)
        decoder = make_mlp(latent_dim=latent_dim, **{"dropout": 0.2, **changes})
        return make_model(decoder, make_latents(num_shapes, latent_dim, seed=seed))

    return make


@pytest.fixture
def make_optimizer() -> Callable[[INR], torch.optim.Optimizer]:
    def make(model: INR) -> torch.optim.Optimizer:
        return torch.optim.Adam(
            [
                {"params": list(part.parameters()), "lr": rate, "base_lr": rate, "name": name}
                for name, part, rate in (
                    ("network", model.decoder, 5e-3),
                    ("latents", model.latents, 1e-2),
                )
            ]
        )

    return make
