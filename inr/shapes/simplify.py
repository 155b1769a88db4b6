"""Fewer triangles for the same surface."""

import fast_simplification
import numpy as np

from inr.shapes.mesh import Mesh
from inr.shapes.sdf import unsigned_distance

# fractions of the triangles that are tried to be left out, the largest first
_REDUCTIONS = (0.8, 0.65, 0.5)
_FEW = 20_000


def simplify(mesh: Mesh, tolerance: float) -> Mesh:
    """Collapse edges of a closed triangle mesh by quadric errors (Garland and Heckbert 1997).

    First those that change nothing, as on planes; then as many of the rest as leave all vertices
    within `tolerance` of the surface.

    Args:
        mesh: triangle mesh; 2-D meshes are returned as they are.
        tolerance: largest distance, in the units of the mesh.
    """
    if mesh.dim == 2:
        return mesh
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
