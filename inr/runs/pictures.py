"""Pictures of shapes: the ground truth, the reconstruction and the field."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from inr.data.layout import Layout
from inr.models.inr import INR
from inr.reconstruct import field_of
from inr.render import GROUND_TRUTH_COLOR, ShapeRenderer
from inr.render.cuts import cut_soup, draw_cut
from inr.render.grid import image_grid, write_png
from inr.render.interface import Image
from inr.render.slices import cross_section, slice_values
from inr.runs.ground_truth import ground_truth_mesh
from inr.shapes.mesh import Mesh, empty_mesh, mesh_suffix, read_soup

log = logging.getLogger(__name__)

NUM_WORST = 8
FIELD_RESOLUTION = 128
# width and height of the pictures of soups in pixels: a shell 0.02 thick has 4
SOUP_SIZE = 384
AXIS = 2  # the slice of a 3-D field is at z = 0


def picture_rows(dim: int, name: str) -> list[str]:
    """Return the row labels of the pictures of `draw_shape`."""
    key = "(black; ground truth\nin green)"
    return (
        ["ground truth", f"{name}\n{key}"]
        if dim == 2
        else ["ground truth", name, f"field, z = 0\n{key}"]
    )


def draw_shape(
    model: INR, latent: torch.Tensor, mesh: Mesh, ground_truth: Mesh, renderer: ShapeRenderer
) -> list[Image]:
    """Draw the ground truth; in 3-D the surface and a slice of the field, in 2-D the whole field.

    Args:
        model: model that gives the field.
        latent: (L,), latent of the shape.
        mesh: zero level set of the field, in the box frame.
        ground_truth: ground truth mesh in the box frame; may be empty.
        renderer: renderer of the pictures.
    """
    pictures = [renderer.render(ground_truth, color=GROUND_TRUTH_COLOR)]
    if mesh.dim == 2:
        return [*pictures, _draw_field_2d(model, latent, mesh, ground_truth, renderer)]
    field = field_of(model, latent)
    values = slice_values(field, axis=AXIS, offset=0.0, resolution=FIELD_RESOLUTION)
    outline = cross_section(ground_truth, axis=AXIS, offset=0.0)
    size = len(pictures[0])  # the 2-D renderer may have another default size
    section = renderer.flat.render_field(values, ground_truth=outline, size=size)
    return [*pictures, renderer.render(mesh), section]


def draw_worst(
    rows: Sequence[Mapping[str, Any]],
    metric: str,
    higher_is_better: bool,
    read: Callable[[str], tuple[Mesh, Mesh]],
    renderer: ShapeRenderer,
    path: Path,
) -> None:
    """Draw the shapes with the worst values of a metric below their ground truth.

    Args:
        rows: one row per shape; empty shapes come first, others without a value are left out.
        metric: metric by which shapes are sorted.
        higher_is_better: whether a higher value of the metric is better.
        read: function from a shape's name to its ground truth and reconstruction, box frame.
        renderer: renderer of the pictures.
        path: path of the PNG.
    """
    empty = [row for row in rows if row["status"] == "empty"]
    measured = [row for row in rows if row["status"] == "ok" and row.get(metric) is not None]
    measured.sort(key=lambda row: row[metric], reverse=not higher_is_better)
    worst = [*empty, *measured][:NUM_WORST]
    if not worst:
        return
    pairs = [read(row["name"]) for row in worst]
    image = image_grid(
        [
            [renderer.render(ground_truth, color=GROUND_TRUTH_COLOR) for ground_truth, _ in pairs],
            [renderer.render(mesh) for _, mesh in pairs],
        ],
        column_titles=[
            f"{'empty' if row['status'] == 'empty' else format(row[metric], '.3g')}  {row['name']}"
            for row in worst
        ],
        row_labels=["ground truth", f"worst by\n{metric}"],
    )
    write_png(image, path)
    log.info("the worst by %s: %s", metric, path)


def _draw_field_2d(
    model: INR, latent: torch.Tensor, mesh: Mesh, ground_truth: Mesh, renderer: ShapeRenderer
) -> Image:
    side = np.linspace(-1, 1, FIELD_RESOLUTION)
    grid = np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1)
    values = field_of(model, latent)(grid.reshape(-1, 2)).reshape(grid.shape[:2])
    return renderer.flat.render_field(values, surface=mesh, ground_truth=ground_truth)


def draw_soups(
    layout: Layout,
    enclosures: Mapping[str, Mapping[str, float]],
    dim: int,
    renderer: ShapeRenderer,
) -> Image:
    """Draw triangle soups as they were given, their solids, and a cut through both.

    Args:
        layout: layout of the data set.
        enclosures: entry `enclosure` in manifest.json of each soup, by name.
        dim: D.
        renderer: renderer of the meshes.
    """
    rows, captions = [], []
    for name, soup in enclosures.items():
        suffix = mesh_suffix(dim)
        given = _read_if_there(layout.given_mesh(name, suffix), dim)
        visible = _read_if_there(layout.visible_mesh(name, suffix), dim)
        solid = ground_truth_mesh(layout, name, dim)
        *sections, plane = cut_soup(given, solid, visible)
        first = (
            draw_cut(given, empty_mesh(dim), size=SOUP_SIZE)
            if dim == 2  # lines that may be open
            else renderer.render(given, size=SOUP_SIZE, color=GROUND_TRUTH_COLOR)
        )
        cut = draw_cut(*sections, size=SOUP_SIZE)
        rows.append([first, renderer.render(solid, size=SOUP_SIZE), cut])
        captions.append(
            [
                ", ".join(f"{kind} {soup[kind]:.1%}" for kind in ("wall", "sheet", "buried")),
                f"bridged {soup['bridged']:.1%}, held by gaps {soup['held_by_gaps']:.1%}",
                f"{plane}given at most {soup['max_distance']:.3f} off",
            ]
        )
    return image_grid(
        rows,
        column_titles=["given", "solid", "cut"],
        row_labels=[name[:24] for name in enclosures],
        captions=captions,
        font_size=16,
    )


def _read_if_there(path: Path, dim: int) -> Mesh:
    return read_soup(path) if path.exists() else empty_mesh(dim)
