"""Triangulation of 3-D polygons, convex or concave."""

import manifold3d
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]


def triangulate(vertices: Floats, counts: Ints, corners: Ints) -> Ints:
    """Triangulate polygons that may be concave and not quite planar.

    A convex polygon becomes a fan about its first corner, a concave quad is cut at its reflex
    corner, and a larger concave polygon is triangulated in the plane of its mean normal (Newell's,
    the sum of the cross products of successive corners). No vertices are added.

    Args:
        vertices: (V, 3), coordinates.
        counts: (P,), number of corners of each polygon; with fewer than 3 it gives no triangle.
        corners: (sum of counts,), vertex indices, polygon after polygon.

    Returns:
        Triangles (F, 3) with the orientation and in the order of their polygons.

    Raises:
        ValueError: if an index is out of range.
    """
    counts, corners = np.asarray(counts, np.int64), np.asarray(corners, np.int64)
    if len(corners) and (corners.min() < 0 or corners.max() >= len(vertices)):
        raise ValueError("a face names a vertex that the file does not have")
    starts = np.cumsum(counts) - counts
    triangles: list[Ints] = [np.zeros((0, 3), np.int64)]
    owners: list[Ints] = [np.zeros(0, np.int64)]
    for count in np.unique(counts[counts > 2]):
        rows = np.flatnonzero(counts == count)
        polygons = corners[starts[rows, None] + np.arange(count)]
        triangles.append(_cut(vertices, polygons).reshape(-1, 3))
        owners.append(np.repeat(rows, count - 2))
    order = np.argsort(np.concatenate(owners), kind="stable")
    return np.concatenate(triangles)[order]


def _cut(vertices: Floats, polygons: Ints) -> Ints:
    """Return the triangles of polygons (P, n) with equally many corners, (P, n - 2, 3)."""
    count = polygons.shape[1]
    fan = np.stack([np.zeros(count - 2, int), np.arange(1, count - 1), np.arange(2, count)], axis=1)
    triangles = polygons[:, fan]
    if count == fan.shape[1]:
        return triangles
    # relative to the first corner, for precision far from the origin
    points = vertices[polygons] - vertices[polygons[:, :1]]
    with np.errstate(invalid="ignore", over="ignore"):
        normal = np.cross(points, np.roll(points, -1, axis=1)).sum(axis=1)
        step = np.roll(points, -1, axis=1) - points
        turn = np.einsum("pnd,pd->pn", np.cross(np.roll(step, 1, axis=1), step), normal)
        # a pentagram turns left at every corner too, but its fan has triangles of both orientations
        spread = np.einsum("pnd,pd->pn", np.cross(points[:, 1:-1], points[:, 2:]), normal)
    reflex = turn < -1e-9 * np.abs(turn).max(axis=1, keepdims=True)
    folded = spread < -1e-9 * np.abs(spread).max(axis=1, keepdims=True)
    for row in np.flatnonzero(reflex.any(axis=1) | folded.any(axis=1)):
        if count == 4:  # both diagonals are candidates; the one through the reflex corner is inside
            shift = int(np.argmin(turn[row]))
            triangles[row] = np.roll(polygons[row], -shift)[fan]
        else:
            ears = _ears(points[row], normal[row])
            if len(ears) == count - 2:
                triangles[row] = polygons[row][ears]
    return triangles


def _ears(points: Floats, normal: Floats) -> Ints:
    """Triangulate one polygon (n, 3), projected along its normal."""
    axis = normal / np.linalg.norm(normal)
    first = np.cross(axis, np.eye(len(axis))[np.argmin(np.abs(axis))])
    first /= np.linalg.norm(first)
    flat = points @ np.stack([first, np.cross(axis, first)], axis=1)
    return np.asarray(manifold3d.triangulate([flat], -1.0, False), dtype=np.int64)
