"""Volumetric intersection over union."""

import numpy as np

from inr.metrics.base import NotMeasuredError
from inr.shapes.mesh import Floats, Mesh
from inr.shapes.solids.occupancy import occupancy_on_grid


def iou(reconstruction: Mesh, ground_truth: Mesh, *, resolution: int = 128) -> float:
    """Return the intersection over union of two solids, in [0, 1].

    It is counted on the cell centres of a `resolution`^D grid over the joint bounding box; what
    is inside is defined by `occupancy_on_grid`. An empty reconstruction scores 0.

    Raises:
        NotMeasuredError: a ValueError, if no cell centre is inside the ground truth.
        ValueError: if the dimensions differ.
    """
    if reconstruction.dim != ground_truth.dim:
        raise ValueError(
            f"a reconstruction in {reconstruction.dim}-D cannot be held against a ground truth in "
            f"{ground_truth.dim}-D"
        )
    inside_ground_truth = np.zeros(0, dtype=bool)
    if not (reconstruction.is_empty and ground_truth.is_empty):
        lower, upper = joint_bounds(reconstruction, ground_truth)
        inside_ground_truth = occupancy_on_grid(ground_truth, lower, upper, resolution)
    if not inside_ground_truth.any():
        raise NotMeasuredError(
            f"ground truth has no inside: none of the {resolution}^{ground_truth.dim} cell centres "
            "is within it; "
            "check that it is closed and its faces are oriented outward, or raise the resolution"
        )
    inside = occupancy_on_grid(reconstruction, lower, upper, resolution)
    return float((inside & inside_ground_truth).sum() / (inside | inside_ground_truth).sum())


def joint_bounds(one: Mesh, other: Mesh) -> tuple[Floats, Floats]:
    """Return the lower and upper corner (D,) of two meshes, of which one may be empty."""
    bounds = [mesh.bounds for mesh in (one, other) if not mesh.is_empty]
    lower = np.min([corners[0] for corners in bounds], axis=0)
    upper = np.max([corners[1] for corners in bounds], axis=0)
    return lower, upper
