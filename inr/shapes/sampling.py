"""Random points on and around a surface, with their signed distance."""

import hashlib
from collections.abc import Sequence

import numpy as np

from inr.shapes.mesh import Floats, Mesh
from inr.shapes.sdf import signed_distance


def sample_surface(mesh: Mesh, num_points: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw points uniformly by area (3-D) or length (2-D).

    Returns:
        points (N, D) and the outward unit normals (N, D) of the faces that they lie on.

    Raises:
        ValueError: if the faces have no area.
    """
    areas = mesh.face_areas()
    total = areas.sum()
    if mesh.is_empty or not total > 0:
        raise ValueError(f"the {len(mesh.faces)} faces have total area {total}; cannot sample them")
    face = rng.choice(len(areas), size=num_points, p=areas / total)
    # sorted uniform numbers cut [0, 1] into D lengths that are uniform on the simplex
    cuts = np.sort(rng.random((num_points, mesh.dim - 1)), axis=1)
    weights = np.diff(cuts, axis=1, prepend=0.0, append=1.0)
    points = np.einsum("nk,nkd->nd", weights, mesh.corners()[face])
    return points, mesh.face_normals()[face]


def sample_sdf(
    mesh: Mesh,
    near_counts: Sequence[int],
    near_variances: Sequence[float],
    num_uniform: int,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Draw points near the surface and in the box, with their signed distance.

    Args:
        mesh: closed, in the box frame.
        near_counts: how many surface points to displace, for each variance.
        near_variances: of the Gaussian displacement along each axis, in box units squared.
        num_uniform: how many points to draw uniformly in [-1, 1]^D.
        rng: source of all draws.

    Returns:
        all samples, near then uniform, (S, D + 1), and the uniform ones alone (M, D + 1):
        float32, point then signed distance, negative inside.

    Raises:
        ValueError: if counts and variances differ in number, or a variance is negative.
    """
    if len(near_counts) != len(near_variances):
        raise ValueError(
            f"{len(near_counts)} near_counts and {len(near_variances)} near_variances; "
            "give as many of one as of the other"
        )
    if min([num_uniform, *near_counts]) < 0 or min(near_variances, default=0.0) < 0:
        raise ValueError(
            f"near_counts {list(near_counts)}, near_variances {list(near_variances)} and "
            f"num_uniform {num_uniform} must not be negative"
        )
    groups = []
    for count, variance in zip(near_counts, near_variances, strict=True):
        surface, _ = sample_surface(mesh, count, rng)
        groups.append(surface + rng.normal(scale=np.sqrt(variance), size=surface.shape))
    groups.append(rng.uniform(-1.0, 1.0, size=(num_uniform, mesh.dim)))
    # rounded first, so that a stored distance belongs to the stored point
    points = np.concatenate(groups).astype(np.float32)
    distance = signed_distance(mesh, points.astype(np.float64))
    samples = np.concatenate([points, distance[:, None].astype(np.float32)], axis=1)
    return samples, samples[len(samples) - num_uniform :]


def split_by_sign(samples: Floats) -> tuple[Floats, Floats]:
    """Return the samples (S, D + 1) whose distance is at least 0, and the negative ones."""
    outside = samples[:, -1] >= 0
    return samples[outside], samples[~outside]


def seed_from_name(name: str, seed: int) -> np.random.Generator:
    """Return a generator that depends on a shape's name and a seed alone, in any process."""
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))
