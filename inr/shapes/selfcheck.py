"""Check samples against an independent evaluation of the signed distance."""

from typing import NamedTuple

import igl
import numpy as np

from inr.shapes.mesh import Floats, Mesh

# number of samples checked; for a large mesh the distance is checked for fewer of them (at least
# MIN_SAMPLES), so that brute force takes about MAX_PAIRS pairs of a point and a face
MAX_SAMPLES, MIN_SAMPLES = 500, 16
MAX_PAIRS = 500_000
# the sign is not checked for samples closer to the surface than this
ON_SURFACE = 1e-6


class SelfCheck(NamedTuple):
    """Agreement of samples with a second evaluation of the signed distance.

    Args:
        points: number of samples whose sign was checked; for some of them the distance too.
        sign_agreement: fraction of them with equal sign, samples on the surface excluded; None for
            unsigned distances.
        max_error: largest difference of the distances, in the units of the mesh.
    """

    points: int
    sign_agreement: float | None
    max_error: float


def check_samples(mesh: Mesh, samples: Floats, *, signed: bool) -> SelfCheck:
    """Check some samples: distance by brute force, sign by the exact winding number.

    Args:
        mesh: mesh in the frame of the samples.
        samples: (S, D + 1), point and distance.
        signed: whether the distances are signed.
    """
    order = np.random.default_rng(0).permutation(len(samples))
    chosen = samples[order[:MAX_SAMPLES]].astype(np.float64)
    points, given = np.ascontiguousarray(chosen[:, :-1]), chosen[:, -1]
    count = int(np.clip(MAX_PAIRS // len(mesh.faces), MIN_SAMPLES, len(points)))
    found = brute_force_distance(mesh, points[:count])
    agreement = None
    if signed:
        vertices = np.ascontiguousarray(mesh.vertices, dtype=np.float64)
        winding = igl.winding_number(vertices, np.ascontiguousarray(mesh.faces), points)
        # 2-D: non-zero rule
        inside = np.abs(winding) >= 0.5 if mesh.dim == 2 else winding >= 0.5
        off = np.abs(given) > ON_SURFACE
        agreement = float((inside == (given < 0))[off].mean()) if off.any() else 1.0
    error = float(np.abs(found - np.abs(given[:count])).max(initial=0.0))
    return SelfCheck(len(points), agreement, error)


def brute_force_distance(mesh: Mesh, points: Floats) -> Floats:
    """Return the distance of each point (N, D) to the nearest face, by brute force, (N,)."""
    corners = mesh.corners()
    nearest = np.full(len(points), np.inf)
    for block in np.array_split(corners, max(1, len(corners) * len(points) // 500_000)):
        nearest = np.minimum(nearest, _distances(points, block).min(axis=1))
    return nearest


def _distances(points: Floats, corners: Floats) -> Floats:
    """Return the distance of each point (N, D) to each simplex (F, D, D), (N, F).

    The nearest point of a triangle is the projection onto its plane if that is inside the triangle,
    else the nearest point of its sides.
    """
    num = corners.shape[1]
    pairs = range(num if num > 2 else 1)  # a segment has one side
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
