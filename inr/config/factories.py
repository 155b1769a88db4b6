"""Build objects from the configuration; shared by the stages."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from inr.config.instantiate import instantiate
from inr.config.schema import Config
from inr.config.validate import decoder_entry
from inr.data.layout import Layout
from inr.data.open_store import open_store
from inr.data.store import SampleStore
from inr.files import OUTPUTS
from inr.losses import Losses
from inr.metrics.base import Conditions
from inr.metrics.protocol import Protocol
from inr.metrics.sets import SetMetric
from inr.models.decoder import OwnLearningRate
from inr.models.inr import INR
from inr.reconstruct.latent_fitting import Fitting
from inr.render import ShapeRenderer
from inr.training.batches import batch_spec
from inr.training.schedules import Schedule
from inr.training.tracking import Logger


def build_model(
    config: Config,
    names: Sequence[str],
    device: torch.device,
    *,
    fresh: bool,
    poses: Mapping[str, torch.Tensor] | None,
) -> INR:
    """Return a model of these shapes; the same seed gives the same weights.

    Args:
        config: configuration of the run.
        names: names of the shapes, in the order of their latents.
        device: device of the model.
        fresh: whether to read pretrained latents; False if a checkpoint is loaded afterwards.
        poses: initial poses (P, K) of the parts of each shape; see inr.models.parts.poses.

    Raises:
        ValueError: if its settings do not fit together.
    """
    torch.manual_seed(config.seed)
    latent = config.latent if fresh else {**config.latent, "pretrained": None, "trainable": True}
    latents = instantiate(
        latent,
        config.allow,
        names=names,
        generator=torch.Generator().manual_seed(config.seed),
        space_dim=config.data.dim,
        poses=poses,
    )
    latents.weight.requires_grad_(config.latent.get("trainable", True))
    decoder = instantiate(
        decoder_entry(config.model),
        config.allow,
        dim=config.data.dim,
        latent_dim=config.latent["dim"],
        out_dim=config.model["num_channels"],
        num_parts=latents.num_parts,
    )
    return INR(decoder, latents, output=config.model["output"]).to(device)


def build_losses(config: Config) -> Losses:
    """Return the weighted loss terms."""
    return Losses({name: instantiate(t, config.allow) for name, t in config.loss.items()})


def build_optimizer(config: Config, model: INR) -> torch.optim.Optimizer:
    """Return the optimizer, with parameter groups for the network, the latents and trained poses.

    Modules with an `OwnLearningRate` have one further group for each learning rate.
    """
    settings = config.optimizer
    others: dict[float, list[torch.nn.Parameter]] = {}
    for module in model.decoder.modules():
        factor = module.lr_factor if isinstance(module, OwnLearningRate) else 1.0
        others.setdefault(factor, []).extend(module.parameters(recurse=False))
    groups: list[dict[str, Any]] = [_group("network", others.pop(1.0), settings.lr)]
    groups += [_group(f"network_x{f:g}", p, settings.lr * f) for f, p in others.items()]
    groups.append(_group("latents", [model.latents.weight], settings.latent_lr))
    if model.latents.trained_poses is not None:
        groups.append(_group("poses", [model.latents.trained_poses], settings.pose_lr))
    optimizer: torch.optim.Optimizer = instantiate(
        settings.algorithm, config.allow, params=groups, lr=settings.lr
    )
    return optimizer


def _group(name: str, params: Sequence[torch.nn.Parameter], lr: float) -> dict[str, Any]:
    return {"params": list(params), "lr": lr, "base_lr": lr, "name": name}


def build_fitting(config: Config, layout: Layout, losses: Losses) -> Fitting:
    """Return the fitting of latents to unseen shapes, with the losses of training."""
    return Fitting(
        config.reconstruct,
        layout,
        losses,
        spec=batch_spec(config.train),
        dim=config.data.dim,
        num_channels=config.model["num_channels"],
        dtype=config.data.sampling.dtype,
        seed=config.seed,
    )


def training_store(
    config: Config, layout: Layout, names: Sequence[str], losses: Losses, device: torch.device
) -> SampleStore:
    """Return the samples of these shapes that the losses need."""
    return open_store(
        layout,
        names,
        dim=config.data.dim,
        num_channels=config.model["num_channels"],
        needs=losses.needs,
        device=device,
        dtype=config.data.sampling.dtype,
        fallback=OUTPUTS / "packed",
    )


def build_schedule(config: Config) -> Schedule:
    """Return the learning-rate schedule."""
    schedule: Schedule = instantiate(config.optimizer.schedule, config.allow)
    return schedule


def build_protocol(config: Config) -> Protocol:
    """Return the evaluation protocol of `eval`."""
    settings = config.eval
    return Protocol(
        settings.protocol,
        Conditions(settings.frame, settings.num_points, settings.empty),
        {name: instantiate(metric, config.allow) for name, metric in settings.metrics.items()},
    )


def build_set_metrics(config: Config) -> dict[str, SetMetric]:
    """Return the metrics of a protocol that compares sets of shapes; empty for any other."""
    found = {name: instantiate(m, config.allow) for name, m in config.eval.metrics.items()}
    return {name: metric for name, metric in found.items() if isinstance(metric, SetMetric)}


def build_logger(config: Config) -> Logger:
    """Return the logger that copies the logged values to a dashboard."""
    logger: Logger = instantiate(config.logger, config.allow)
    return logger


def build_renderer(config: Config) -> ShapeRenderer:
    """Return the renderer of 2-D and 3-D shapes."""
    return ShapeRenderer(
        instantiate(config.renderer.solid, config.allow),
        instantiate(config.renderer.flat, config.allow),
    )
