"""Pinhole camera."""

from dataclasses import dataclass

import numpy as np

from inr.shapes.mesh import Floats


@dataclass(frozen=True)
class Camera:
    """Pinhole camera with a square image.

    Args:
        eye: position of the camera, box units.
        target: point at the centre of the image.
        up: direction that points upwards in the image.
        fov: full field of view, degrees.

    Raises:
        ValueError: if the eye is on the target, `up` is parallel to the view, or fov is not in
            (0, 180).
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
        """Return the unit vectors to the right, upwards and forwards as rows, (3, 3)."""
        forward = np.subtract(self.target, self.eye).astype(np.float64)
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, self.up)
        right /= np.linalg.norm(right)
        return np.stack([right, np.cross(right, forward), forward])

    def directions(self, columns: Floats, rows: Floats) -> Floats:
        """Return unit directions of the rays through points of the image.

        Args:
            columns: (N,), horizontal position from 0 (left edge) to 1 (right edge).
            rows: (N,), vertical position from 0 (top edge) to 1 (bottom edge).

        Returns:
            (N, 3).
        """
        half_width = np.tan(np.radians(self.fov) / 2)
        plane = np.stack(
            [(2 * columns - 1) * half_width, (1 - 2 * rows) * half_width, np.ones(len(columns))],
            axis=1,
        )
        length = np.sqrt(np.einsum("nd,nd->n", plane, plane))
        directions: Floats = plane @ self.axes() / length[:, None]
        return directions
