"""The similarity transform between a shape's native frame and the box [-1, 1]^D."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inr.files import open_arrays, replacing
from inr.shapes.mesh import Floats, Mesh


@dataclass(frozen=True)
class Normalization:
    """Similarity transform from native coordinates to the box: x' = R(x + T) S.

    Args:
        translation: T, (D,), in native units.
        rotation: R, (D, D), orthonormal with determinant 1.
        scale: S, box units per native unit, above 0.

    Raises:
        ValueError: if the scale is not above 0, or R is not a rotation.
    """

    translation: Floats
    rotation: Floats
    scale: float

    def __post_init__(self) -> None:
        dim = len(self.translation)
        assert self.translation.shape == (dim,) and dim in (2, 3), self.translation.shape
        assert self.rotation.shape == (dim, dim), self.rotation.shape
        if not np.isfinite(self.translation).all():
            raise ValueError(f"translation is {self.translation}; it must be finite")
        if not (np.isfinite(self.scale) and self.scale > 0):
            raise ValueError(f"scale is {self.scale}; it must be finite and above 0")
        orthonormal = np.allclose(self.rotation @ self.rotation.T, np.eye(dim), atol=1e-6)
        if not orthonormal or np.linalg.det(self.rotation) < 0:
            raise ValueError(
                f"rotation is {self.rotation.tolist()}; it must be orthonormal with determinant 1"
            )

    def apply(self, points: Floats) -> Floats:
        """Return points (N, D) of the native frame in the box frame."""
        moved: Floats = (points + self.translation) @ self.rotation.T * self.scale
        return moved

    def undo(self, points: Floats) -> Floats:
        """Return points (N, D) of the box frame in the native frame."""
        moved: Floats = (points / self.scale) @ self.rotation - self.translation
        return moved

    def apply_mesh(self, mesh: Mesh) -> Mesh:
        """Return a mesh of the native frame in the box frame."""
        return Mesh(self.apply(mesh.vertices), mesh.faces)

    def undo_mesh(self, mesh: Mesh) -> Mesh:
        """Return a mesh of the box frame in the native frame."""
        return Mesh(self.undo(mesh.vertices), mesh.faces)

    def save(self, path: Path) -> None:
        """Write T (D,), R (4, 4) and S () as .npz, atomically."""
        path.parent.mkdir(parents=True, exist_ok=True)
        dim = len(self.translation)
        rotation = np.eye(4)
        rotation[:dim, :dim] = self.rotation
        with replacing(path) as temporary:
            np.savez(temporary, T=self.translation, R=rotation, S=np.float64(self.scale))

    @classmethod
    def load(cls, path: Path) -> "Normalization":
        """Read a file that `save` wrote; D is the length of T.

        Raises:
            ValueError: if the file lacks T, R or S, or they are not a similarity transform.
        """
        try:
            with open_arrays(path) as file:
                translation = np.asarray(file["T"], dtype=np.float64).reshape(-1)
                embedded = np.asarray(file["R"], dtype=np.float64)
                scale = float(np.asarray(file["S"]).reshape(()))
            dim = len(translation)
            rotation = embedded[:dim, :dim]
            rest = np.eye(4)
            rest[:dim, :dim] = rotation
            if embedded.shape != (4, 4) or not np.allclose(embedded, rest):
                raise ValueError(f"R is {embedded.tolist()}, not a rotation in a 4x4 identity")
            return cls(translation, rotation, scale)
        # a truncated archive raises zipfile's own error, which is not an OSError
        except Exception as error:
            raise ValueError(
                f"cannot read '{path}' as a normalization with T (D,), R (4, 4) and S: {error}"
            ) from error


def fit_box(mesh: Mesh, extent: float = 0.9) -> Normalization:
    """Return the transform that centres a mesh's bounding box in [-1, 1]^D.

    Args:
        mesh: mesh in any frame.
        extent: longest half-extent of the box after the transform, box units.

    Raises:
        ValueError: if the mesh has no faces, is a single point, or is not finite.
    """
    if mesh.is_empty:
        raise ValueError("the mesh has no faces, so no bounding box to normalise")
    return fit_bounds(mesh.bounds, extent)


def fit_sphere(mesh: Mesh, extent: float) -> Normalization:
    """Return the transform that scales a mesh to a ball around the centre of its bounding box.

    As in DeepSDF (Park et al. 2019): the vertex furthest from that centre is moved to distance
    `extent` (1 / 1.03 in DeepSDF).

    Args:
        mesh: mesh in any frame.
        extent: radius of the ball, box units.

    Raises:
        ValueError: if the mesh has no faces, is a single point, or is not finite.
    """
    if mesh.is_empty:
        raise ValueError("the mesh has no faces, so no bounding sphere to normalise")
    return fit_ball(mesh.vertices[mesh.used()], extent)


def fit_ball(points: Floats, extent: float) -> Normalization:
    """Return the transform of `fit_sphere` for points (N, D).

    Raises:
        ValueError: if they coincide, or are not finite.
    """
    box = fit_bounds(np.stack([points.min(axis=0), points.max(axis=0)]), extent)
    # computed in the box frame: squares of native lengths may overflow or underflow
    furthest = float(np.linalg.norm(box.apply(points), axis=1).max())
    return Normalization(box.translation, box.rotation, box.scale * extent / furthest)


def fit_bounds(bounds: Floats, extent: float) -> Normalization:
    """Return the transform that centres a bounding box (2, D) in [-1, 1]^D.

    Points are translated before scaling, in float64, so the scale costs no precision, but the
    distance from the origin does: for a shape of size L at distance d the rounding error is about
    1e-16 d / L box units, or 6e-8 d / L if the file stores float32, as .stl and .glb do.

    Args:
        bounds: (2, D), lower and upper corner, in any frame.
        extent: longest half-extent of the box after the transform, box units.

    Raises:
        ValueError: if the box is a single point, or is not finite.
    """
    if extent <= 0:
        raise ValueError(f"extent is {extent}; it must be above 0, 0.9 for instance")
    lower, upper = bounds
    half = float((upper - lower).max()) / 2
    if not np.isfinite(half) or half == 0:
        raise ValueError(
            f"the shape spans {lower.tolist()} to {upper.tolist()}; normalisation needs finite "
            "vertices and an extent above 0"
        )
    return Normalization(-(lower / 2 + upper / 2), np.eye(len(lower)), extent / half)


def identity(dim: int) -> Normalization:
    """Return the identity transform of dimension `dim`."""
    return Normalization(np.zeros(dim), np.eye(dim), 1.0)
