"""Objects from configuration, shared by the stages."""

from collections.abc import Sequence
from typing import Any

import torch

from inr.build import instantiate
from inr.losses import Losses
from inr.models.inr import INR
from inr.render import ByDimension
from inr.schema import Config
from inr.training.schedules import Schedule
from inr.training.tracking import Logger


def build_model(config: Config, num_shapes: int, device: torch.device) -> INR:
    """Return a fresh model for so many shapes; the same seed gives the same weights.

    Raises:
        ValueError: if its settings do not fit together.
    """
    torch.manual_seed(config.seed)
    latents = instantiate(
        config.latent,
        config.allow,
        num_shapes=num_shapes,
        generator=torch.Generator().manual_seed(config.seed),
    )
    body = instantiate(
        config.model, config.allow, dim=config.data.dim, code_dim=config.latent["dim"], out_dim=1
    )
    return INR(body, latents).to(device)


def build_losses(config: Config) -> Losses:
    """Return the weighted terms."""
    return Losses({name: instantiate(t, config.allow) for name, t in config.loss.items()})


def build_optimizer(config: Config, model: INR) -> torch.optim.Optimizer:
    """Return the optimizer: one group for the network, one for the codes."""
    settings = config.optimizer
    groups: list[dict[str, Any]] = [
        _group("network", list(model.body.parameters()), settings.lr),
        _group("codes", list(model.latents.parameters()), settings.code_lr),
    ]
    optimizer: torch.optim.Optimizer = instantiate(
        settings.algorithm, config.allow, params=groups, lr=settings.lr
    )
    return optimizer


def _group(name: str, params: Sequence[torch.nn.Parameter], lr: float) -> dict[str, Any]:
    return {"params": list(params), "lr": lr, "base_lr": lr, "name": name}


def build_schedule(config: Config) -> Schedule:
    """Return the learning-rate schedule."""
    schedule: Schedule = instantiate(config.optimizer.schedule, config.allow)
    return schedule


def build_logger(config: Config) -> Logger:
    """Return the dashboard that mirrors the log."""
    logger: Logger = instantiate(config.logger, config.allow)
    return logger


def build_renderer(config: Config) -> ByDimension:
    """Return what draws shapes of either dimension."""
    return ByDimension(
        instantiate(config.renderer.solid, config.allow),
        instantiate(config.renderer.flat, config.allow),
    )
