"""Two discs and a small network to train on them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from inr.data.layout import Layout, write_npz
from inr.data.store import SampleStore
from inr.models.bodies import ConcatMLP
from inr.models.inr import INR
from inr.models.latents import Codes

RADII = {"large": 0.7, "small": 0.3}


@pytest.fixture
def store(tmp_path: Path) -> SampleStore:
    layout = Layout(tmp_path / "data")
    rng = np.random.default_rng(0)
    for name, radius in RADII.items():
        points = rng.uniform(-1, 1, (600, 2))
        distance = np.linalg.norm(points, axis=1, keepdims=True) - radius
        samples = np.concatenate([points, distance], axis=1)
        outside = distance[:, 0] >= 0
        write_npz(layout.samples(name), pos=samples[outside], neg=samples[~outside])
    return SampleStore(layout, list(RADII), dim=2, device=torch.device("cpu"))


@pytest.fixture
def make_model() -> Callable[..., INR]:
    def make(seed: int = 0, *, code_dim: int = 4, num_shapes: int = 2, **changes) -> INR:
        settings = {
            "hidden_dim": 16,
            "num_layers": 2,
            "skip_layers": [],
            "narrow_skip": False,
            "activation": nn.Softplus(beta=30),
            "encoding": None,
            "weight_norm": False,
            "dropout": 0.2,
            "final_tanh": False,
            **changes,
        }
        torch.manual_seed(seed)
        generator = torch.Generator().manual_seed(seed)
        return INR(
            ConcatMLP(dim=2, code_dim=code_dim, out_dim=1, **settings),
            Codes(num_shapes=num_shapes, dim=code_dim, max_norm=None, generator=generator),
        )

    return make


@pytest.fixture
def make_optimizer() -> Callable[[INR], torch.optim.Optimizer]:
    def make(model: INR) -> torch.optim.Optimizer:
        return torch.optim.Adam(
            [
                {"params": list(part.parameters()), "lr": rate, "base_lr": rate, "name": name}
                for name, part, rate in (
                    ("network", model.body, 5e-3),
                    ("codes", model.latents, 1e-2),
                )
            ]
        )

    return make
