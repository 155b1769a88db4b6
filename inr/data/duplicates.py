"""Shapes that are nearly the same under two names."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from inr.data.layout import Layout
from inr.shapes.mesh import Floats, read_mesh
from inr.shapes.sdf import unsigned_distance
from inr.shapes.signature import TOLERANCE, near_duplicates

# mean distance between two surfaces that count as the same, by dimension, box units
SAME = {2: 0.0005, 3: 0.003}
POINTS = 2000


def find_duplicates(
    layout: Layout, records: Mapping[str, Mapping[str, Any]], dim: int
) -> list[tuple[str, str]]:
    """Return pairs of shapes whose surfaces nearly coincide in the box frame.

    Candidates have nearly the same signature (see inr.shapes.signature); the distance of points
    on each surface to the other decides.

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
        if max(_mean_distance(layout, one, other), _mean_distance(layout, other, one)) < SAME[dim]
    ]


def _mean_distance(layout: Layout, one: str, other: str) -> float:
    """Return the mean distance of points on one surface to the other."""
    with np.load(layout.surface(one)) as file:
        surface: Floats = file["all"][:POINTS].astype(np.float64)
    if len(surface) == 0:
        return float("inf")
    points = surface[:, : surface.shape[1] // 2]
    return float(unsigned_distance(read_mesh(layout.mesh(other)), points).mean())
