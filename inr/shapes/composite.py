"""A shape with the parts that it is made of."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from inr.shapes.mesh import Floats, Mesh
from inr.shapes.normalize import Normalization


@dataclass(frozen=True)
class Composite:
    """Hold a shape, its parts in the same frame, and each part's pose.

    A pose maps a part's canonical space to the shape's frame by scale, then rotation, then
    translation. An absent part is None, with translation 0, rotation identity and scale 1.

    Args:
        mesh: the whole, the closed boundary of the parts' union.
        parts: P meshes in the frame of `mesh`, or None where the shape lacks the part; empty for
            a shape without parts.
        quaternions: (P, 4), unit length, w first.
        translations: (P, 3).
        scales: (P, 3), along the canonical axes.
    """

    mesh: Mesh
    parts: list[Mesh | None]
    quaternions: Floats
    translations: Floats
    scales: Floats

    def __post_init__(self) -> None:
        num_parts = len(self.parts)
        assert self.quaternions.shape == (num_parts, 4), self.quaternions.shape
        assert self.translations.shape == (num_parts, 3), self.translations.shape
        assert self.scales.shape == (num_parts, 3), self.scales.shape

    def normalised(self, normalization: Normalization) -> "Composite":
        """Return the composite in the box frame: meshes and poses of present parts alike."""
        mesh = normalization.apply_mesh(self.mesh)
        if not self.parts:
            return Composite(mesh, [], self.quaternions, self.translations, self.scales)
        parts = [None if part is None else normalization.apply_mesh(part) for part in self.parts]
        present = np.array([part is not None for part in self.parts])[:, None]
        rotations = Rotation.from_matrix(normalization.rotation) * Rotation.from_quat(
            np.roll(self.quaternions, -1, axis=1)
        )
        return Composite(
            mesh,
            parts,
            np.where(present, np.roll(rotations.as_quat(), 1, axis=1), self.quaternions),
            np.where(present, normalization.apply(self.translations), self.translations),
            np.where(present, normalization.scale * self.scales, self.scales),
        )


def without_parts(mesh: Mesh) -> Composite:
    """Return a composite that is one mesh and names no parts."""
    return Composite(mesh, [], np.zeros((0, 4)), np.zeros((0, 3)), np.zeros((0, 3)))
