"""On which side of a surface points lie, by the pseudonormal of the nearest feature."""

import igl
import numpy as np
from numpy.typing import NDArray

from inr.shapes.mesh import Floats, Mesh, merge_equal


def behind_surface(mesh: Mesh, points: Floats) -> NDArray[np.bool_]:
    """Return whether each point (N, D) is behind the part of the surface nearest to it, (N,) bool.

    The nearest point lies within a face, on an edge or on a vertex, whose pseudonormal is the
    normal, the sum of the unit normals of its two faces, or that of all its faces weighted by
    their angles there (Baerentzen and Aanaes 2005, "Signed Distance Computation Using the Angle
    Weighted Pseudonormal", eq. 3); in 2-D the sum of the unit normals of a corner's segments.
    The point is behind if its offset from there has a negative product with it.

    Right for a closed mesh, consistently oriented, without self-intersection; next to the rim of
    an open mesh, and where parts overlap, it is the side of the nearest piece and no more.
    Faces without area are left out, and vertices at the same place count as one.

    Args:
        mesh: outward faces; with at least one face that has an area.
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
