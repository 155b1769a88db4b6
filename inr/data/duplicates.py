"""Shapes that are nearly the same under two names."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from inr.data.layout import Layout
from inr.shapes.mesh import Floats
from inr.shapes.signature import TOLERANCE, near_duplicates

# mean distance between two surfaces that count as the same, by dimension, box units, beyond that
# which points drawn on one surface keep from each other
SAME = {2: 0.0005, 3: 0.003}
POINTS = 2000


def find_duplicates(
    layout: Layout, records: Mapping[str, Mapping[str, Any]], dim: int
) -> list[tuple[str, str]]:
    """Return pairs of shapes whose surfaces nearly coincide in the box frame.

    Candidates have nearly the same signature (see inr.shapes.signature); points of their surfaces
    decide.

    Args:
        layout: the data set.
        records: the manifest's entries of its shapes; those without a signature are left out.
        dim: D.
    """
    signatures = {n: tuple(r["signature"]) for n, r in records.items() if r.get("signature")}
    if len(signatures) < 2:
        return []
    return [
        (one, other)
        for one, other in near_duplicates(signatures, TOLERANCE[dim])
        if _are_same(_points(layout, one), _points(layout, other), SAME[dim])
    ]


def _are_same(one: Floats, other: Floats, most: float) -> bool:
    for points, others in ((one, other), (other, one)):
        half = len(points) // 2
        own, _ = cKDTree(points[:half]).query(points[half:])
        across, _ = cKDTree(others[: len(others) // 2]).query(points[half:])
        if across.mean() > own.mean() + most:
            return False
    return True


def _points(layout: Layout, name: str) -> Floats:
    with np.load(layout.surface(name)) as file:
        surface = file["all"][: 2 * POINTS]
    return surface[:, : surface.shape[1] // 2].astype(np.float64)
