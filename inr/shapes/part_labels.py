"""Which part of a shape a point belongs to."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from inr.shapes.mesh import Floats, Mesh
from inr.shapes.sdf import signed_distance, unsigned_distance

# points times parts of which bounds are held at a time
CHUNK = 1 << 22
ROUNDING = 1e-9


def label_points(points: Floats, parts: Sequence[Mesh | None]) -> NDArray[np.int64]:
    """Return the part whose signed distance is least at each point, (N,); see `least_part`."""
    return least_part(points, parts)[0]


def least_part(
    points: Floats, parts: Sequence[Mesh | None]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the part whose signed distance is least at each point, and that distance, both (N,).

    That is the deepest of those that a point is inside of, else the nearest; of equal ones the
    first, to rounding. An absent part is never one.

    Args:
        points: (N, D), finite.
        parts: in the frame of the points, oriented outward; see `signed_distance` for what an open
            one has inside.

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
    """Return which of some parts has the least signed distance, and that distance, both (N,).

    A part is measured only where its bounding box allows it to be that one.
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
    """Return the signed distance to a part's bounding box, below that to the part."""
    lower, upper = part.bounds
    beyond = np.abs(points - (lower + upper) / 2) - (upper - lower) / 2
    outside: Floats = np.linalg.norm(beyond.clip(min=0), axis=1)
    # what is inside an open part may be further from it than from the box
    inside = beyond.max(axis=1) if part.is_closed() else np.full(len(points), -np.inf)
    return np.where(outside > 0, outside, inside)


def _distance(part: Mesh, points: Floats) -> Floats:
    """Return the signed distance of each point; only in the bounding box its sign is in question.

    From beyond a plane a surface subtends half the sphere at most, so that the winding number even
    of an open one is below 0.5 there.
    """
    lower, upper = part.bounds
    close = ((points >= lower) & (points <= upper)).all(axis=1)
    distance = np.empty(len(points))
    for where, measure in ((close, signed_distance), (~close, unsigned_distance)):
        if where.any():
            distance[where] = measure(part, points[where])
    return distance
