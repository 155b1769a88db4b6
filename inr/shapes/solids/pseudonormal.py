"""Side of a surface on which points lie, by the pseudonormal at the nearest point."""

import igl
import numpy as np
from numpy.typing import NDArray

from inr.shapes.mesh import Floats, Mesh, merge_equal


def behind_surface(mesh: Mesh, points: Floats) -> NDArray[np.bool_]:
    """Return whether each point (N, D) is behind the surface at its nearest point, (N,) bool.

    The pseudonormal is the normal of a face, the sum of the unit normals of the two faces at an
    edge, or the angle-weighted sum of the unit normals of the faces at a vertex (Baerentzen and
    Aanaes 2005, "Signed Distance Computation Using the Angle Weighted Pseudonormal", eq. 3); in
    2-D, the sum of the unit normals of the segments at a vertex. A point is behind if its offset
    from the nearest point has a negative dot product with the pseudonormal there.

    Correct for a closed, consistently oriented mesh without self-intersections; near the boundary
    of an open mesh and where components overlap, the sign is only locally meaningful. Degenerate
    faces are ignored, and vertices at the same position are merged.

    Args:
        mesh: mesh with outward faces, at least one of them with an area.
        points: (N, D) float64, contiguous.

    Raises:
        ValueError: if no face has an area.
    """
    mesh = merge_equal(mesh)
    mesh = Mesh(mesh.vertices, np.ascontiguousarray(mesh.faces[mesh.face_areas() > 0]))
    if mesh.is_empty:
        raise ValueError("no face has an area, so no normal and no sign; data.sign=unsigned works")
    if mesh.dim == 2:
        return _behind_outline(mesh, points)
    kind = igl.SIGNED_DISTANCE_TYPE_PSEUDONORMAL
    return igl.signed_distance(points, mesh.vertices, mesh.faces, sign_type=kind)[0] < 0


def _behind_outline(mesh: Mesh, points: Floats) -> NDArray[np.bool_]:
    _, nearest, foot = igl.point_mesh_squared_distance(points, mesh.vertices, mesh.faces)
    normals = mesh.face_normals()
    corner_normals = np.zeros_like(mesh.vertices)
    for end in mesh.faces.T:
        np.add.at(corner_normals, end, normals)
    normal = normals[nearest]
    for end in mesh.faces[nearest].T:
        at_corner = (foot == mesh.vertices[end]).all(axis=1)
        normal[at_corner] = corner_normals[end[at_corner]]
    return np.einsum("nd,nd->n", points - foot, normal) < 0
