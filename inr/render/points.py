"""Point clouds as meshes of small discs, so that a renderer of meshes draws clouds as well."""

import numpy as np
from scipy.spatial import cKDTree

from inr.shapes.mesh import Floats, Mesh, empty_mesh

NUM_CORNERS = 6  # of a disc
# a disc reaches as far as this neighbour, which leaves few gaps between points drawn at random
NUM_NEIGHBORS = 6
SMALLEST, LARGEST = 0.004, 0.1  # radius in 3-D, box units: a point alone still shows
DOT = 0.01  # radius in 2-D, box units
MOST_POINTS = {2: 4000, 3: 100_000}


def discs(points: Floats, normals: Floats | None) -> Mesh:
    """Return a point cloud as a mesh to be drawn, a hexagon at each point.

    In 3-D the hexagon lies at right angles to the normal, or, without normals, in the plane fitted
    to the nearest points, and reaches them: the cloud looks like its surface. It has no outer side,
    for renderers that light both, as `RayCast` does. In 2-D it is a dot.

    Args:
        points: (K, D) in box units.
        normals: (K, D) unit, or None.

    Returns:
        A mesh of at most `MOST_POINTS` hexagons: of more points, every so many-th is drawn. In 3-D
        the mesh is open. Without points it has no face.
    """
    count, dim = points.shape
    if count == 0:
        return empty_mesh(dim)
    chosen = np.linspace(0, count - 1, min(count, MOST_POINTS[dim])).astype(np.int64)
    points = points[chosen].astype(np.float64)
    if dim == 2:
        radius: Floats = np.full(len(points), DOT)
        axes: Floats = np.tile(np.eye(2), (len(points), 1, 1))
    else:
        near = range(1, min(NUM_NEIGHBORS, len(points) - 1) + 2)  # the first is the point itself
        distance, neighbors = cKDTree(points).query(points, k=near)
        radius = distance[:, -1].clip(SMALLEST, LARGEST)
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
    """Return two unit vectors, (K, 2, 3), that make a right-handed frame with each normal."""
    aside = np.where(abs(normals[:, :1]) < 0.7, [1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    right = np.cross(aside, normals)
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    return np.stack([right, np.cross(normals, right)], axis=1)


def _planes(groups: Floats) -> Floats:
    """Return the two unit vectors along which each group (K, P, 3) reaches furthest, (K, 2, 3)."""
    centred = groups - groups.mean(axis=1, keepdims=True)
    _, axes = np.linalg.eigh(centred.swapaxes(1, 2) @ centred)
    return axes[:, :, :0:-1].swapaxes(1, 2)
