"""Part labels of points: the part with the smallest signed distance."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from inr.shapes.mesh import Floats, Mesh
from inr.shapes.sdf import signed_distance, unsigned_distance

# number of (point, part) pairs processed at a time
CHUNK = 1 << 22
# distances that differ by no more than this are equal
ROUNDING = 1e-9


def label_points(points: Floats, parts: Sequence[Mesh | None]) -> NDArray[np.int64]:
    """Return the part with the smallest signed distance at each point, (N,); see `least_part`."""
    return least_part(points, parts)[0]


def least_part(
    points: Floats, parts: Sequence[Mesh | None]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the part with the smallest signed distance, and that distance, (N,) each.

    For a point inside several parts it is the one it is deepest in; outside all, the nearest. Ties
    (to rounding) go to the first part. Absent parts are ignored.

    Args:
        points: (N, D), finite.
        parts: P meshes in the frame of the points, oriented outward, None for absent parts; for the
            inside of an open mesh see `signed_distance`.

    Raises:
        ValueError: if no part is present.
    """
    present = [(number, part) for number, part in enumerate(parts) if part is not None]
    if not present:
        raise ValueError(f"none of the {len(parts)} parts is present; a point must belong to one")
    step = max(1, CHUNK // len(present))
    numbers = np.array([number for number, _ in present])
    labels, distances = np.zeros(len(points), np.int64), np.zeros(len(points))
    for start in range(0, len(points), step):
        piece = slice(start, start + step)
        index, distances[piece] = _least(points[piece], [part for _, part in present])
        labels[piece] = numbers[index]
    return labels, distances


def _least(points: Floats, parts: Sequence[Mesh]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the index of the part with the smallest signed distance, and the distance, (N,) each.

    The distance to a part is computed only at points where its bounding box allows it to win.
    """
    bounds = np.stack([_lower_bound(part, points) for part in parts], axis=1)
    first = bounds.argmin(axis=1)
    least, labels = np.full(len(points), np.inf), first.copy()
    for number, part in enumerate(parts):
        where = np.flatnonzero(first == number)
        least[where] = _distance(part, points[where])
    for number, part in enumerate(parts):
        where = np.flatnonzero((first != number) & (bounds[:, number] <= least + ROUNDING))
        distance = _distance(part, points[where])
        before = number < labels[where]
        nearer = distance < least[where] - np.where(before, -ROUNDING, ROUNDING)
        least[where[nearer]], labels[where[nearer]] = distance[nearer], number
    return labels, least


def _lower_bound(part: Mesh, points: Floats) -> Floats:
    """Return a lower bound of the signed distance to a part, from its bounding box."""
    lower, upper = part.bounds
    beyond = np.abs(points - (lower + upper) / 2) - (upper - lower) / 2
    outside: Floats = np.linalg.norm(beyond.clip(min=0), axis=1)
    # a point inside an open part may be further from the part than from the box
    inside = beyond.max(axis=1) if part.is_closed() else np.full(len(points), -np.inf)
    return np.where(outside > 0, outside, inside)


def _distance(part: Mesh, points: Floats) -> Floats:
    """Return the signed distance of each point, computing signs only inside the bounding box.

    Outside it, the part lies on one side of a plane and subtends at most half the sphere, so that
    the winding number is below 0.5 even for an open part.
    """
    lower, upper = part.bounds
    close = ((points >= lower) & (points <= upper)).all(axis=1)
    distance = np.empty(len(points))
    for where, measure in ((close, signed_distance), (~close, unsigned_distance)):
        if where.any():
            distance[where] = measure(part, points[where])
    return distance
