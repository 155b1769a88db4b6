"""The pinhole camera of pictures and of views."""

from dataclasses import dataclass

import numpy as np

from inr.shapes.mesh import Floats


@dataclass(frozen=True)
class Camera:
    """Pinhole camera with a square picture.

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
