"""stage=edit: change one part of a shape, or interpolate it between two shapes."""

import logging
import shutil
from contextlib import suppress
from itertools import chain
from math import isfinite
from typing import Any

import numpy as np
import torch

from inr.config.compose import slug
from inr.config.factories import build_renderer
from inr.config.job import Job
from inr.config.schema import Edit
from inr.data.layout import read_split
from inr.data.settings import SPLITS
from inr.hints import nearest, shorten
from inr.models.latents import read_latents
from inr.models.parts.edits import (
    blend_part,
    move_part,
    remove_part,
    replace_part,
    scale_part,
    swap_part,
)
from inr.progress import show_progress
from inr.render.grid import image_grid, write_png
from inr.runs.directory import run_argument
from inr.runs.part_outputs import draw_parts, write_parts
from inr.runs.shape_folder import ShapeFolder
from inr.runs.trained import TrainedRun, open_trained
from inr.shapes.mesh import Mesh

log = logging.getLogger(__name__)

# the setting that each operation needs besides shape and part
OPERANDS = {"replace": "other", "swap": "other", "interpolate": "other"}
OPERANDS |= {"move": "offset", "scale": "factor", "remove": ""}


def edit(job: Job) -> None:
    """Run the stage: write meshes, parts, latents and a picture of the edited shapes.

    Raises:
        ValueError: for wrong input, such as a model without parts.
    """
    with open_trained(job, "edit") as trained:
        if not trained.model.has_parts:
            raise ValueError(
                f"'{trained.run.path}' has no parts to edit; train one with experiment=partsdf, or "
                "with model=partsdf latent=parts loss=parts"
            )
        _edit(trained, trained.job.config.shape)


def _edit(trained: TrainedRun, shape: str | None) -> None:
    config = trained.job.config
    settings = config.edit
    if shape is None:
        some = shorten(trained.names)
        raise ValueError(f"no shape is given; add shape=<name>, for example one of {some}")
    if settings.other == shape:
        raise ValueError(f"edit.other={shape} is the edited shape itself; name another")
    latent = find_latent(trained, shape)
    other = None if settings.other is None else find_latent(trained, settings.other)
    edited = apply_edit(latent, other, settings, dim=config.data.dim)
    title = _title(shape, settings)
    shapes = ShapeFolder(trained.run.edits(trained.label, title), config.data.dim)
    picture = trained.run.renders / f"edit_{trained.label}_{title}.png"
    if picture.exists() and not config.overwrite:  # the picture is written last
        raise ValueError(f"'{shapes.path}' exists already; overwrite=true makes it anew")
    shutil.rmtree(shapes.path, ignore_errors=True)
    renderer = build_renderer(config)
    before = [(shape, latent)]
    if other is not None and settings.operation != "interpolate":
        before.append((str(settings.other), other))
    shown = [*before, *((f"{title}_{number}", one) for number, one in enumerate(edited))]
    pictures = []
    for number, (name, one) in enumerate(show_progress(shown, "edit", len(shown))):
        parts = _write(trained, shapes, name, one)
        pictures.append(draw_parts(shapes, name, len(one), renderer))
        if number >= len(before):
            _warn_if_cut_off(name, settings.part, parts[settings.part])
            path = shapes.mesh(name)
            log.info("%s: %s", name, path if path.exists() else "no surface in the box [-1, 1]")
    made = ["edited"] if len(edited) == 1 else [f"edited {n}" for n in range(len(edited))]
    titles = [*(name for name, _ in before), *made]
    image = image_grid([pictures], column_titles=titles, row_labels=[settings.operation])
    write_png(image, picture)
    log.info("picture: %s", picture)


def apply_edit(
    latent: torch.Tensor, other: torch.Tensor | None, settings: Edit, *, dim: int
) -> list[torch.Tensor]:
    """Return the edited latents: two for swap, `steps` for interpolate, else one.

    Args:
        latent: (P, L + K), part latents of the shape.
        other: (P, L + K), part latents of the other shape, for operations that need one.
        settings: operation and its settings.
        dim: D, dimension of space.

    Raises:
        ValueError: if a setting that the operation needs is missing, or does not fit.
    """
    _check_settings(settings)
    part = settings.part
    if settings.operation == "remove":
        return [remove_part(latent, part)]
    if settings.operation == "move":
        return [move_part(latent, part, _numbers(settings.offset, "offset"), dim=dim)]
    if settings.operation == "scale":
        return [scale_part(latent, part, _numbers(settings.factor, "factor"), dim=dim)]
    assert other is not None
    if settings.operation == "replace":
        return [replace_part(latent, other, part, dim=dim, keep_pose=settings.keep_pose)]
    if settings.operation == "swap":
        return list(swap_part(latent, other, part))
    fractions = np.linspace(0, 1, settings.steps)
    return [blend_part(latent, other, part, float(fraction), dim=dim) for fraction in fractions]


def find_latent(trained: TrainedRun, name: str) -> torch.Tensor:
    """Return the part latents (P, L + K) of a shape, trained or fitted by stage=reconstruct.

    Raises:
        ValueError: if the shape has no latent.
    """
    if name in trained.names:
        index = torch.tensor([trained.names.index(name)], device=trained.device)
        return trained.model.latents(index)[0].detach()
    size = tuple(trained.model.latents.raw().shape[1:])
    others: dict[str, list[str]] = {}
    for split in SPLITS:
        folder = trained.run.reconstruction(trained.label, split)
        shapes = ShapeFolder(folder, trained.job.config.data.dim)
        if shapes.latent(name).exists():
            return read_latents(shapes.latents, [name], size)[0].to(trained.device)
        with suppress(ValueError):  # a split may be empty or missing
            others[split] = read_split(trained.layout, split)
    for split, names in others.items():
        if name in names:
            raise ValueError(
                f"'{name}' is in the {split} split and not reconstructed yet; run "
                f"stage=reconstruct {run_argument(trained.run.path)} split={split}"
            )
    known = [*trained.names, *chain(*others.values())]
    raise ValueError(f"there is no shape '{name}': {nearest(name, known, limit=5)}")


def _write(
    trained: TrainedRun, shapes: ShapeFolder, name: str, latent: torch.Tensor
) -> list[Mesh | None]:
    """Write mesh, latent and parts of a shape; return the meshes of the parts."""
    shapes.write_mesh(name, trained.extract(latent))
    shapes.write_latent(name, latent)
    return write_parts(trained, shapes, name, latent)


def _warn_if_cut_off(name: str, part: int, mesh: Mesh | None) -> None:
    """Warn if a part extends beyond the box [-1, 1]^D, outside which the field is not defined."""
    if mesh is None:  # the part is absent
        return
    if mesh.is_empty:
        log.warning("%s: part %d has no surface in the box [-1, 1]", name, part)
    elif np.abs(mesh.vertices).max() >= 1:
        log.warning("%s: part %d is cut off at the box [-1, 1]", name, part)


def _check_settings(settings: Edit) -> None:
    """Check that an operation has the setting that it needs, and none that it would ignore."""
    needed = OPERANDS[settings.operation]
    if needed and getattr(settings, needed) is None:
        raise ValueError(f"edit.operation={settings.operation} needs edit.{needed}")
    for key in {*OPERANDS.values()} - {"", needed}:
        if getattr(settings, key) is not None:
            raise ValueError(
                f"edit.operation={settings.operation} takes no edit.{key}; leave it out"
            )
    if settings.keep_pose and settings.operation != "replace":
        raise ValueError(
            f"edit.keep_pose goes with edit.operation=replace, not {settings.operation}"
        )


def _title(shape: str, settings: Edit) -> str:
    """Return the folder name of an edit, which describes it."""
    needed = OPERANDS[settings.operation]
    value = getattr(settings, needed) if needed else ""
    if isinstance(value, list):
        value = ",".join(map(str, value))
    if settings.operation == "replace" and settings.keep_pose:
        value = f"{value}_in_place"
    if settings.operation == "interpolate":
        value = f"{value}_in_{settings.steps}"
    return slug(f"{shape}_{settings.operation}_part{settings.part}_{value}".rstrip("_"))


def _numbers(value: Any, key: str) -> torch.Tensor:
    """Return a number as a tensor (), or a list of numbers as a tensor (N,).

    Raises:
        ValueError: if the value is neither.
    """
    entries = value if isinstance(value, list) else [value]
    for entry in entries:
        if isinstance(entry, bool) or not isinstance(entry, int | float) or not isfinite(entry):
            raise ValueError(f"edit.{key} is {value}; it has to be a number, or a list of numbers")
    return torch.tensor(value, dtype=torch.float32)
