"""Interfaces of what draws shapes: `Renderer`, and `FlatRenderer` for 2-D."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from inr.shapes.mesh import Floats, Mesh

Image = NDArray[np.uint8]
Color = Sequence[float]


class Renderer(ABC):
    """Base class of what turns meshes in the box [-1, 1]^D into a picture.

    A new renderer is a subclass that draws meshes (`render_parts`) and sets the two attributes, and
    an entry `renderer.solid` (3-D) or `renderer.flat` (2-D, see `FlatRenderer`) whose `_target_`
    names it; the other keys of that entry are its constructor's arguments.

    Attributes:
        size: width and height of a picture in pixels, where a call gives none.
        color: of a mesh, where a call gives none: red, green and blue in [0, 1].
    """

    size: int
    color: Color

    @abstractmethod
    def render_parts(
        self, meshes: Sequence[Mesh], colors: Sequence[Color], *, size: int | None = None
    ) -> Image:
        """Draw meshes in one picture, each in its color.

        Args:
            meshes: in box units, all of one dimension; where all are empty, the picture says so.
            colors: one for each mesh: red, green and blue in [0, 1].
            size: width and height in pixels; None takes `self.size`.

        Returns:
            (size, size, 3) uint8, the first row on top.

        Raises:
            ValueError: if there is no mesh, not one color for each, the renderer cannot draw their
                dimension, or a size or color is out of range.
        """

    def render(self, mesh: Mesh, *, size: int | None = None, color: Color | None = None) -> Image:
        """Draw one mesh, in `self.color` where no other is given; see `render_parts`."""
        return self.render_parts([mesh], [self.color if color is None else color], size=size)


class FlatRenderer(Renderer):
    """Base class of what draws 2-D meshes, and 2-D fields."""

    @abstractmethod
    def render_field(
        self,
        values: Floats,
        *,
        surface: Mesh | None = None,
        ground_truth: Mesh | None = None,
        size: int | None = None,
    ) -> Image:
        """Draw a field over [-1, 1]^2 with its zero level.

        Args:
            values: (R, R), values[i, j] at (x_i, y_j) of an even grid over [-1, 1]^2 with both
                ends; negative inside.
            surface: the zero level where it is known better than from these values, a 2-D mesh.
            ground_truth: a 2-D mesh whose outline is drawn over it.
            size: width and height in pixels; None takes `self.size`.

        Returns:
            (size, size, 3) uint8, the first row on top.

        Raises:
            ValueError: if the values are not a square grid of finite numbers, or a mesh is not 2-D.
        """


def check_color(color: Color) -> tuple[float, float, float]:
    """Return a color as three floats; ValueError unless it is three numbers in [0, 1]."""
    values = tuple(float(value) for value in color)
    if len(values) != 3 or not all(0 <= value <= 1 for value in values):
        raise ValueError(f"color {list(color)} is not red, green and blue, each from 0 to 1")
    return values[0], values[1], values[2]


def check_size(size: int) -> int:
    """Return a picture's size; ValueError unless it is at least one pixel."""
    if size < 1:
        raise ValueError(f"size is {size} pixels; give at least 1")
    return size


def check_dim(mesh: Mesh, dim: int, *, other: str) -> None:
    """Raise ValueError unless the mesh is of dimension `dim`, naming the `other` renderer."""
    if mesh.dim != dim:
        raise ValueError(f"this renderer draws {dim}-D meshes, not {mesh.dim}-D; use {other}")
