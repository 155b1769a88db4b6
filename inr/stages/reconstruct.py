"""stage=reconstruct: meshes of a split, from trained latents or from latents that are fitted."""

import logging
import time
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from inr.config.factories import build_fitting, build_losses, build_renderer
from inr.config.fingerprint import fingerprint
from inr.config.job import Job
from inr.config.schema import Config
from inr.data.deepsdf_layout import read_normalization
from inr.data.layout import read_trained_split
from inr.progress import show_progress
from inr.reconstruct import field_of
from inr.render.grid import image_grid, write_png
from inr.render.slices import slice_row
from inr.runs.ground_truth import ground_truth_mesh
from inr.runs.part_outputs import draw_parts, write_parts
from inr.runs.pictures import AXIS, FIELD_RESOLUTION, draw_shape, picture_rows
from inr.runs.shape_folder import ShapeFolder
from inr.runs.trained import TrainedRun, open_trained
from inr.shapes.mesh import Mesh, write_mesh
from inr.stages.prepare.prepare import ensure_prepared
from inr.training.allocator import keep_freed_memory

log = logging.getLogger(__name__)

NUM_PICTURES = 8
SLICES = (-0.6, -0.3, 0.0, 0.3, 0.6)  # z of the slices of the first shape


def reconstruct(job: Job) -> None:
    """Run the stage.

    Raises:
        ValueError: for wrong input.
        FloatingPointError: if a latent or a field is not finite.
    """
    with open_trained(job, "reconstruct") as trained:
        if trained.device.type == "cpu":
            keep_freed_memory()
        ensure_prepared(trained.job)
        for split in trained.job.splits:
            _reconstruct_split(trained, split)


def _reconstruct_split(trained: TrainedRun, split: str) -> None:
    config = trained.job.config
    names = read_trained_split(trained.layout, split, trained.names)
    shapes = ShapeFolder(trained.run.reconstruction(trained.label, split), config.data.dim)
    finished = shapes.finished(_settings(config, split) | {"step": trained.step})
    if not config.overwrite:
        finished.check_settings()
    todo = [name for name in names if config.overwrite or name not in finished.shapes]
    log.info(
        "reconstruct %s of epoch %d: %d shapes, %d of them finished earlier",
        split,
        trained.epoch,
        len(names),
        len(names) - len(todo),
    )
    if not todo:
        _export(trained, names, shapes)
        return
    size = config.reconstruct.shapes_per_batch
    for start in range(0, len(todo), size):
        batch = todo[start : start + size]
        started = time.perf_counter()
        latents = _latents(trained, split, batch)
        fit_seconds = (time.perf_counter() - started) / len(batch)
        for name, latent, mesh, seconds in _decode(trained, batch, latents):
            shapes.write_latent(name, latent)
            shapes.write_mesh(name, mesh)
            if trained.model.has_parts:
                write_parts(trained, shapes, name, latent)
            reason = "the field has the same sign on the whole grid" if mesh.is_empty else ""
            finished.add(
                name,
                {
                    "status": "empty" if mesh.is_empty else "ok",
                    "reason": reason,
                    "seconds": round(fit_seconds + seconds, 3),
                    "time": round(time.time(), 3),
                },
            )
    _export(trained, names, shapes)
    statuses = [finished.shapes[name]["status"] for name in names]
    if statuses.count("empty") == len(names):
        log.warning(
            "every reconstruction is empty: the field has the same sign everywhere; train longer, "
            "or look at the pictures"
        )
    _draw(trained, split, names, shapes)


def _export(trained: TrainedRun, names: Sequence[str], shapes: ShapeFolder) -> None:
    """Write the meshes in the native frame as well if eval.frame=native."""
    if trained.job.config.eval.frame != "native":
        return
    for name in names:
        exported = shapes.native_mesh(name)
        exported.unlink(missing_ok=True)
        if shapes.mesh(name).exists():
            normalization = read_normalization(trained.layout.normalization(name))
            write_mesh(normalization.undo_mesh(shapes.read_mesh(name)), exported)
    log.info("meshes in their native frame: %s", shapes.native_meshes)


def _latents(trained: TrainedRun, split: str, names: Sequence[str]) -> torch.Tensor:
    config = trained.job.config
    if split == "train":
        unknown = [name for name in names if name not in trained.names]
        if unknown:
            raise ValueError(
                f"'{unknown[0]}' is in the training split but has no latent in the checkpoint: the "
                "split has changed since the run was trained"
            )
        index = [trained.names.index(name) for name in names]
        return trained.model.latents(torch.tensor(index, device=trained.device)).detach()
    if config.latent["dim"] == 0 and not trained.model.has_parts:
        raise ValueError(
            f"latent=none has no latent to fit to the {split} split: the network is the one "
            "training shape; use split=train"
        )
    iterations = config.reconstruct.iterations
    log.info("fitting %d latents, %d iterations", len(names), iterations)
    fitting = build_fitting(config, trained.layout, build_losses(config))
    return fitting.fit(
        trained.model,
        fitting.open(names, trained.device),
        iterations=iterations,
        progress=f"fit {len(names)} latents",
    )


def _decode(
    trained: TrainedRun, names: Sequence[str], latents: torch.Tensor
) -> Iterator[tuple[str, torch.Tensor, Mesh, float]]:
    pairs = zip(names, latents, strict=True)
    for name, latent in show_progress(pairs, "extract", len(names)):
        started = time.perf_counter()
        mesh = trained.extract(latent)
        yield name, latent, mesh, time.perf_counter() - started


def _settings(config: Config, split: str) -> dict[str, Any]:
    """Return the settings that the reconstructions of a split depend on."""
    of = {"mesh"}
    if split != "train":
        of.add("fit")
        if config.num_parts is not None:
            of.add("fit_parts")
        if build_losses(config).needs & {"surface", "space"}:
            of.add("fit_surface")
    return fingerprint(config, of)


def _draw(trained: TrainedRun, split: str, names: Sequence[str], shapes: ShapeFolder) -> None:
    renderer = build_renderer(trained.job.config)
    dim = shapes.dim
    num_parts = trained.model.latents.num_parts
    shown = names[:NUM_PICTURES]
    columns = []
    for name in shown:
        mesh = shapes.read_mesh(name)
        latent = shapes.read_latent(name).to(trained.device)
        ground_truth = ground_truth_mesh(trained.layout, name, dim)
        columns.append(draw_shape(trained.model, latent, mesh, ground_truth, renderer))
        if num_parts is not None:
            columns[-1].append(draw_parts(shapes, name, num_parts, renderer))
    labels = picture_rows(dim, "reconstruction") + ["parts"] * (num_parts is not None)
    image = image_grid(list(zip(*columns, strict=True)), column_titles=shown, row_labels=labels)
    picture = trained.run.renders / f"reconstruction_{trained.label}_{split}.png"
    write_png(image, picture)
    log.info("picture: %s", picture)
    if dim == 3:
        image = slice_row(
            field_of(trained.model, shapes.read_latent(shown[0]).to(trained.device)),
            renderer.flat,
            axis=AXIS,
            offsets=SLICES,
            resolution=FIELD_RESOLUTION,
            ground_truth=ground_truth_mesh(trained.layout, shown[0], dim),
        )
        write_png(image, picture.with_name(f"slices_{trained.label}_{split}.png"))
