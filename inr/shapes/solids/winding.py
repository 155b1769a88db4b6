"""Winding numbers of points, in 2-D and 3-D."""

from collections.abc import Callable
from itertools import pairwise

import igl
import numpy as np

from inr.shapes.mesh import Floats, Ints, Mesh

# fast winding numbers this close to the threshold are recomputed; their error is only ~0.005
RECOMPUTE_MARGIN = 0.05
# coarse ones are four times as fast, with errors up to 0.15; recomputed this close to the threshold
_COARSE_MARGIN = 0.4
_COARSE, _FINE = 1.0, 2.0
_CHUNK = 1 << 20


def winding_number(mesh: Mesh, points: Floats, exact: bool = False) -> Floats:
    """Return the winding number of the surface around each point, (N,) float64.

    3-D: the fast winding number (Barill et al. 2018, "Fast Winding Numbers for Soups and
    Clouds"), recomputed exactly if within 0.05 of 0.5. 2-D: exact, from the signed crossings of the
    ray towards +x.

    Args:
        mesh: mesh; inside outward faces the winding number is 1.
        points: (N, D), finite.
        exact: use the exact winding number everywhere (2-D always does).

    Raises:
        ValueError: if the mesh has no faces, or the points are not finite or not (N, D).
    """
    vertices, faces, points = _about_the_middle(mesh, check_points(mesh, points))
    if mesh.dim == 2:
        return _signed_crossings(vertices, faces, points)
    if exact:
        return _in_chunks(lambda part: igl.winding_number(vertices, faces, part), points)
    tree = _tree(vertices, faces)
    winding = _in_chunks(lambda part: tree.winding_number(part, _FINE), points)
    doubtful = np.abs(winding - 0.5) < RECOMPUTE_MARGIN
    if doubtful.any():
        winding[doubtful] = igl.winding_number(vertices, faces, points[doubtful])
    return winding


def deciding_winding_number(mesh: Mesh, points: Floats) -> Floats:
    """Return winding numbers that are precise only near 0.5, (N,) float64.

    3-D: a coarse, faster evaluation with errors up to 0.15, recomputed as in `winding_number` if
    within 0.4 of 0.5, which is sufficient for `is_inside` and `ambiguity`. 2-D: the same as
    `winding_number`.

    Args:
        mesh: mesh; inside outward faces the winding number is 1.
        points: (N, D), finite; faster if consecutive points are close in space.

    Raises:
        ValueError: if the mesh has no faces, or the points are not finite or not (N, D).
    """
    vertices, faces, points = _about_the_middle(mesh, check_points(mesh, points))
    if mesh.dim == 2:
        return _signed_crossings(vertices, faces, points)
    tree = _tree(vertices, faces)
    winding = _in_chunks(lambda part: tree.winding_number(part, _COARSE), points)
    for margin, ask in (
        (_COARSE_MARGIN, lambda part: tree.winding_number(part, _FINE)),
        (RECOMPUTE_MARGIN, lambda part: igl.winding_number(vertices, faces, part)),
    ):
        doubtful = np.abs(winding - 0.5) < margin
        if doubtful.any():
            winding[doubtful] = _in_chunks(ask, points[doubtful])
    return winding


def ambiguity(winding: Floats) -> float:
    """Return the fraction of winding numbers (N,) between 0.25 and 0.75; 0 if N is 0.

    Off the surface of a closed mesh they are integers; between are points near the holes of an open
    mesh, where the inside is ambiguous.
    """
    return float((np.abs(winding - 0.5) < 0.25).mean()) if len(winding) else 0.0


def _about_the_middle(mesh: Mesh, points: Floats) -> tuple[Floats, Ints, Floats]:
    """Return vertices, faces and points as libigl needs them, centred in 3-D.

    libigl's fast winding number is in float32, too imprecise for a surface far from the origin.
    """
    vertices = np.ascontiguousarray(mesh.vertices, dtype=np.float64)
    faces = np.ascontiguousarray(mesh.faces, dtype=np.int64)
    if mesh.dim == 2:
        return vertices, faces, points
    middle = mesh.bounds.mean(axis=0)
    return vertices - middle, faces, points - middle


def _tree(vertices: Floats, faces: Ints) -> igl.FastWindingNumberBVH:
    tree = igl.FastWindingNumberBVH()
    tree.init(vertices, faces, 2)
    return tree


def _in_chunks(ask: Callable[[Floats], Floats], points: Floats) -> Floats:
    starts = range(0, max(len(points), 1), _CHUNK)
    return np.concatenate([ask(points[start : start + _CHUNK]) for start in starts])


def _signed_crossings(vertices: Floats, edges: Ints, points: Floats) -> Floats:
    order = np.argsort(points[:, 1], kind="stable")
    x, y = points[order].T
    start, end = vertices[edges[:, 0]], vertices[edges[:, 1]]
    low, high = np.minimum(start[:, 1], end[:, 1]), np.maximum(start[:, 1], end[:, 1])
    # half-open: an edge includes its lower end but not its upper, so no vertex counts twice
    first, last = np.searchsorted(y, low), np.searchsorted(y, high)
    winding = np.zeros(len(points))
    for block in _blocks_of(last - first):
        count = (last - first)[block]
        edge = np.repeat(np.arange(len(edges))[block], count)
        offset = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
        point = first[edge] + offset
        along = end[edge] - start[edge]
        left_of = along[:, 0] * (y[point] - start[edge, 1]) - along[:, 1] * (
            x[point] - start[edge, 0]
        )
        upward = along[:, 1] > 0
        crossed = np.where(upward, left_of > 0, left_of < 0)
        turn = np.where(upward, 1.0, -1.0) * crossed
        winding += np.bincount(point, weights=turn, minlength=len(points))
    unsorted = np.empty_like(winding)
    unsorted[order] = winding
    return unsorted


def _blocks_of(counts: Ints) -> list[slice]:
    block = np.cumsum(counts) // _CHUNK
    cuts = [0, *(np.flatnonzero(np.diff(block)) + 1).tolist(), len(counts)]
    return [slice(a, b) for a, b in pairwise(cuts)]


def check_points(mesh: Mesh, points: Floats) -> Floats:
    """Return the points as contiguous float64.

    Raises:
        ValueError: if the mesh has no faces, or the points are not finite or not (N, D).
    """
    if mesh.is_empty:
        raise ValueError("the mesh has no faces, so it has no distance or winding number")
    if points.ndim != 2 or points.shape[1] != mesh.dim:
        raise ValueError(f"points have shape {points.shape}; the mesh needs (N, {mesh.dim})")
    if not np.isfinite(points).all():
        raise ValueError("points have values that are not finite numbers")
    return np.ascontiguousarray(points, dtype=np.float64)
