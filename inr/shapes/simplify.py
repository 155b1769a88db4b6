"""Fewer faces for the same surface."""

import fast_simplification
import numpy as np

from inr.shapes.mesh import Mesh
from inr.shapes.sdf import unsigned_distance

# fractions of the triangles that are tried to be left out, the largest first
_REDUCTIONS = (0.8, 0.65, 0.5)
_FEW = 20_000
# change of direction below which an outline goes straight on
_STRAIGHT = 1e-7


def simplify(mesh: Mesh, tolerance: float) -> Mesh:
    """Return a closed mesh with fewer faces.

    In 3-D, edges are collapsed by quadric errors (Garland and Heckbert 1997): first those that
    change nothing, as on planes; then as many of the rest as leave all vertices within `tolerance`
    of the surface. In 2-D, vertices on straight lines are left out.

    Args:
        mesh: closed mesh, each vertex of which is in one loop (2-D).
        tolerance: largest distance, in the units of the mesh.
    """
    if mesh.dim == 2:
        return _join_straight(mesh)
    exact = _collapse(mesh, 0.0)
    if len(exact.faces) <= _FEW:
        return exact
    for reduction in _REDUCTIONS:
        smaller = _collapse(exact, reduction)
        if smaller.is_closed() and unsigned_distance(smaller, exact.vertices).max() <= tolerance:
            return smaller
    return exact


def _collapse(mesh: Mesh, reduction: float) -> Mesh:
    vertices, faces = fast_simplification.simplify(
        mesh.vertices,
        mesh.faces.astype(np.int32),
        target_reduction=reduction or 0.5,
        agg=3,
        lossless=reduction == 0.0,
    )
    return Mesh(np.asarray(vertices, dtype=np.float64), np.asarray(faces, dtype=np.int64))


def _join_straight(mesh: Mesh) -> Mesh:
    start, end = mesh.faces.T
    direction = mesh.face_normals()
    after = np.empty(len(mesh.vertices), dtype=np.int64)
    after[start] = end
    outgoing, incoming = np.zeros_like(mesh.vertices), np.zeros_like(mesh.vertices)
    outgoing[start], incoming[end] = direction, direction
    turns = np.abs(outgoing - incoming).max(axis=1) > _STRAIGHT
    while not turns[after].all():
        after = np.where(turns[after], after, after[after])
    kept = np.flatnonzero(turns)
    index = np.empty(len(mesh.vertices), dtype=np.int64)
    index[kept] = np.arange(len(kept))
    return Mesh(mesh.vertices[kept], np.stack([index[kept], index[after[kept]]], axis=1))
