"""Pictures of a shape: the truth, the surface, and the field itself."""

import numpy as np
import torch

from inr.models.inr import INR
from inr.reconstruct import field_of
from inr.render import TRUTH_COLOR, ByDimension
from inr.render.interface import Image
from inr.render.slices import cross_section, slice_values
from inr.shapes.mesh import Mesh

FIELD_RESOLUTION = 128
AXIS = 2  # a 3-D field is cut in the middle, where z = 0


def picture_rows(dim: int, name: str) -> list[str]:
    """Return what the pictures of `draw_shape` show, one below the other."""
    key = "(black; truth\nin green)"
    return ["truth", f"{name}\n{key}"] if dim == 2 else ["truth", name, f"field, z = 0\n{key}"]


def draw_shape(
    model: INR, code: torch.Tensor, mesh: Mesh, truth: Mesh, renderer: ByDimension
) -> list[Image]:
    """Draw the truth, and in 3-D the surface and a slice of the field, in 2-D the whole field.

    Args:
        model: gives the field.
        code: (L,), of the shape.
        mesh: the zero level of the field, in the box frame.
        truth: in the box frame; may be empty.
        renderer: draws.
    """
    pictures = [renderer.render(truth, color=TRUTH_COLOR)]
    if mesh.dim == 2:
        return [*pictures, _draw_flat(model, code, mesh, truth, renderer)]
    field = field_of(model, code)
    values = slice_values(field, axis=AXIS, offset=0.0, resolution=FIELD_RESOLUTION)
    outline = cross_section(truth, axis=AXIS, offset=0.0)
    size = len(pictures[0])  # renderers of either dimension may differ in theirs
    cut = renderer.flat.render_field(values, truth=outline, size=size)
    return [*pictures, renderer.render(mesh), cut]


def _draw_flat(
    model: INR, code: torch.Tensor, mesh: Mesh, truth: Mesh, renderer: ByDimension
) -> Image:
    side = np.linspace(-1, 1, FIELD_RESOLUTION)
    grid = np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1)
    values = field_of(model, code)(grid.reshape(-1, 2)).reshape(grid.shape[:2])
    return renderer.flat.render_field(values, surface=mesh, truth=truth)
