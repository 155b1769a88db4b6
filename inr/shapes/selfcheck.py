"""A second opinion on samples, by a route that shares nothing with the first."""

from typing import NamedTuple

import igl
import numpy as np

from inr.shapes.mesh import Floats, Mesh

# samples that are evaluated again; of a large mesh the distances of fewer, each to all faces
MOST, LEAST = 500, 16
PAIRS = 500_000
# a sign is not held against a sample that lies on the surface
ON_SURFACE = 1e-6


class SelfCheck(NamedTuple):
    """Agreement of samples with a second evaluation of the signed distance.

    Args:
        points: number evaluated; of the first ones the distance as well, not only the sign.
        sign_agreement: fraction of them whose sign is the same, those on the surface left out; None
            for distances without sign.
        max_error: largest difference of the distances, in the units of the mesh.
    """

    points: int
    sign_agreement: float | None
    max_error: float


def check_samples(mesh: Mesh, samples: Floats, *, signed: bool) -> SelfCheck:
    """Evaluate some samples again: distance by brute force, sign by the exact winding number.

    Args:
        mesh: in the frame of the samples.
        samples: (S, D + 1), point and signed distance.
        signed: whether the distances have a sign.
    """
    chosen = samples[np.random.default_rng(0).permutation(len(samples))[:MOST]].astype(np.float64)
    points, given = np.ascontiguousarray(chosen[:, :-1]), chosen[:, -1]
    count = int(np.clip(PAIRS // len(mesh.faces), LEAST, len(points)))
    found = brute_force_distance(mesh, points[:count])
    agreement = None
    if signed:
        vertices = np.ascontiguousarray(mesh.vertices, dtype=np.float64)
        winding = igl.winding_number(vertices, np.ascontiguousarray(mesh.faces), points)
        # in 2-D any winding is inside, a clockwise one as well
        inside = np.abs(winding) >= 0.5 if mesh.dim == 2 else winding >= 0.5
        off = np.abs(given) > ON_SURFACE
        agreement = float((inside == (given < 0))[off].mean()) if off.any() else 1.0
    error = float(np.abs(found - np.abs(given[:count])).max(initial=0.0))
    return SelfCheck(len(points), agreement, error)


def brute_force_distance(mesh: Mesh, points: Floats) -> Floats:
    """Return the distance of each point (N, D) to the nearest face, every face looked at, (N,)."""
    corners = mesh.corners()
    nearest = np.full(len(points), np.inf)
    for block in np.array_split(corners, max(1, len(corners) * len(points) // 500_000)):
        nearest = np.minimum(nearest, _distances(points, block).min(axis=1))
    return nearest


def _distances(points: Floats, corners: Floats) -> Floats:
    """Return the distance of each point (N, D) to each simplex (F, D, D), (N, F).

    The nearest point of a triangle is its plane's where that lies inside, else one of its sides'.
    """
    num = corners.shape[1]
    pairs = range(num if num > 2 else 1)  # a segment is its own one side
    sides = [_to_segments(points, corners[:, i], corners[:, (i + 1) % num]) for i in pairs]
    distance = np.min(sides, axis=0)
    if num == 2:
        return distance
    origin, one, other = corners[:, 0], *(corners[:, 1:] - corners[:, :1]).swapaxes(0, 1)
    normal = np.cross(one, other)
    area = np.linalg.norm(normal, axis=1)
    flat = area <= 0
    unit = normal / np.where(flat, 1.0, area)[:, None]
    offset = points[:, None] - origin
    # barycentric coordinates of the foot point, as areas
    second = np.einsum("nfd,fd->nf", np.cross(offset, other), normal)
    third = np.einsum("nfd,fd->nf", np.cross(one, offset), normal)
    above = (second >= 0) & (third >= 0) & (second + third <= area**2) & ~flat
    height = np.abs(np.einsum("nfd,fd->nf", offset, unit))
    return np.where(above, np.minimum(height, distance), distance)


def _to_segments(points: Floats, start: Floats, end: Floats) -> Floats:
    along = end - start
    square = np.maximum((along**2).sum(axis=1), np.finfo(float).tiny)
    offset = points[:, None] - start
    fraction = (np.einsum("nfd,fd->nf", offset, along) / square).clip(0, 1)
    return np.linalg.norm(offset - fraction[..., None] * along, axis=-1)
