"""What is looked at while training: metrics and pictures of a few shapes."""

import logging
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from inr.data.layout import Layout, read_json, read_split
from inr.data.store import SampleStore
from inr.losses import Batch, Losses
from inr.metrics.protocol import evaluate_pair
from inr.models.inr import INR
from inr.reconstruct import decode_mesh, field_of, fit_codes
from inr.render import TRUTH_COLOR, ByDimension
from inr.render.grid import image_grid, write_png
from inr.schema import VALIDATION_METRICS, Config
from inr.shapes.mesh import Mesh, empty_mesh, read_mesh
from inr.training.checkpoint import epoch_label
from inr.training.tracking import Image, Tracker

log = logging.getLogger(__name__)

FIELD_RESOLUTION = 128  # of 2-D pictures


def validation_names(layout: Layout) -> list[str]:
    """Return the shapes of the validation split, none where there is no such split.

    Raises:
        ValueError: if there is one that cannot be used.
    """
    path = layout.split("valid")
    if not path.exists() or read_json(path) == []:
        return []
    return read_split(layout, "valid")


class Validation:
    """Measure and draw a few validation shapes; their codes are fitted for it.

    Where the validation split is empty, the first training shapes stand in, with their own
    codes, and the log says so.

    Args:
        config: of the run.
        layout: the data set.
        train: samples of the training shapes, in the order of the model's codes.
        losses: of training.
        renderer: draws.
        folder: for the pictures.
        tracker: also gets the pictures.
        stopped: ends a fit early, so that an interrupt need not wait for it.
    """

    def __init__(
        self,
        config: Config,
        layout: Layout,
        train: SampleStore,
        losses: Losses,
        renderer: ByDimension,
        folder: Path,
        tracker: Tracker,
        stopped: Callable[[], bool],
    ) -> None:
        self.config = config
        self.layout = layout
        self.train = train
        self.losses = losses
        self.renderer = renderer
        self.folder = folder
        self.tracker = tracker
        self.stopped = stopped
        limit = config.train.num_validation_shapes
        self.is_unseen = False
        self.store = train
        self.names = train.names[:limit]
        if config.train.validate_every == 0:
            return
        unseen = validation_names(layout)[:limit]
        if not unseen:
            log.info("no validation split: validating on %d training shapes", len(self.names))
            return
        self.is_unseen, self.names = True, unseen
        self.store = SampleStore(
            layout, self.names, dim=config.data.dim, device=train.samples.device
        )

    def measure(self, model: INR, epoch: int) -> dict[str, float]:
        """Return the means over the validation shapes, named valid/<metric>."""
        settings = self.config.train
        codes = self._codes(model)
        rows = [{"loss": self._loss(model, codes)}]
        pictures, names, num_empty = [], [], 0
        for name, code in zip(self.names, codes, strict=True):
            mesh = decode_mesh(
                model,
                code,
                dim=self.config.data.dim,
                resolution=settings.validation_resolution,
                coarse_to_fine=self.config.eval.coarse_to_fine,
            )
            num_empty += mesh.is_empty
            try:
                truth = read_mesh(self.layout.mesh(name))
                rows.append(self._metrics(name, mesh, truth))
            except ValueError as error:  # what evaluate would count as failed must not end a run
                log.warning("%s is left out of the validation: %s", name, error)
                continue
            names.append(name)
            pictures.append(self._pair(model, code, truth, mesh))
        self._write("valid", pictures, epoch, names)
        means = {"valid/num_empty": float(num_empty)}
        for metric in VALIDATION_METRICS:
            values = [row[metric] for row in rows if math.isfinite(row.get(metric, math.nan))]
            means[f"valid/{metric}"] = float(np.mean(values)) if values else math.nan
        log.info("epoch %d: %s", epoch, ", ".join(f"{k} {v:.5g}" for k, v in means.items()))
        return means

    def draw(self, model: INR, epoch: int) -> None:
        """Draw the first training shapes and as many random ones, beside the truth."""
        limit = min(self.config.train.num_renders, len(self.train.names))
        others = np.arange(limit, len(self.train.names))
        random = np.random.default_rng([self.config.seed, epoch]).permutation(others)[:limit]
        pictures, names = [], []
        for index in [*range(limit), *sorted(random)]:
            code = model.latents(torch.tensor([index], device=self.train.samples.device))[0]
            mesh = decode_mesh(
                model,
                code.detach(),
                dim=self.config.data.dim,
                resolution=self.config.train.render_resolution,
                coarse_to_fine=self.config.eval.coarse_to_fine,
            )
            name = self.train.names[index]
            path = self.layout.mesh(name)
            truth = read_mesh(path) if path.exists() else empty_mesh(self.train.dim)
            names.append(name)
            pictures.append(self._pair(model, code, truth, mesh))
        self._write("train", pictures, epoch, names)
        self.tracker.histogram(
            "train/code_norms",
            model.latents.codes.detach().norm(dim=1).cpu().numpy(),
            epoch=epoch,
        )

    def _metrics(self, name: str, mesh: Mesh, truth: Mesh) -> dict[str, float]:
        settings = self.config.eval
        return evaluate_pair(
            mesh,
            truth,
            name=name,
            num_points=settings.num_points,
            iou_resolution=self.config.train.validation_resolution,
            f_score_threshold=settings.f_score_threshold,
            seed=settings.seed,
        )

    def _pair(self, model: INR, code: torch.Tensor, truth: Mesh, mesh: Mesh) -> list[Image]:
        """Return pictures of the truth and of the model: in 2-D its whole field."""
        picture = self.renderer.render(truth, color=TRUTH_COLOR)
        if truth.dim == 3:
            return [picture, self.renderer.render(mesh)]
        axis = np.linspace(-1, 1, FIELD_RESOLUTION)
        grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)
        values = field_of(model, code.detach())(grid.reshape(-1, 2)).reshape(grid.shape[:2])
        return [picture, self.renderer.flat.render_field(values, truth=truth)]

    def _codes(self, model: INR) -> torch.Tensor:
        settings, device = self.config.reconstruct, self.store.samples.device
        if not self.is_unseen:
            return model.latents(torch.arange(len(self.names), device=device)).detach()
        return fit_codes(
            model,
            self.store,
            self.losses,
            iterations=self.config.train.validation_iterations,
            samples_per_shape=settings.samples_per_shape,
            sign_balanced=settings.sign_balanced,
            lr=settings.lr,
            lr_drop=settings.lr_drop,
            init_std=settings.init_std,
            seed=self.config.seed,
            stopped=self.stopped,
        )

    @torch.no_grad()
    def _loss(self, model: INR, codes: torch.Tensor) -> float:
        device = self.store.samples.device
        points, distances = self.store.draw(
            torch.arange(len(self.names), device=device),
            self.config.train.samples_per_shape,
            torch.Generator(device=device).manual_seed(self.config.seed),
            sign_balanced=self.config.train.sign_balanced,
        )
        field = model.decode(points, codes)
        total, _ = self.losses(Batch(points, distances), field, codes, None)
        return float(total.mean())

    def _write(
        self,
        kind: str,
        pictures: list[list[Image]],
        epoch: int,
        titles: list[str],
    ) -> None:
        if not pictures:
            return
        image = image_grid(
            list(zip(*pictures, strict=True)),
            column_titles=titles,
            row_labels=["truth", f"epoch {epoch}"],
        )
        write_png(image, self.folder / f"{kind}_{epoch_label(epoch)}.png")
        self.tracker.image(f"{kind}/shapes", image, epoch=epoch)
