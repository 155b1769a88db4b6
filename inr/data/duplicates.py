"""Near-duplicate shapes under different names."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from inr.data.layout import Layout
from inr.shapes.mesh import Floats, read_mesh
from inr.shapes.sdf import unsigned_distance
from inr.shapes.signature import TOLERANCE, near_duplicates

# dimension to the mean surface distance below which two shapes are near-duplicates, box units
MAX_DISTANCE = {2: 0.0005, 3: 0.003}
NUM_POINTS = 2000
# signature distance below which two near-duplicates are the same shape saved twice: more than the
# rounding of text formats and of single precision
IDENTICAL = 1e-5


def find_duplicates(
    layout: Layout, records: Mapping[str, Mapping[str, Any]], dim: int
) -> list[tuple[str, str]]:
    """Return pairs of shapes whose surfaces nearly coincide in the box frame.

    Candidates are pairs with nearly equal signatures (see inr.shapes.signature); of those, pairs
    whose mean surface distance is small in both directions are returned.

    Args:
        layout: the data set.
        records: shape to its entry in the manifest; shapes without a signature are left out.
        dim: D, dimension of space.
    """
    signatures = {n: tuple(r["signature"]) for n, r in records.items() if r.get("signature")}
    if len(signatures) < 2:
        return []
    return [
        (one, other)
        for one, other in near_duplicates(signatures, TOLERANCE[dim])
        if max(_mean_distance(layout, one, other), _mean_distance(layout, other, one))
        < MAX_DISTANCE[dim]
    ]


def find_copies(
    records: Mapping[str, Mapping[str, Any]], pairs: Sequence[Sequence[str]]
) -> list[list[str]]:
    """Return groups of names of the same shape: equal files or identical surfaces.

    Args:
        records: shape to its entry in the manifest.
        pairs: near-duplicates, as find_duplicates returns them.
    """
    files: dict[str, list[str]] = {}
    for name, record in records.items():
        if record.get("digest"):
            files.setdefault(record["digest"], []).append(name)
    linked = [list(names) for names in files.values() if len(names) > 1]
    for one, other in pairs:
        if one in records and other in records:
            here, there = (records[name].get("signature") for name in (one, other))
            if here and there and np.linalg.norm(np.subtract(here, there)) < IDENTICAL:
                linked.append([one, other])
    group_of: dict[str, frozenset[str]] = {}
    for names in linked:
        joined = frozenset(names).union(*(group_of.get(name, ()) for name in names))
        group_of |= dict.fromkeys(joined, joined)
    return sorted(sorted(group) for group in set(group_of.values()))


def _mean_distance(layout: Layout, one: str, other: str) -> float:
    """Return the mean distance from points on the surface of `one` to the surface of `other`."""
    with np.load(layout.surface(one)) as file:
        surface: Floats = file["all"][:NUM_POINTS].astype(np.float64)
    if len(surface) == 0:
        return float("inf")
    points = surface[:, : surface.shape[1] // 2]
    return float(unsigned_distance(read_mesh(layout.mesh(other)), points).mean())
