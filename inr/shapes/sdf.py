"""Exact distance and signed distance of points to a mesh."""

import igl
import numpy as np
from numpy.typing import NDArray

from inr.shapes.mesh import Floats, Mesh
from inr.shapes.occupancy import occupancy_on_grid
from inr.shapes.winding import check_points, winding_number

# cells a side of the grid that gives most points their sign
SIGN_GRID = 192


def signed_distance(mesh: Mesh, points: Floats) -> Floats:
    """Return the distance of each point to the surface, negative inside.

    Inside is where the winding number is at least 0.5 (3-D), or not zero (2-D). The sign is
    taken apart from the distance: `igl.signed_distance` multiplies the distance by
    1 - 2 * (winding number), so its fast variant is off by the error of the approximation, and
    by a factor where parts of a mesh overlap.

    Args:
        mesh: in the frame of the points; closed, else the sign is the winding number's guess.
        points: (N, D), finite.

    Returns:
        (N,) float64, in the units of the mesh.

    Raises:
        ValueError: if the mesh has no faces, or the points are not finite or not (N, D).
    """
    points = check_points(mesh, points)
    distance = unsigned_distance(mesh, points)
    if mesh.dim == 3 and len(points) >= SIGN_GRID**2 and mesh.is_closed():
        inside = _inside_closed(mesh, points, distance)
    else:
        inside = is_inside(mesh, points)
    return np.where(inside, -distance, distance)


def unsigned_distance(mesh: Mesh, points: Floats) -> Floats:
    """Return the exact distance of each point (N, D) to the faces, (N,) float64.

    Raises:
        ValueError: if the mesh has no faces, or the points are not finite or not (N, D).
    """
    points = check_points(mesh, points)
    vertices = np.ascontiguousarray(mesh.vertices, dtype=np.float64)
    faces = np.ascontiguousarray(mesh.faces, dtype=np.int64)
    # neighbours in space walk the same branches of the tree: in order they take half the time
    order = np.argsort(_morton_code(mesh, points))
    distance = np.empty(len(points))
    distance[order] = np.sqrt(igl.point_mesh_squared_distance(points[order], vertices, faces)[0])
    return distance


def is_inside(mesh: Mesh, points: Floats) -> NDArray[np.bool_]:
    """Return whether each point (N, D) is inside, (N,) bool.

    3-D: winding number at least 0.5; 2-D: the non-zero rule.

    Raises:
        ValueError: if the mesh has no faces, or the points are not finite or not (N, D).
    """
    winding = winding_number(mesh, points)
    return winding != 0 if mesh.dim == 2 else winding >= 0.5


def _inside_closed(mesh: Mesh, points: Floats, distance: Floats) -> NDArray[np.bool_]:
    """Return whether points are inside a closed mesh, given their distance to it.

    Off its surface the winding number of a closed mesh is constant, so that a point shares that
    of its grid cell's centre wherever the centre is nearer than the surface. Only the points
    next to the surface are left for the winding number itself.
    """
    lower, upper = mesh.bounds
    centre, half = (lower + upper) / 2, (upper - lower).max() / 2
    occupied = occupancy_on_grid(mesh, centre - half, centre + half, SIGN_GRID)
    cell = np.floor((points - centre + half) / (2 * half) * SIGN_GRID).astype(np.int64)
    in_grid = ((cell >= 0) & (cell < SIGN_GRID)).all(axis=1)
    cell = cell.clip(0, SIGN_GRID - 1)
    centres = centre - half + (cell + 0.5) * (2 * half / SIGN_GRID)
    known = np.linalg.norm(points - centres, axis=1) < distance
    inside = occupied[tuple(cell.T)] & known & in_grid
    unknown = in_grid & ~known
    if unknown.any():
        inside[unknown] = is_inside(mesh, points[unknown])
    return inside


def _morton_code(mesh: Mesh, points: Floats) -> NDArray[np.int64]:
    """Return the place of each point on a Z-order curve of 1024 cells a side."""
    lower, upper = mesh.bounds
    extent = max(float((upper - lower).max()), np.finfo(float).tiny)
    cell = ((points - lower) / extent * 512 + 256).clip(0, 1023).astype(np.int64)
    code = np.zeros(len(points), dtype=np.int64)
    for axis in range(mesh.dim):
        for bit in range(10):
            code |= ((cell[:, axis] >> bit) & 1) << (bit * mesh.dim + axis)
    return code
