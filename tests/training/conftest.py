"""Two discs and a small network to train on them."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from inr.data.store import SampleStore
from inr.models.inr import INR
from inr.training.checkpoint import Checkpoints, Progress
from inr.training.fit import fit
from inr.training.interrupt import Interrupt
from inr.training.schedules import Cosine
from inr.training.tracking import NullLogger, Tracker
from tests.support.making import make_latents, make_mlp, make_model, open_discs, train_settings
from tests.support.training import make_losses

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


@pytest.fixture
def train(tmp_path, store, make_optimizer) -> Callable[..., Progress]:
    """The fit of a model to two discs; what is not said is small, and has no validation."""

    def run(model: INR, optimizer=None, *, folder: Path = tmp_path, **changes) -> Progress:
        folder.mkdir(exist_ok=True)
        objects = {
            "losses": make_losses(),
            "schedule": Cosine(final=0.1, warmup=0.1),
            "seed": 0,
            "progress": Progress(),
            "validate": lambda model, epoch: pytest.fail("not asked for"),
            "draw": lambda model, epoch: pytest.fail("not asked for"),
            "interrupt": Interrupt(),
        }
        objects |= {key: changes.pop(key) for key in objects.keys() & changes.keys()}
        settings = train_settings(**changes)
        fit(
            model,
            store,
            optimizer=make_optimizer(model) if optimizer is None else optimizer,
            settings=settings,
            checkpoints=Checkpoints(
                folder,
                store.names,
                every=settings.checkpoint_every,
                epochs=settings.checkpoint_epochs,
                keep=settings.keep_checkpoints,
            ),
            tracker=Tracker(folder, NullLogger()),
            **objects,
        )
        return objects["progress"]

    return run
