"""Where the parts of a shape are: rotation, translation and scale."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from inr.shapes.mesh import Floats

Flags = NDArray[np.bool_]


class Poses(NamedTuple):
    """Hold the poses of a shape's P parts.

    A pose maps a part's canonical space to the box frame by scale, then rotation, then
    translation. An absent part has translation 0, no rotation and scale 1.

    Args:
        rotations: (P, 4) unit quaternions, w first and not negative; in 2-D (P, 1) angles,
            radians, anticlockwise.
        translations: (P, D), box units.
        scales: (P, D), above 0: half-extents along the canonical axes.
        present: (P,), whether the shape has the part.
    """

    rotations: Floats
    translations: Floats
    scales: Floats
    present: Flags


def check_poses(
    rotations: Floats, translations: Floats, scales: Floats, present: Flags, *, where: str
) -> Poses:
    """Return poses with unit quaternions and with rows of absent parts that are no pose at all.

    Args:
        rotations: (P, 4) quaternions of any norm, or (P, 1) angles.
        translations: (P, D).
        scales: (P, D).
        present: (P,); the other rows may hold anything, NaN say.
        where: what messages name.

    Raises:
        ValueError: if of a part that is present a value is not finite, a quaternion has norm 0, a
            scale is not above 0, or the middle lies outside the box [-1, 1]^D.
    """
    is_flat = rotations.shape[1] == 1
    still = np.zeros(1) if is_flat else np.array([1.0, 0.0, 0.0, 0.0])
    rows = present[:, None]
    rotations = np.where(rows, rotations, still)
    translations, scales = np.where(rows, translations, 0.0), np.where(rows, scales, 1.0)
    norms = np.linalg.norm(rotations, axis=1, keepdims=True)
    finite = np.isfinite(np.concatenate([rotations, translations, scales], axis=1)).all(axis=1)
    _refuse(~finite, where, "a pose that is not finite; an absent part needs no mesh and no sample")
    if not is_flat:
        _refuse(norms[:, 0] == 0, where, "a quaternion of norm 0; w first, no rotation is 1 0 0 0")
        rotations = rotations / np.where(norms == 0, 1, norms)
        rotations = np.where(rotations[:, :1] < 0, -rotations, rotations)
    _refuse((scales <= 0).any(axis=1), where, "a scale that is not above 0 (half-extents)")
    outside = (np.abs(translations) > 1).any(axis=1)
    _refuse(outside, where, "its middle outside the box [-1, 1]^D; poses are in the box frame")
    return Poses(rotations, translations, scales, present)


def _refuse(wrong: Any, where: str, why: str) -> None:
    if wrong.any():
        raise ValueError(f"{where}: part {int(np.argmax(wrong))} has {why}")
