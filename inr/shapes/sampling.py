"""Random points on and around a surface, with their signed distance."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from inr.shapes import warp
from inr.shapes.edges import sharp_edges
from inr.shapes.mesh import Floats, Mesh
from inr.shapes.sdf import measure


class SdfSamples(NamedTuple):
    """Points with their signed distance, negative inside.

    Args:
        samples: (S, D + 1) float32, point and distance: near-surface samples, then uniform ones.
        uniform: (M, D + 1) float32, the uniform samples only.
        ambiguity: fraction of all points whose winding number is between 0.25 and 0.75; None if the
            sign is not from winding numbers.
    """

    samples: Floats
    uniform: Floats
    ambiguity: float | None


def sample_surface(mesh: Mesh, num_points: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw points uniformly by area (3-D) or length (2-D).

    Returns:
        points (N, D), and the outward unit normals (N, D) of their faces.

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
    *,
    edge_fraction: float = 0.0,
    sign: str = "winding",
    dtype: DTypeLike = np.float32,
    device: str = "cpu",
) -> SdfSamples:
    """Draw points near the surface and in the box, with their signed distance.

    Args:
        mesh: mesh in the box frame; for the signs of an open one see `signed_distance`.
        near_counts: number of near-surface samples for each variance.
        near_variances: variances, along each axis, of the Gaussian displacement from the surface,
            box units squared.
        num_uniform: number of points drawn uniformly in [-1, 1]^D.
        rng: generator of all draws.
        edge_fraction: fraction of the samples of each variance (the last ones of each group) that
            are displaced from sharp edges (3-D) or corners (2-D), see `sharp_edges`. If the shape
            has none, all are drawn uniformly by area.
        sign: definition of the inside, one of `inr.shapes.sdf.SIGNS`.
        dtype: type of the stored samples, float32 or float16: points are rounded to it before
            their distance is computed, but returned as float32.
        device: `cpu`, or a Warp device such as `cuda`.

    Raises:
        ValueError: if counts and variances differ in number, one is negative, `edge_fraction` is
            not between 0 and 1, `sign` is unknown, or the device does not exist.
    """
    _check_recipe(near_counts, near_variances, num_uniform, edge_fraction)
    groups = []
    for count, variance in zip(near_counts, near_variances, strict=True):
        near = _draw_origins(mesh, count, edge_fraction, rng)
        groups.append(near + rng.normal(scale=np.sqrt(variance), size=near.shape))
    groups.append(rng.uniform(-1.0, 1.0, size=(num_uniform, mesh.dim)))
    # rounded first, so that a stored distance belongs to the stored point
    points = np.concatenate(groups).astype(dtype).astype(np.float32)
    exact = points.astype(np.float64)
    found = (
        measure(mesh, exact, sign)
        if device == "cpu"
        else warp.measure(mesh, exact, sign, device=device)
    )
    samples = np.concatenate([points, found.distance[:, None].astype(np.float32)], axis=1)
    return SdfSamples(samples, samples[len(samples) - num_uniform :], found.ambiguity)


def _check_recipe(
    near_counts: Sequence[int],
    near_variances: Sequence[float],
    num_uniform: int,
    edge_fraction: float,
) -> None:
    if len(near_counts) != len(near_variances):
        raise ValueError(
            f"{len(near_counts)} near_counts and {len(near_variances)} near_variances; "
            "give the same number of both"
        )
    if min([num_uniform, *near_counts]) < 0 or min(near_variances, default=0.0) < 0:
        raise ValueError(
            f"near_counts {list(near_counts)}, near_variances {list(near_variances)} and "
            f"num_uniform {num_uniform} must not be negative"
        )
    if not 0 <= edge_fraction <= 1:
        raise ValueError(
            f"edge_fraction is {edge_fraction}; it must be between 0 and 1, "
            "data.sampling.edge_fraction=0.25 for instance"
        )


def _draw_origins(
    mesh: Mesh, num_points: int, edge_fraction: float, rng: np.random.Generator
) -> Floats:
    """Draw points (N, D) on the surface, the last ones on its sharp edges."""
    num_edge = round(edge_fraction * num_points)
    edges = sharp_edges(mesh) if num_edge else None
    if edges is None or not len(edges.weights):
        return sample_surface(mesh, num_points, rng)[0]
    surface, _ = sample_surface(mesh, num_points - num_edge, rng)
    return np.concatenate([surface, edges.sample(num_edge, rng)])


def split_by_sign(samples: Floats) -> tuple[Floats, Floats]:
    """Split samples (S, D + 1) into those with distance at least 0 and those below."""
    outside = samples[:, -1] >= 0
    return samples[outside], samples[~outside]
