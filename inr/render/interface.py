"""Renderer interfaces: `Renderer` for meshes, `Renderer2D` for 2-D meshes and fields."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from inr.shapes.mesh import Floats, Mesh

Image = NDArray[np.uint8]
Color = Sequence[float]


class Renderer(ABC):
    """Base class of renderers of meshes in the box [-1, 1]^D.

    A new renderer is a subclass that draws meshes (`render_parts`) and sets the two attributes, and
    an entry `renderer.solid` (3-D) or `renderer.flat` (2-D, see `Renderer2D`) whose `_target_`
    names it; the other keys of that entry are the arguments of its constructor.

    Attributes:
        size: default width and height of an image in pixels.
        color: default mesh color: red, green and blue in [0, 1].
    """

    size: int
    color: Color

    @abstractmethod
    def render_parts(
        self, meshes: Sequence[Mesh], colors: Sequence[Color], *, size: int | None = None
    ) -> Image:
        """Draw meshes in one image, each in its color.

        Args:
            meshes: meshes in box units, of one dimension; if all are empty, the image says so.
            colors: color of each mesh: red, green and blue in [0, 1].
            size: width and height in pixels; None for `self.size`.

        Returns:
            (size, size, 3) uint8, the first row at the top.

        Raises:
            ValueError: if there is no mesh, the numbers of meshes and colors differ, the renderer
                cannot draw their dimension, or a size or color is out of range.
        """

    def render(self, mesh: Mesh, *, size: int | None = None, color: Color | None = None) -> Image:
        """Draw one mesh, by default in `self.color`; see `render_parts`."""
        return self.render_parts([mesh], [self.color if color is None else color], size=size)


class Renderer2D(Renderer):
    """Base class of renderers of 2-D meshes and fields."""

    @abstractmethod
    def render_field(
        self,
        values: Floats,
        *,
        surface: Mesh | None = None,
        ground_truth: Mesh | None = None,
        size: int | None = None,
    ) -> Image:
        """Draw a field over [-1, 1]^2 with its zero level set.

        Args:
            values: (R, R), values[i, j] at (x_i, y_j) of a uniform grid over [-1, 1]^2, endpoints
                included; negative inside.
            surface: a 2-D mesh to draw as the zero level set instead of the one contoured from
                `values`.
            ground_truth: a 2-D mesh whose outline is drawn on top.
            size: width and height in pixels; None for `self.size`.

        Returns:
            (size, size, 3) uint8, the first row at the top.

        Raises:
            ValueError: if the values are not a square grid of finite numbers, or a mesh is not 2-D.
        """


def check_color(color: Color) -> tuple[float, float, float]:
    """Return a color as three floats; raise ValueError unless it is three numbers in [0, 1]."""
    values = tuple(float(value) for value in color)
    if len(values) != 3 or not all(0 <= value <= 1 for value in values):
        raise ValueError(f"color {list(color)} is not red, green and blue, each from 0 to 1")
    return values[0], values[1], values[2]


def check_size(size: int) -> int:
    """Return the size of an image; raise ValueError unless it is at least one pixel."""
    if size < 1:
        raise ValueError(f"size is {size} pixels; give at least 1")
    return size


def check_dim(mesh: Mesh, dim: int, *, other: str) -> None:
    """Raise ValueError, suggesting the renderer `other`, unless the mesh has dimension `dim`."""
    if mesh.dim != dim:
        raise ValueError(f"this renderer draws {dim}-D meshes, not {mesh.dim}-D; use {other}")
