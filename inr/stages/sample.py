"""stage=sample: new shapes from latents drawn from a prior, or interpolated between two."""

import logging
import shutil
import time
from typing import Any

import numpy as np
import torch

from inr.config.compose import slug
from inr.config.factories import build_renderer
from inr.config.fingerprint import fingerprint
from inr.config.job import Job
from inr.hints import nearest
from inr.models.priors import draw_gaussian, draw_pca, interpolate
from inr.progress import show_progress
from inr.render.grid import image_grid, write_png
from inr.runs.shape_folder import ShapeFolder
from inr.runs.trained import TrainedRun, open_trained

log = logging.getLogger(__name__)

COLUMNS = 8


def sample(job: Job) -> None:
    """Run the stage: write meshes, latents and a picture of new shapes.

    Raises:
        ValueError: for wrong input.
        FloatingPointError: if a field is not finite.
    """
    with open_trained(job, "sample") as trained:
        _sample(trained)


def _sample(trained: TrainedRun) -> None:
    config = trained.job.config
    settings = config.sample
    ends = settings.interpolate
    title = f"{slug(ends[0])}_to_{slug(ends[1])}" if ends else settings.prior
    shapes = ShapeFolder(trained.run.samples(trained.label, title), config.data.dim)
    latents = _latents(trained)
    if config.overwrite:
        shutil.rmtree(shapes.path, ignore_errors=True)
    finished = shapes.finished(_settings(trained))
    if not config.overwrite:
        finished.check_settings()
        if len(finished.shapes) == len(latents):
            log.info(
                "%d shapes exist already in %s; overwrite=true makes them anew",
                len(latents),
                shapes.path,
            )
            return
    renderer = build_renderer(config)
    pictures, names = [], []
    for number, latent in enumerate(show_progress(latents, "sample", len(latents))):
        name = f"{title}_{number:03d}"
        started = time.perf_counter()
        mesh = trained.extract(latent)
        shapes.write_latent(name, latent)
        shapes.write_mesh(name, mesh)
        seconds = round(time.perf_counter() - started, 3)
        finished.add(name, {"status": "empty" if mesh.is_empty else "ok", "seconds": seconds})
        names.append(f"{number:03d}")
        pictures.append(renderer.render(mesh))
    _draw(trained, title, pictures, names)
    empty = sum(entry["status"] == "empty" for entry in finished.shapes.values())
    log.info("%d shapes (%d empty) in %s", len(latents), empty, shapes.path)


def _latents(trained: TrainedRun) -> torch.Tensor:
    """Return the new latents: (B, L), or part latents (B, P, L + K)."""
    config = trained.job.config
    settings = config.sample
    latents = trained.model.latents
    every = latents.flatten()
    if settings.interpolate:
        one, other = (every[_find(trained, name)] for name in settings.interpolate)
        between = interpolate(one, other, settings.num_shapes, spherical=latents.spherical)
        return latents.unflatten(between)
    generator = torch.Generator().manual_seed(config.seed)
    if settings.prior == "pca":
        drawn = draw_pca(every, settings.num_shapes, settings.explained_variance, generator)
    else:
        drawn = draw_gaussian(every, settings.num_shapes, generator)
    return latents.unflatten(drawn)


def _find(trained: TrainedRun, name: str) -> int:
    if name not in trained.names:
        raise ValueError(
            f"sample.interpolate names '{name}', which is not a training shape of the run: "
            f"{nearest(name, trained.names, limit=5)}"
        )
    return trained.names.index(name)


def _settings(trained: TrainedRun) -> dict[str, Any]:
    config = trained.job.config
    settings: dict[str, Any] = {
        **fingerprint(config, {"mesh"}),
        "sample.num_shapes": config.sample.num_shapes,
        "step": trained.step,
    }
    if not config.sample.interpolate:
        settings["seed"] = config.seed
        if config.sample.prior == "pca":
            settings["sample.explained_variance"] = config.sample.explained_variance
    return settings


def _draw(trained: TrainedRun, title: str, pictures: list[np.ndarray], names: list[str]) -> None:
    for start in range(0, len(pictures), COLUMNS):
        part = slice(start, start + COLUMNS)
        suffix = f"_{start:03d}" if len(pictures) > COLUMNS else ""
        path = trained.run.renders / f"sample_{trained.label}_{title}{suffix}.png"
        image = image_grid([pictures[part]], column_titles=names[part], row_labels=[title])
        write_png(image, path)
        log.info("picture: %s", path)
