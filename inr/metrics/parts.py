"""Intersection over union of parts: each point inside a shape belongs to one of its parts."""

from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from inr.metrics.base import Conditions, Metric, MetricInfo, NotMeasuredError
from inr.metrics.pair import Pair, Parts
from inr.metrics.requirements import require_reconstruction, require_solid
from inr.metrics.volumes import joint_bounds
from inr.shapes.mesh import Floats, Ints, Mesh
from inr.shapes.sdf import unsigned_distance
from inr.shapes.solids.occupancy import cell_centres, occupancy_on_grid


class PartOverlap(NamedTuple):
    """Intersection over union of each part.

    Args:
        mean: mean over the parts that own a cell in either shape.
        ious: (P,), IoU of each part of the ground truth; NaN if it owns no cell in either shape.
        matches: (P,), part of the reconstruction that it is compared with; -1 for none.
    """

    mean: float
    ious: Floats
    matches: Ints


class PartIoU(Metric):
    """Mean intersection over union of the parts; see `part_iou`.

    PartSDF (Talabot et al., 2025) compares the meshes of the parts as they are. Here each cell of a
    shape is assigned to one of its parts, so that overlaps of parts count once. Parts that neither
    shape has are left out; in PartSDF they count as 1.

    Args:
        resolution: number of cells along each axis.
        matched: whether parts are matched by the assignment with the largest sum of IoUs, because
            their numbers have no meaning.
    """

    def __init__(self, *, resolution: int, matched: bool) -> None:
        if resolution < 1:
            raise ValueError(f"resolution is {resolution}; it has to be at least 1")
        self.resolution = resolution
        self.matched = matched

    def info(self, conditions: Conditions) -> MetricInfo:
        """Return unit and definition."""
        which = "parts assigned for the largest sum" if self.matched else "parts of equal number"
        text = (
            f"mean over {which} of the intersection over union on the cell centres of "
            f"{self.resolution} cells along each axis of the joint bounding box; a centre inside a "
            "shape belongs to the part with the smallest signed distance; a part that one shape "
            "lacks counts 0"
        )
        return MetricInfo("fraction", text)

    def measure(self, pair: Pair) -> float:
        """Return the value."""
        try:
            sides = pair.parts()
            if sides is None:
                raise NotMeasuredError("the data set has no parts")
            return part_iou(
                *sides,
                require_reconstruction(pair),
                require_solid(pair),
                resolution=self.resolution,
                matched=self.matched,
            ).mean
        except ValueError as error:  # invalid parts must not prevent the other metrics
            raise NotMeasuredError(str(error)) from error


def part_iou(
    reconstruction: Parts,
    ground_truth: Parts,
    whole_reconstruction: Mesh,
    whole_ground_truth: Mesh,
    *,
    resolution: int = 128,
    matched: bool = False,
) -> PartOverlap:
    """Return the intersection over union of parts, on a grid over the joint bounding box.

    Each cell centre inside a whole shape belongs to one of its parts (`label_cells`). A part that
    owns cells in one of the shapes only scores 0; one that owns none in either is left out.

    Args:
        reconstruction: parts of the reconstruction, None or an empty mesh for an absent one.
        ground_truth: parts of the ground truth, likewise.
        whole_reconstruction: whole reconstruction; may be empty.
        whole_ground_truth: whole ground truth.
        resolution: number of cells along each axis.
        matched: whether parts are matched by the assignment with the largest sum of IoUs (Kuhn,
            1955) instead of by number; unmatched parts of either shape score 0.

    Raises:
        NotMeasuredError: a ValueError, if no cell centre is inside the ground truth, or it has no
            parts.
        ValueError: if the shapes have different numbers of parts without `matched`, or dimensions
            differ.
    """
    _check(reconstruction, ground_truth, whole_reconstruction, whole_ground_truth, matched=matched)
    if whole_ground_truth.is_empty:
        raise NotMeasuredError("the ground truth has no inside")
    lower, upper = joint_bounds(whole_reconstruction, whole_ground_truth)
    labels, labels_ground_truth = (
        label_cells(parts, whole, lower, upper, resolution).ravel()
        for parts, whole in (
            (reconstruction, whole_reconstruction),
            (ground_truth, whole_ground_truth),
        )
    )
    if not (labels_ground_truth >= 0).any():
        raise NotMeasuredError(
            f"none of the {resolution}^{whole_ground_truth.dim} cell centres belongs to a part of "
            "the ground truth; check that its whole is closed, or raise the resolution"
        )
    counts = _count_cells(labels_ground_truth, labels, len(ground_truth), len(reconstruction))
    sizes_ground_truth, sizes = counts.sum(axis=1)[1:], counts.sum(axis=0)[1:]
    both = counts[1:, 1:]
    either = sizes_ground_truth[:, None] + sizes - both
    table = np.divide(both, either, out=np.full(both.shape, np.nan), where=either > 0)
    if matched:
        return _assign(table, np.flatnonzero(sizes_ground_truth), np.flatnonzero(sizes))
    ious = np.diagonal(table).copy()
    return PartOverlap(float(np.nanmean(ious)), ious, np.arange(len(ious)))


def label_cells(parts: Parts, whole: Mesh, lower: Floats, upper: Floats, resolution: int) -> Ints:
    """Return the number of the part that owns each cell centre of a grid, -1 outside the shape.

    The owner is the part with the smallest signed distance: the deepest of those that contain the
    centre, or the nearest if none does. Distances are computed only where not exactly one part
    contains it.

    Args:
        parts: parts of the shape, None or an empty mesh for an absent one.
        whole: whole shape.
        lower: (D,), lower corner of the grid.
        upper: (D,), upper corner of the grid.
        resolution: R, number of cells along each axis.

    Returns:
        (R,) * D; without parts, -1 everywhere.
    """
    inside = occupancy_on_grid(whole, lower, upper, resolution)
    labels = np.full(inside.shape, -1)
    present = [(i, part) for i, part in enumerate(parts) if part is not None and not part.is_empty]
    if not present or not inside.any():
        return labels
    cells = np.nonzero(inside)
    centres = cell_centres(lower, upper, resolution)
    points = np.stack([axis[cell] for axis, cell in zip(centres, cells, strict=True)], axis=1)
    within = np.stack(
        [occupancy_on_grid(part, lower, upper, resolution)[cells] for _, part in present]
    )
    count = within.sum(axis=0)
    best = np.where(count == 1, within.argmax(axis=0), -1)
    least = np.full(len(points), np.inf)
    for k, (_, part) in enumerate(present):
        asked = np.flatnonzero((count == 0) | (within[k] & (count > 1)))
        if len(asked) == 0:
            continue
        distance = unsigned_distance(part, points[asked])
        distance = np.where(within[k, asked], -distance, distance)
        nearer = distance < least[asked]
        least[asked[nearer]], best[asked[nearer]] = distance[nearer], k
    labels[cells] = np.array([i for i, _ in present])[best]
    return labels


def _check(
    reconstruction: Parts,
    ground_truth: Parts,
    whole: Mesh,
    whole_ground_truth: Mesh,
    *,
    matched: bool,
) -> None:
    if not matched and len(reconstruction) != len(ground_truth):
        raise ValueError(
            f"the reconstruction has {len(reconstruction)} parts and the ground truth "
            f"{len(ground_truth)}; give the same number, None for absent ones, "
            "or matched=True if part numbers have no meaning"
        )
    meshes = [whole, whole_ground_truth, *reconstruction, *ground_truth]
    dims = {mesh.dim for mesh in meshes if mesh is not None}
    if len(dims) > 1:
        raise ValueError(f"parts and wholes are of dimensions {sorted(dims)}; they have to agree")


def _count_cells(rows: Ints, columns: Ints, num_rows: int, num_columns: int) -> Ints:
    """Return the number of cells with each pair of labels; row and column 0 are label -1."""
    width = num_columns + 1
    counts = np.bincount((rows + 1) * width + columns + 1, minlength=(num_rows + 1) * width)
    return counts.reshape(-1, width)


def _assign(table: Floats, rows: Ints, columns: Ints) -> PartOverlap:
    """Match parts of the ground truth, `rows`, to parts of the reconstruction, `columns`."""
    ious = np.full(len(table), np.nan)
    matches = np.full(len(table), -1)
    ious[rows] = 0.0
    row, column = linear_sum_assignment(table[np.ix_(rows, columns)], maximize=True)
    row, column = rows[row], columns[column]
    ious[row], matches[row] = table[row, column], column
    # unmatched parts of the shape with more parts count 0
    mean = table[row, column].sum() / max(len(rows), len(columns))
    return PartOverlap(float(mean), ious, matches)
