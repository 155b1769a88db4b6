"""Closed loops in the plane: validated, nested and oriented with the inside to the left."""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

Loop = NDArray[np.floating]
Edges = NDArray[np.integer]

# area, relative to the extent squared, below which a loop is degenerate
MIN_AREA = 1e-9
# distance, relative to the extent, below which points are merged
MERGE_DISTANCE = 1e-9


class UnsoundOutlineError(ValueError):
    """Outlines that are open, enclose no area, or cross; what was drawn is kept.

    Args:
        message: what is wrong.
        vertices: (V, 2), points of all outlines.
        edges: (E, 2), vertex indices of all lines.
    """

    def __init__(self, message: str, vertices: Loop, edges: Edges) -> None:
        super().__init__(message)
        self.vertices, self.edges = vertices, edges

    def beside(self, loops: Sequence[Loop]) -> "UnsoundOutlineError":
        """Return the error with further loops among what was drawn."""
        if not loops:
            return self
        vertices, edges = lines_of(loops)
        return UnsoundOutlineError(
            str(self),
            np.concatenate([vertices, self.vertices]),
            np.concatenate([edges, self.edges + len(vertices)]),
        )

    def __reduce__(self) -> tuple[type, tuple[str, Loop, Edges]]:
        """Return how to make it anew in another process."""
        return type(self), (str(self), self.vertices, self.edges)


def join_loops(loops: Sequence[Loop], names: Sequence[str]) -> tuple[Loop, Edges]:
    """Join loops into vertices and edges with the inside to the left of each edge.

    Holes are determined by nesting (even-odd rule): a loop inside no other is an outer loop and
    becomes anticlockwise, a loop inside an outer one is a hole and becomes clockwise, and so on.

    Args:
        loops: (n, 2) each, points of a loop in either direction, closed by an edge from the last
            to the first.
        names: name of each loop in messages.

    Returns:
        vertices (V, 2) float64 and edges (V, 2) int64, loop after loop.

    Raises:
        UnsoundOutlineError: if one has fewer than 3 distinct points or no area, intersects itself,
            or crosses or shares a side with another.
        ValueError: if there is no loop, or one has a non-finite value.
    """
    if not loops:
        raise ValueError("there is no closed outline in it")
    try:
        return _join(loops, names)
    except ValueError as error:
        if all(len(loop) and np.isfinite(loop).all() for loop in loops):
            raise UnsoundOutlineError(str(error), *lines_of(loops)) from error
        raise


def lines_of(loops: Sequence[Loop], *, closed: bool = True) -> tuple[Loop, Edges]:
    """Return the vertices (V, 2) and edges (E, 2) of loops, as they are, or of open lines."""
    starts = np.cumsum([0, *map(len, loops)])
    edges = [
        start
        + np.stack([index := np.arange(len(loop)), np.roll(index, -1)], axis=1)[
            : len(loop) if closed else -1
        ]
        for start, loop in zip(starts, loops, strict=False)
    ]
    return np.concatenate(loops), np.concatenate(edges)


def _join(loops: Sequence[Loop], names: Sequence[str]) -> tuple[Loop, Edges]:
    cleaned = [clean_loop(loop, name) for loop, name in zip(loops, names, strict=True)]
    polygons = shapely.polygons([shapely.linearrings(loop) for loop in cleaned])
    for loop, name, valid in zip(cleaned, names, shapely.is_valid(polygons), strict=True):
        if not valid:
            raise ValueError(_describe_crossing(loop, name))
    hole = _depths(polygons, names) % 2 == 1
    anticlockwise = shapely.is_ccw(shapely.get_exterior_ring(polygons))
    turned = anticlockwise == hole
    return lines_of(
        [loop[::-1] if turn else loop for loop, turn in zip(cleaned, turned, strict=True)]
    )


def clean_loop(loop: Loop, name: str) -> Loop:
    """Return a loop (n, 2) without consecutive repeated points.

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
    kept = loop[step > MERGE_DISTANCE * extent]
    distinct = max(len(np.unique(kept, axis=0)), 1)
    if distinct < 3:
        raise ValueError(f"{name} has {distinct} distinct points; an outline needs at least 3")
    # area of the hull: the lobes of a bow-tie may cancel, and its crossing is the better message
    if shapely.area(shapely.convex_hull(shapely.multipoints(kept))) <= MIN_AREA * extent**2:
        raise ValueError(f"{name} encloses no area: its {distinct} points lie on a line")
    return kept


def chain_edges(vertices: Loop, edges: Edges, noun: str) -> list[Loop]:
    """Return the closed loops (n, 2) that undirected edges between vertices form.

    Args:
        vertices: (V, 2), coordinates.
        edges: (E, 2), vertex indices.
        noun: name of an edge in messages.

    Raises:
        UnsoundOutlineError: if an edge has a free end, or more than two edges meet at a vertex.
    """
    edges = edges[edges[:, 0] != edges[:, 1]]
    count = np.bincount(edges.ravel(), minlength=len(vertices))
    loose, meeting = np.flatnonzero(count == 1), np.flatnonzero(count > 2)
    if len(loose):
        raise UnsoundOutlineError(
            f"the outline is open: a {noun} ends at {_place(vertices[loose[0]])}, where no other "
            f"continues it ({len(loose)} such ends); close it",
            vertices,
            edges,
        )
    if len(meeting):
        raise UnsoundOutlineError(
            f"{count[meeting[0]]} {noun}s meet at {_place(vertices[meeting[0]])}; "
            "in an outline, exactly two must meet",
            vertices,
            edges,
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
    """Return the nesting depth of each loop; raise ValueError if two cross or share a side."""
    depth = np.zeros(len(polygons), dtype=np.int64)
    if len(polygons) == 1:
        return depth
    a, b = shapely.STRtree(polygons).query(polygons, predicate="intersects")
    a, b = a[a < b], b[a < b]
    for i, j, relation in zip(a, b, shapely.relate(polygons[a], polygons[b]), strict=True):
        # DE-9IM: a 3x3 matrix of intersections of interior, boundary and exterior, row by row
        first_covers, second_covers = relation[6] == "F", relation[2] == "F"
        crossing = relation[0] != "F" and not (first_covers or second_covers)
        if crossing or relation[4] == "1":
            meeting = shapely.intersection(
                shapely.get_exterior_ring(polygons[i]), shapely.get_exterior_ring(polygons[j])
            )
            verb = "cross" if crossing else "share a side"
            raise ValueError(
                f"{names[i]} and {names[j]} {verb} at {_place(shapely.get_coordinates(meeting)[0])}"
                "; outlines must be disjoint or nested"
            )
        depth[j] += first_covers
        depth[i] += second_covers
    return depth


def _describe_crossing(loop: Loop, name: str) -> str:
    """Describe where the first two non-adjacent edges of a loop meet."""
    following = np.roll(loop, -1, axis=0)
    segments = shapely.linestrings(np.stack([loop, following], axis=1))
    i, j = shapely.STRtree(segments).query(segments, predicate="intersects")
    apart = (j - i > 1) & (j - i < len(loop) - 1)
    # even an edge that runs back over its predecessor meets a non-adjacent edge at its end
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
