"""Poses of the parts of a shape: rotation, translation and scale."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from inr.shapes.mesh import Floats
from inr.shapes.normalize import Normalization

Flags = NDArray[np.bool_]


class Poses(NamedTuple):
    """Poses of a shape's P parts.

    A pose maps a part's canonical space to the shape's frame by scale, then rotation, then
    translation. An absent part has the identity pose.

    Args:
        rotations: (P, 4), unit quaternions, w first and not negative; in 2-D (P, 1), angles in
            radians, anticlockwise.
        translations: (P, D), translations.
        scales: (P, D), half-extents along the canonical axes, above 0.
        present: (P,), whether the shape has the part.
    """

    rotations: Floats
    translations: Floats
    scales: Floats
    present: Flags

    def normalised(self, normalization: Normalization) -> "Poses":
        """Return the poses in the box frame, given the native-to-box transform."""
        rows = self.present[:, None]
        turned = normalization.rotation @ rotation_matrices(self.rotations)
        return Poses(
            np.where(rows, rotations_of(turned), self.rotations),
            np.where(rows, normalization.apply(self.translations), self.translations),
            np.where(rows, normalization.scale * self.scales, self.scales),
            self.present,
        )


def no_rotation(dim: int) -> Floats:
    """Return the identity rotation: a quaternion (4,), or in 2-D an angle (1,)."""
    return np.zeros(1) if dim == 2 else np.array([1.0, 0.0, 0.0, 0.0])


def absent_poses(num_parts: int, dim: int) -> Poses:
    """Return poses with all parts absent."""
    return Poses(
        np.tile(no_rotation(dim), (num_parts, 1)),
        np.zeros((num_parts, dim)),
        np.ones((num_parts, dim)),
        np.zeros(num_parts, dtype=bool),
    )


def rotation_matrices(rotations: Floats) -> Floats:
    """Return matrices (P, D, D) of quaternions (P, 4) of any norm but 0, or of angles (P, 1)."""
    if rotations.shape[1] == 1:
        cos, sin = np.cos(rotations), np.sin(rotations)
        return np.concatenate([cos, -sin, sin, cos], axis=1).reshape(-1, 2, 2)
    matrices: Floats = Rotation.from_quat(np.roll(rotations, -1, axis=1)).as_matrix()
    return matrices.reshape(-1, 3, 3)


def rotations_of(matrices: Floats) -> Floats:
    """Return unit quaternions (P, 4), w first and not negative, or angles (P, 1) of matrices."""
    if matrices.shape[-1] == 2:
        return np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0])[:, None]
    quaternions = np.roll(Rotation.from_matrix(matrices).as_quat(), 1, axis=1)
    return np.where(quaternions[:, :1] < 0, -quaternions, quaternions)


def check_poses(
    rotations: Floats,
    translations: Floats,
    scales: Floats,
    present: Flags,
    *,
    where: str,
    in_box: bool,
) -> Poses:
    """Return validated poses: quaternions normalised, absent parts with the identity pose.

    Args:
        rotations: (P, 4), quaternions of any norm, or (P, 1), angles.
        translations: (P, D), translations.
        scales: (P, D), half-extents.
        present: (P,), whether the shape has the part; rows of absent parts may hold anything.
        where: source of the poses, named in messages.
        in_box: require translations in the box [-1, 1]^D.

    Raises:
        ValueError: if a present part has a non-finite value, a quaternion of norm 0, a scale not
            above 0, or (with `in_box`) a translation outside the box.
    """
    dim = translations.shape[1]
    rows = present[:, None]
    rotations = np.where(rows, rotations, no_rotation(dim))
    translations, scales = np.where(rows, translations, 0.0), np.where(rows, scales, 1.0)
    norms = np.linalg.norm(rotations, axis=1, keepdims=True)
    finite = np.isfinite(np.concatenate([rotations, translations, scales], axis=1)).all(axis=1)
    _refuse(~finite, where, "a non-finite pose; an absent part must have no mesh and no sample")
    if dim != 2:
        _refuse(norms[:, 0] == 0, where, "a quaternion of norm 0; w first, no rotation is 1 0 0 0")
        rotations = rotations / np.where(norms == 0, 1, norms)
        rotations = np.where(rotations[:, :1] < 0, -rotations, rotations)
    _refuse((scales <= 0).any(axis=1), where, "a scale that is not above 0 (half-extents)")
    outside = (np.abs(translations) > 1).any(axis=1)
    _refuse(
        outside & in_box, where, "its centre outside the box [-1, 1]^D; poses are in the box frame"
    )
    return Poses(rotations, translations, scales, present)


def _refuse(wrong: Any, where: str, why: str) -> None:
    if wrong.any():
        raise ValueError(f"{where}: part {int(np.argmax(wrong))} has {why}")
