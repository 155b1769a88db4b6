"""Fewer faces for the same surface."""

import fast_simplification
import numpy as np

from inr.shapes.mesh import Mesh
from inr.shapes.sdf import unsigned_distance

# fractions of the triangles that are left out, one after the other
_REDUCTIONS = (0.5, 0.5, 0.6, 0.7)
# mean distance of the vertices, relative to the largest allowed
_MEAN = 0.1
# vertices of which the distance to the simplified surface is measured
_NUM_MEASURED = 8_000
# change of direction below which an outline goes straight on
_STRAIGHT = 1e-7


def simplify(mesh: Mesh, tolerance: float) -> Mesh:
    """Return a closed mesh with fewer faces.

    In 3-D, edges are collapsed by quadric errors (Garland and Heckbert 1997), on planes first, as
    many as leave the vertices, some thousands of which are measured, within `tolerance` of the
    surface, and a tenth of it on average. In 2-D, vertices on straight lines are left out.

    Args:
        mesh: closed mesh, each vertex of which is in one loop (2-D).
        tolerance: largest distance, in the units of the mesh.
    """
    if mesh.dim == 2:
        return _join_straight(mesh)
    measured = mesh.vertices[:: max(1, len(mesh.vertices) // _NUM_MEASURED)]
    for reduction in _REDUCTIONS:
        vertices, faces = fast_simplification.simplify(
            mesh.vertices, mesh.faces.astype(np.int32), target_reduction=reduction, agg=3
        )
        found = Mesh(vertices.astype(np.float64), faces.astype(np.int64))
        if not found.is_closed():
            break
        distance = unsigned_distance(found, measured)
        if distance.max() > tolerance or distance.mean() > _MEAN * tolerance:
            break
        mesh = found
    return mesh


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
