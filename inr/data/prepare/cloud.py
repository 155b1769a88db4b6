"""Prepare a point cloud: its surface points, and unsigned distances to them."""

from pathlib import Path

import numpy as np

from inr.data.journal import JournalEntry
from inr.data.layout import Layout, write_npz
from inr.data.prepare.recipe import Recipe
from inr.seeding import seed_from_name
from inr.shapes.mesh import Floats
from inr.shapes.normalize import Normalization, fit_ball, fit_bounds, identity
from inr.shapes.points import nearest_distance, read_points


def prepare_cloud(name: str, source: Path, layout: Layout, recipe: Recipe) -> JournalEntry:
    """Write the surface points of a point cloud, and samples with unsigned distances to it."""
    native, normals = read_points(source, recipe.dim, recipe.formats)
    normalization = _fit_points(native, recipe)
    points = normalization.apply(native)
    rng = seed_from_name(name, recipe.seed)
    groups = [
        points[rng.integers(len(points), size=count)]
        + rng.normal(scale=np.sqrt(variance), size=(count, recipe.dim))
        for count, variance in zip(recipe.near_counts, recipe.near_variances, strict=True)
    ]
    groups.append(rng.uniform(-1.0, 1.0, size=(recipe.num_uniform, recipe.dim)))
    x = np.concatenate(groups).astype(recipe.dtype)
    distance = nearest_distance(points, x.astype(np.float64))
    surface = points if normals is None else np.concatenate([points, normals], axis=1)
    if len(surface) > recipe.num_surface:
        surface = surface[np.sort(rng.permutation(len(surface))[: recipe.num_surface])]
    normalization.save(layout.normalization(name))
    write_npz(layout.root / "samples" / name / "surface.npz", all=surface.astype(np.float32))
    unsigned = np.concatenate([x, distance[:, None]], axis=1).astype(recipe.dtype)
    write_npz(layout.unsigned(name), all=unsigned)
    return {"status": "ok", "reason": "", "points": len(native), "normals": normals is not None}


def _fit_points(points: Floats, recipe: Recipe) -> Normalization:
    if recipe.normalize == "none":
        return identity(recipe.dim)
    bounds = np.stack([points.min(axis=0), points.max(axis=0)])
    if recipe.normalize == "box":
        return fit_bounds(bounds, recipe.extent)
    return fit_ball(points, recipe.extent)
