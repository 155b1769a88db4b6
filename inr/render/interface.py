"""What every renderer takes and gives, and the camera they share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from inr.shapes.mesh import Floats, Mesh

Image = NDArray[np.uint8]
Color = Sequence[float]


@runtime_checkable
class Renderer(Protocol):
    """Turn a mesh in the box [-1, 1]^D into a picture."""

    def render(self, mesh: Mesh, *, size: int | None = None, color: Color | None = None) -> Image:
        """Draw one mesh.

        Args:
            mesh: in box units; an empty one gives a picture that says so.
            size: width and height in pixels; None takes the renderer's own.
            color: red, green and blue in [0, 1]; None takes the renderer's own.

        Returns:
            (size, size, 3) uint8, the first row on top.

        Raises:
            ValueError: if the renderer cannot draw the mesh's dimension, or on a bad size or color.
        """
        ...

    def render_parts(
        self, meshes: Sequence[Mesh], colors: Sequence[Color], *, size: int | None = None
    ) -> Image:
        """Draw several meshes in one picture, each in its colour; see `render`.

        Raises:
            ValueError: if there is no mesh, or not one colour for each.
        """
        ...


@runtime_checkable
class FlatRenderer(Renderer, Protocol):
    """Draw 2-D meshes, and 2-D fields."""

    def render_field(
        self,
        values: Floats,
        *,
        surface: Mesh | None = None,
        ground_truth: Mesh | None = None,
        size: int | None = None,
    ) -> Image:
        """Draw a field (R, R) over [-1, 1]^2 with its zero level; see `Contour.render_field`."""
        ...


@dataclass(frozen=True)
class Camera:
    """Describe a pinhole camera with a square picture.

    Args:
        eye: where the camera stands, box units.
        target: the point in the middle of the picture.
        up: the direction that points upwards in the picture.
        fov: the full angle of view, degrees.

    Raises:
        ValueError: if the eye is on the target, `up` is along the view, or fov is not in (0, 180).
    """

    eye: tuple[float, float, float]
    target: tuple[float, float, float]
    up: tuple[float, float, float]
    fov: float

    def __post_init__(self) -> None:
        forward = np.subtract(self.target, self.eye)
        if not np.linalg.norm(np.cross(forward, self.up)) > 0:
            raise ValueError(
                f"camera eye {self.eye}, target {self.target} and up {self.up} give no view; "
                "eye and target must differ and up must not be parallel to the line between them"
            )
        if not 0 < self.fov < 180:
            raise ValueError(f"camera fov is {self.fov} degrees; give one between 0 and 180")

    def axes(self) -> Floats:
        """Return the unit vectors to the right, upwards and forwards, (3, 3), one a row."""
        forward = np.subtract(self.target, self.eye).astype(np.float64)
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, self.up)
        right /= np.linalg.norm(right)
        return np.stack([right, np.cross(right, forward), forward])

    def directions(self, columns: Floats, rows: Floats) -> Floats:
        """Return unit directions of the rays through points of the picture.

        Args:
            columns: (N,) from 0 (left edge) to 1 (right edge).
            rows: (N,) from 0 (top edge) to 1 (bottom edge).

        Returns:
            (N, 3).
        """
        reach = np.tan(np.radians(self.fov) / 2)
        plane = np.stack(
            [(2 * columns - 1) * reach, (1 - 2 * rows) * reach, np.ones(len(columns))], axis=1
        )
        length = np.sqrt(np.einsum("nd,nd->n", plane, plane))
        directions: Floats = plane @ self.axes() / length[:, None]
        return directions


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
