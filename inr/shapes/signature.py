"""Signatures of shapes from moments, to find near-duplicates."""

from collections.abc import Mapping

import numpy as np
from scipy.spatial import cKDTree

from inr.shapes.mesh import Mesh

# Dimension to the largest signature distance of near-duplicates, in box units. 3-D: when 84 scanned
# and modelled shapes were decimated to half their triangles by quadric error (Garland and Heckbert
# 1997), all signatures moved less than 0.012, half of them less than 0.001; of the 3486 pairs of
# different shapes 3 are closer than 0.02, the closest at 0.006. 2-D: of the 2.4 million pairs of
# 2173 airfoils, 32 are closer than 0.0002 (nearly all the same outline under two names), 64 closer
# than 0.0005, and 187 closer than 0.001.
TOLERANCE = {2: 0.0005, 3: 0.02}


def signature(mesh: Mesh) -> tuple[float, ...]:
    """Return moments of a surface, nearly invariant under file conversion and re-meshing.

    For points x uniform on the surface (3-D) or curve (2-D) of measure A: the square root of A
    (2-D: A / 4), the D-th root of the enclosed volume, E[x], and the entries of E[x x^T]. For a
    simplex with corners c_i and mean c, E[x x^T] = (D^2 c c^T + sum_i c_i c_i^T) / (D (D + 1))
    exactly. Rotating, translating or mirroring a shape changes its signature on purpose, because it
    makes a different training shape.

    Args:
        mesh: mesh in the box frame; open or closed, with either orientation of faces.

    Raises:
        ValueError: if it has no area.
    """
    dim = mesh.dim
    measures = mesh.face_areas()
    total = float(measures.sum())
    if not total > 0:
        raise ValueError("the mesh has no area, so it has no signature")
    corners = mesh.corners()
    means = corners.mean(axis=1)
    weights = measures / total
    first = weights @ means
    second = dim**2 * np.einsum("f,fi,fj->ij", weights, means, means)
    second += np.einsum("f,fki,fkj->ij", weights, corners, corners)
    second /= dim * (dim + 1)
    size = np.sqrt(total) if dim != 2 else total / 4
    bulk = abs(mesh.volume()) ** (1 / dim)
    return tuple(np.concatenate([[size, bulk], first, second[np.triu_indices(dim)]]).tolist())


def near_duplicates(
    signatures: Mapping[str, tuple[float, ...]], tolerance: float
) -> list[tuple[str, str]]:
    """Return the pairs of names whose signatures differ by at most a tolerance.

    They are candidates only: different shapes may have equal moments.

    Args:
        signatures: name to signature, all of the same dimension.
        tolerance: largest Euclidean distance, box units.

    Returns:
        Sorted pairs, each with its names in order.

    Raises:
        ValueError: if signatures have different lengths, 2-D and 3-D.
    """
    names = sorted(signatures)
    if len(names) < 2:
        return []
    if len({len(signatures[name]) for name in names}) > 1:
        raise ValueError("signatures of 2-D and 3-D shapes cannot be compared; give one dimension")
    points = np.array([signatures[name] for name in names])
    pairs = cKDTree(points).query_pairs(tolerance, output_type="ndarray")
    return sorted((names[i], names[j]) for i, j in pairs)
