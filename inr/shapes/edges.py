"""The sharp edges of a surface: creases of triangle meshes, corners of outlines."""

from dataclasses import dataclass

import numpy as np

from inr.shapes.mesh import Floats, Ints, Mesh, merge_equal

# well above the angle at the edges of a tessellated smooth surface, a few degrees for 6000 faces
SHARP_ANGLE = np.deg2rad(20.0)


@dataclass(frozen=True)
class SharpEdges:
    """Sharp edges of a mesh: segments (3-D), or corners as segments of length zero (2-D).

    Args:
        starts: (E, D), first end point of each edge.
        ends: (E, D), second end point of each edge.
        weights: (E,), relative sampling density of each edge, above 0.
    """

    starts: Floats
    ends: Floats
    weights: Floats

    def sample(self, num_points: int, rng: np.random.Generator) -> Floats:
        """Draw points (N, D): an edge in proportion to its weight, uniform along it."""
        edge = rng.choice(len(self.weights), size=num_points, p=self.weights / self.weights.sum())
        fraction = rng.random((num_points, 1))
        return self.starts[edge] + fraction * (self.ends[edge] - self.starts[edge])


def sharp_edges(mesh: Mesh) -> SharpEdges:
    """Return the edges with a dihedral angle (2-D: turning angle) above 20 degrees, if any.

    As in the sharp edge sampling of Dora (Chen et al. 2025, "Dora: Sampling and Benchmarking for
    3D Shape Variational Auto-Encoders"), an edge is sharp if the angle between the normals of its
    two faces exceeds a threshold. The weight of an edge is the angle above the threshold, times its
    length in 3-D, so that edges near the threshold get few samples.

    Only edges (2-D: vertices) of exactly two non-degenerate faces count: boundary and non-manifold
    edges are ignored. Vertices at the same position are merged. Inconsistent orientation of
    neighbouring faces does not matter.
    """
    merged = merge_equal(mesh)
    merged = Mesh(merged.vertices, merged.faces[merged.face_areas() > 0])
    # ridge: the D - 1 vertices that two faces share; `ahead`: its direction in each face
    if merged.dim == 2:
        ridges, ahead = merged.faces.T.reshape(-1, 1), np.repeat([True, False], len(merged.faces))
    else:
        ridges = np.concatenate([merged.faces[:, [i, (i + 1) % 3]] for i in range(3)])
        ahead = ridges[:, 0] < ridges[:, 1]
    face = np.tile(np.arange(len(merged.faces)), merged.dim)
    ridge, first, second = _pairs(np.sort(ridges, axis=1))
    normals = merged.face_normals()[face]
    agreeing = np.where(ahead[first] != ahead[second], 1.0, -1.0)[:, None]
    angle = _angle(normals[first], agreeing * normals[second])
    starts, ends = merged.vertices[ridge[:, 0]], merged.vertices[ridge[:, -1]]
    length = np.ones(len(ridge)) if merged.dim == 2 else np.linalg.norm(ends - starts, axis=1)
    weights = length * (angle - SHARP_ANGLE)
    sharp = weights > 0
    return SharpEdges(starts[sharp], ends[sharp], weights[sharp])


def _pairs(rows: Ints) -> tuple[Ints, Ints, Ints]:
    """Return the rows that occur exactly twice, (E, K), and the indices of both, (E,) each."""
    order = np.lexsort(rows.T)
    ordered = rows[order]
    new = np.ones(len(rows), dtype=bool)
    new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    start = np.flatnonzero(new)
    start = start[np.diff(start, append=len(rows)) == 2]
    return ordered[start], order[start], order[start + 1]


def _angle(first: Floats, second: Floats) -> Floats:
    """Return the angle between unit vectors (E, D), in radians, (E,)."""
    apart = np.linalg.norm(first - second, axis=1)
    return 2 * np.arctan2(apart, np.linalg.norm(first + second, axis=1))
