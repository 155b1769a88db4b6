"""Point clouds as meshes of small discs, so that a renderer of meshes can draw them."""

import numpy as np
from scipy.spatial import cKDTree

from inr.shapes.mesh import Floats, Mesh, empty_mesh

NUM_CORNERS = 6  # of a disc
# the radius of a disc is the distance to this neighbour, which leaves few gaps in random clouds
NUM_NEIGHBORS = 6
MIN_RADIUS, MAX_RADIUS = 0.004, 0.1  # in 3-D, box units: an isolated point stays visible
RADIUS_2D = 0.01  # box units
MAX_POINTS = {2: 4000, 3: 100_000}


def discs(points: Floats, normals: Floats | None) -> Mesh:
    """Return a mesh for drawing a point cloud: a hexagon at each point.

    In 3-D the hexagon is perpendicular to the normal or, without normals, lies in the plane fitted
    to the nearest points. It reaches the nearest points, so that the cloud looks like a surface.
    Hexagons are not oriented; `RayCast` lights both sides. In 2-D the hexagon is a dot.

    Args:
        points: (K, D), points in box units.
        normals: (K, D), unit normals, or None.

    Returns:
        A mesh of at most `MAX_POINTS` hexagons, at evenly spaced indices of the cloud; open in 3-D,
        empty if there are no points.
    """
    count, dim = points.shape
    if count == 0:
        return empty_mesh(dim)
    chosen = np.linspace(0, count - 1, min(count, MAX_POINTS[dim])).astype(np.int64)
    points = points[chosen].astype(np.float64)
    if dim == 2:
        radius: Floats = np.full(len(points), RADIUS_2D)
        axes: Floats = np.tile(np.eye(2), (len(points), 1, 1))
    else:
        near = range(1, min(NUM_NEIGHBORS, len(points) - 1) + 2)  # the first is the point itself
        distance, neighbors = cKDTree(points).query(points, k=near)
        radius = distance[:, -1].clip(MIN_RADIUS, MAX_RADIUS)
        axes = _planes(points[neighbors]) if normals is None else _tangents(normals[chosen])
    angle = 2 * np.pi * np.arange(NUM_CORNERS) / NUM_CORNERS
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1) @ axes
    vertices = points[:, None] + radius[:, None, None] * circle
    corner = np.arange(NUM_CORNERS)
    pieces = np.stack([corner, np.roll(corner, -1)], axis=1)
    if dim > 2:
        pieces = np.stack([0 * corner, corner, corner + 1], axis=1)[1:-1]
    faces = NUM_CORNERS * np.arange(len(points))[:, None, None] + pieces
    return Mesh(vertices.reshape(-1, dim), faces.reshape(-1, dim))


def _tangents(normals: Floats) -> Floats:
    """Return two unit vectors, (K, 2, 3), that form a right-handed frame with each normal."""
    aside = np.where(abs(normals[:, :1]) < 0.7, [1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    right = np.cross(aside, normals)
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    return np.stack([right, np.cross(normals, right)], axis=1)


def _planes(groups: Floats) -> Floats:
    """Return the first two principal axes, (K, 2, 3), of each group of points (K, P, 3)."""
    centred = groups - groups.mean(axis=1, keepdims=True)
    _, axes = np.linalg.eigh(centred.swapaxes(1, 2) @ centred)
    return axes[:, :, :0:-1].swapaxes(1, 2)
