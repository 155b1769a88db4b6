"""Validation during training: metrics of a few shapes."""

import logging
import math
from collections.abc import Callable

import numpy as np
import torch

from inr.config.factories import build_fitting
from inr.config.schema import Config
from inr.data.layout import Layout, read_json, read_split
from inr.data.store import SampleStore
from inr.losses import Losses
from inr.metrics.base import Conditions
from inr.metrics.protocol import Protocol
from inr.metrics.surfaces import Chamfer, FScore, NormalConsistency
from inr.metrics.volumes import GridIoU
from inr.models.inr import INR
from inr.reconstruct import decode_mesh
from inr.runs.ground_truth import (
    has_ground_truth,
    open_pair,
    warn_missing_ground_truth,
)
from inr.shapes.mesh import Mesh
from inr.training.batches import batch_spec
from inr.training.settings import VALIDATION_METRICS, Train

log = logging.getLogger(__name__)

# of a shape: its name, its latent and the mesh that was extracted
OnShape = Callable[[str, torch.Tensor, Mesh], None]


def validation_names(layout: Layout) -> list[str]:
    """Return the names of the validation split; empty if there is no such split.

    Raises:
        ValueError: if the split cannot be used.
    """
    path = layout.split("valid")
    if not path.exists() or read_json(path) == []:
        return []
    return read_split(layout, "valid")


def _protocol(settings: Train) -> Protocol:
    """Return VALIDATION_METRICS with the definitions of the default protocol.

    They do not depend on `eval`, so that the curves of all runs are comparable.
    """
    return Protocol(
        "validation",
        Conditions("box", settings.validation_points, "left_out"),
        {
            "chamfer_l2": Chamfer(squared=True, halved=False, scale=1.0),
            "chamfer_l1": Chamfer(squared=False, halved=True, scale=1.0),
            "iou": GridIoU(resolution=settings.validation_resolution, at="centres"),
            "normal_consistency": NormalConsistency(empty=None),
            "f_score": FScore(threshold=0.01, inclusive=False),
        },
    )


def _missing_ground_truth(layout: Layout, names: list[str], best_metric: str) -> set[str]:
    """Return the validation shapes without ground truth, and warn of them once."""
    consequence = "validation reports only their loss"
    if best_metric != "valid/loss" and not any(has_ground_truth(layout, name) for name in names):
        consequence += (
            f"; best.pt cannot be chosen by {best_metric} (set train.best_metric=valid/loss)"
        )
    return warn_missing_ground_truth(layout, names, consequence)


class Validation:
    """Validation: metrics of a few shapes, whose latents are fitted each time.

    If the validation split is empty, the first training shapes are used with their own latents, and
    that is logged.

    Args:
        config: configuration of the run.
        layout: layout of the data set.
        train: samples of the training shapes, in the order of the model's latents.
        losses: losses of training.
        stopped: function that returns whether to end fitting early, after an interrupt.
    """

    def __init__(
        self,
        config: Config,
        layout: Layout,
        train: SampleStore,
        losses: Losses,
        stopped: Callable[[], bool],
    ) -> None:
        self.config = config
        self.layout = layout
        self.losses = losses
        self.stopped = stopped
        self.protocol = _protocol(config.train)
        limit = config.train.num_validation_shapes
        self.fitting = None
        self.store = train
        self.names = train.names[:limit]
        self.missing: set[str] = set()
        if config.train.validate_every == 0:
            return
        # without latents the network represents the training shape only
        unseen = validation_names(layout)[:limit] if config.latent["dim"] > 0 else []
        if unseen:
            self.names = unseen
            self.fitting = build_fitting(config, layout, losses)
            self.losses = self.fitting.losses
            self.store = self.fitting.open_samples(unseen, train.device)
        else:
            log.info("no validation split: validating on %d training shapes", len(self.names))
        self.missing = _missing_ground_truth(layout, self.names, config.train.best_metric)

    def __call__(
        self, model: INR, epoch: int, on_shape: OnShape = lambda name, latent, mesh: None
    ) -> dict[str, float]:
        """Return the means over the validation shapes, named valid/<metric>.

        Args:
            model: model in evaluation mode.
            epoch: epochs that are finished, for the log.
            on_shape: called with the name, latent and mesh of each shape.
        """
        settings = self.config.train
        latents = self._latents(model)
        rows = [{"loss": self._loss(model, latents)}]
        num_empty = 0
        for name, latent in zip(self.names, latents, strict=True):
            mesh = decode_mesh(
                model,
                latent,
                dim=self.config.data.dim,
                resolution=settings.validation_resolution,
                coarse_to_fine=self.config.eval.coarse_to_fine,
            )
            num_empty += mesh.is_empty
            if name not in self.missing:
                try:
                    rows.append(self._metrics(name, mesh))
                except ValueError as error:  # a shape that cannot be measured must not end the run
                    log.warning("%s is left out of the metrics: %s", name, error)
            on_shape(name, latent.detach(), mesh)
        means = {"valid/num_empty": float(num_empty)}
        for metric in VALIDATION_METRICS:
            values = [row[metric] for row in rows if math.isfinite(row.get(metric, math.nan))]
            means[f"valid/{metric}"] = float(np.mean(values)) if values else math.nan
        log.info("epoch %d: %s", epoch, ", ".join(f"{k} {v:.5g}" for k, v in means.items()))
        return means

    def _metrics(self, name: str, mesh: Mesh) -> dict[str, float]:
        pair = open_pair(
            mesh,
            self.layout,
            name,
            ground_truth="solid",
            frame="box",
            num_points=self.config.train.validation_points,
            seed=self.config.eval.seed,
        )
        return self.protocol.evaluate(pair)[0]

    def _latents(self, model: INR) -> torch.Tensor:
        if self.fitting is None:
            index = torch.arange(len(self.names), device=self.store.device)
            return model.latents(index).detach()
        return self.fitting.fit(
            model,
            self.store,
            iterations=self.config.train.validation_iterations,
            stopped=self.stopped,
        )

    def _loss(self, model: INR, latents: torch.Tensor) -> float:
        device = self.store.device
        batch = self.store.draw(
            torch.arange(len(self.names), device=device),
            batch_spec(self.config.train),
            torch.Generator(device=device).manual_seed(self.config.seed),
        )
        total, _ = self.losses(model, batch, latents, None)
        return float(total.detach().mean())
