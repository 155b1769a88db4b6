"""Closed loops in the plane: checked, nested and turned so that the inside lies to the left."""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

Loop = NDArray[np.floating]
Edges = NDArray[np.integer]

# loops whose area is less than this fraction of their extent squared are taken for lines
LEAST_AREA = 1e-9
# points nearer than this fraction of the extent are one
SAME_POINT = 1e-9


def join_loops(loops: Sequence[Loop], names: Sequence[str]) -> tuple[Loop, Edges]:
    """Return loops as vertices and edges with the inside to the left of each edge.

    Nesting decides (even-odd): a loop inside none is an outer one and becomes anticlockwise, one
    inside an outer loop is a hole and becomes clockwise, one inside a hole is outer again.

    Args:
        loops: (n, 2) each, closed by an edge from the last point to the first, in any direction.
        names: what messages call each loop.

    Returns:
        vertices (V, 2) float64 and edges (V, 2) int64, loop after loop.

    Raises:
        ValueError: if there is no loop, or one has a value that is not finite, fewer than 3
            distinct points or no area, meets itself, or crosses or shares a side with another.
    """
    if not loops:
        raise ValueError("there is no closed outline in it")
    cleaned = [clean_loop(loop, name) for loop, name in zip(loops, names, strict=True)]
    polygons = shapely.polygons([shapely.linearrings(loop) for loop in cleaned])
    for loop, name, valid in zip(cleaned, names, shapely.is_valid(polygons), strict=True):
        if not valid:
            raise ValueError(_describe_crossing(loop, name))
    hole = _depths(polygons, names) % 2 == 1
    anticlockwise = shapely.is_ccw(shapely.get_exterior_ring(polygons))
    vertices, edges, start = [], [], 0
    for loop, turn in zip(cleaned, anticlockwise == hole, strict=True):
        index = start + np.arange(len(loop))
        vertices.append(loop[::-1] if turn else loop)
        edges.append(np.stack([index, np.roll(index, -1)], axis=1))
        start += len(loop)
    return np.concatenate(vertices), np.concatenate(edges)


def clean_loop(loop: Loop, name: str) -> Loop:
    """Return a loop (n, 2) without points that repeat the one before.

    Raises:
        ValueError: if a value is not finite, or there are fewer than 3 distinct points or no area.
    """
    finite = np.isfinite(loop).all(axis=1)
    if not finite.all():
        bad = int(np.argmin(finite))
        raise ValueError(f"{name}: point {bad + 1} is {_place(loop[bad])}, not finite numbers")
    if len(loop) == 0:
        raise ValueError(f"{name} has no points; an outline needs at least 3")
    extent = float(np.ptp(loop, axis=0).max())
    step = np.linalg.norm(loop - np.roll(loop, 1, axis=0), axis=1)
    kept = loop[step > SAME_POINT * extent]
    distinct = max(len(np.unique(kept, axis=0)), 1)
    if distinct < 3:
        raise ValueError(f"{name} has {distinct} distinct points; an outline needs at least 3")
    # of the hull: the lobes of a bow-tie may cancel, and its crossing is the better reason
    if shapely.area(shapely.convex_hull(shapely.multipoints(kept))) <= LEAST_AREA * extent**2:
        raise ValueError(f"{name} encloses no area: its {distinct} points lie on a line")
    return kept


def chain_edges(vertices: Loop, edges: Edges, noun: str) -> list[Loop]:
    """Return the closed loops (n, 2) that undirected edges between vertices form.

    Args:
        vertices: (V, 2).
        edges: (E, 2) indices.
        noun: what a message calls an edge.

    Raises:
        ValueError: if an edge has a loose end, or more than two meet in a point.
    """
    edges = edges[edges[:, 0] != edges[:, 1]]
    count = np.bincount(edges.ravel(), minlength=len(vertices))
    loose, meeting = np.flatnonzero(count == 1), np.flatnonzero(count > 2)
    if len(loose):
        raise ValueError(
            f"the outline is open: a {noun} ends at {_place(vertices[loose[0]])}, where no other "
            f"goes on ({len(loose)} such ends); close it"
        )
    if len(meeting):
        raise ValueError(
            f"{count[meeting[0]]} {noun}s meet at {_place(vertices[meeting[0]])}; "
            "in an outline there are two"
        )
    # both edges of each vertex
    ends = edges.ravel()
    order = np.argsort(ends, kind="stable")
    owner = (order // 2).reshape(-1, 2).tolist()
    row = np.full(len(vertices), -1)
    row[ends[order][::2]] = np.arange(len(order) // 2)
    rows, pairs = row.tolist(), edges.tolist()
    used = [False] * len(pairs)
    loops = []
    for first in range(len(pairs)):
        if used[first]:
            continue
        walk, edge, here = [], first, pairs[first][0]
        while not used[edge]:
            used[edge] = True
            walk.append(here)
            here = pairs[edge][1] if pairs[edge][0] == here else pairs[edge][0]
            one, other = owner[rows[here]]
            edge = other if one == edge else one
        loops.append(vertices[walk])
    return loops


def _depths(polygons: NDArray[np.object_], names: Sequence[str]) -> NDArray[np.int64]:
    """Return in how many other loops each one lies; ValueError where two cross or share a side."""
    depth = np.zeros(len(polygons), dtype=np.int64)
    if len(polygons) == 1:
        return depth
    a, b = shapely.STRtree(polygons).query(polygons, predicate="intersects")
    a, b = a[a < b], b[a < b]
    for i, j, relation in zip(a, b, shapely.relate(polygons[a], polygons[b]), strict=True):
        # the letters pair interior, boundary and exterior of the one with those of the other
        first_covers, second_covers = relation[6] == "F", relation[2] == "F"
        crossing = relation[0] != "F" and not (first_covers or second_covers)
        if crossing or relation[4] == "1":
            meeting = shapely.intersection(
                shapely.get_exterior_ring(polygons[i]), shapely.get_exterior_ring(polygons[j])
            )
            verb = "cross" if crossing else "share a side"
            raise ValueError(
                f"{names[i]} and {names[j]} {verb} at {_place(shapely.get_coordinates(meeting)[0])}"
                "; outlines may lie side by side or inside one another"
            )
        depth[j] += first_covers
        depth[i] += second_covers
    return depth


def _describe_crossing(loop: Loop, name: str) -> str:
    """Return where the first two edges of a loop meet that are not neighbours, in words."""
    following = np.roll(loop, -1, axis=0)
    segments = shapely.linestrings(np.stack([loop, following], axis=1))
    i, j = shapely.STRtree(segments).query(segments, predicate="intersects")
    apart = (j - i > 1) & (j - i < len(loop) - 1)
    # an edge that runs back over the one before has its end in common with a third
    assert apart.any(), shapely.is_valid_reason(shapely.polygons(loop))
    first = np.lexsort([j[apart], i[apart]])[0]
    i, j = i[apart][first], j[apart][first]
    where = shapely.get_coordinates(shapely.intersection(segments[i], segments[j]))
    return (
        f"{name} crosses or touches itself at {_place(where[0])}, where the edge from "
        f"{_place(loop[i])} to {_place(following[i])} meets the one from {_place(loop[j])} to "
        f"{_place(following[j])}"
    )


def _place(point: Loop) -> str:
    return f"({point[0]:.6g}, {point[1]:.6g})"
