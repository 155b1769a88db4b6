"""Pictures of training and validation shapes, next to the ground truth."""

from pathlib import Path

import numpy as np
import torch

from inr.config.schema import Config
from inr.data.layout import Layout
from inr.data.store import SampleStore
from inr.models.inr import INR
from inr.reconstruct import decode_mesh
from inr.render import ShapeRenderer
from inr.render.grid import image_grid, write_png
from inr.runs.ground_truth import ground_truth_mesh
from inr.runs.pictures import draw_shape, picture_rows
from inr.shapes.mesh import Mesh
from inr.stages.train.validation import Validation
from inr.training.checkpoint import epoch_label
from inr.training.tracking import Image, Tracker


class Album:
    """Grid of pictures, one column per shape, written as one PNG and logged.

    Args:
        kind: split of the shapes, `train` or `valid`.
        renderer: renderer of the pictures.
        folder: folder of the PNG.
        tracker: tracker that logs the grid.
    """

    def __init__(self, kind: str, renderer: ShapeRenderer, folder: Path, tracker: Tracker) -> None:
        self.kind = kind
        self.renderer = renderer
        self.folder = folder
        self.tracker = tracker
        self.names: list[str] = []
        self.columns: list[list[Image]] = []

    def add(
        self, name: str, model: INR, latent: torch.Tensor, mesh: Mesh, ground_truth: Mesh
    ) -> None:
        """Draw a shape; see `inr.runs.pictures.draw_shape`."""
        self.names.append(name)
        self.columns.append(draw_shape(model, latent, mesh, ground_truth, self.renderer))

    def write(self, epoch: int, dim: int) -> None:
        """Write <kind>_<epoch>.png of the shapes added since the last call, if there are any."""
        if self.columns:
            image = image_grid(
                list(zip(*self.columns, strict=True)),
                column_titles=self.names,
                row_labels=picture_rows(dim, f"epoch {epoch}"),
            )
            write_png(image, self.folder / f"{self.kind}_{epoch_label(epoch)}.png")
            self.tracker.image(f"{self.kind}/shapes", image, epoch=epoch)
        self.names, self.columns = [], []


class PicturedValidation:
    """Validation of which each shape is drawn next to the ground truth.

    Args:
        validation: measures the shapes.
        layout: layout of the data set.
        album: album that the pictures are added to.
    """

    def __init__(self, validation: Validation, layout: Layout, album: Album) -> None:
        self.validation = validation
        self.layout = layout
        self.album = album

    def __call__(self, model: INR, epoch: int) -> dict[str, float]:
        """Return the metrics of the validation, and draw its shapes."""

        def draw(name: str, latent: torch.Tensor, mesh: Mesh) -> None:
            ground_truth = ground_truth_mesh(self.layout, name, mesh.dim)
            self.album.add(name, model, latent, mesh, ground_truth)

        metrics = self.validation(model, epoch, draw)
        self.album.write(epoch, self.validation.store.dim)
        return metrics


class TrainingPictures:
    """Pictures of the first training shapes and as many random ones, next to the ground truth.

    Args:
        config: configuration of the run.
        layout: layout of the data set.
        store: samples of the training shapes, in the order of the model's latents.
        album: album that the pictures are added to.
    """

    def __init__(self, config: Config, layout: Layout, store: SampleStore, album: Album) -> None:
        self.config = config
        self.layout = layout
        self.store = store
        self.album = album

    def __call__(self, model: INR, epoch: int) -> None:
        """Draw the shapes, and log a histogram of the latents' norms."""
        names, dim = self.store.names, self.store.dim
        limit = min(self.config.train.num_renders, len(names))
        others = np.arange(limit, len(names))
        random = np.random.default_rng([self.config.seed, epoch]).permutation(others)[:limit]
        for index in [*range(limit), *sorted(random)]:
            latent = model.latents(torch.tensor([index], device=self.store.device))[0].detach()
            mesh = decode_mesh(
                model,
                latent,
                dim=dim,
                resolution=self.config.train.render_resolution,
                coarse_to_fine=self.config.eval.coarse_to_fine,
            )
            name = names[index]
            self.album.add(name, model, latent, mesh, ground_truth_mesh(self.layout, name, dim))
        self.album.write(epoch, dim)
        norms = model.latents.weight.detach().norm(dim=-1).flatten().cpu().numpy()
        self.album.tracker.histogram("train/latent_norms", norms, epoch=epoch)
