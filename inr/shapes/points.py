"""Read point clouds, with or without normals, from files."""

from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from inr.shapes.formats.base import NO_FORMATS, POINTS, Formats, read_own
from inr.shapes.formats.table import reader
from inr.shapes.formats.triangulate import Floats

LEAST_POINTS = 16


def read_points(
    path: Path, dim: int, formats: Formats = NO_FORMATS
) -> tuple[Floats, Floats | None]:
    """Read surface points, and their normals if the file has them.

    Args:
        path: .ply (vertices, with or without nx, ny, nz; faces are ignored), .xyz or .txt (one
            point per line, coordinates then normal, separated by blanks, tabs, commas or
            semicolons; # comments and a title line are skipped), or .npy (K, D) or (K, 2 D).
        dim: D, dimension of space, 2 or 3.
        formats: suffix to a user-defined format; these have precedence.

    Returns:
        points (K, D), and outward unit normals (K, D) or None: float64, in the file's frame.

    Raises:
        ValueError: if the file cannot be read, has neither D nor 2 D columns, non-finite values,
            fewer than 16 distinct points, a normal of length zero, or colours in place of normals;
            the message names the file.
    """
    suffix = path.suffix.lower()
    try:
        if suffix in formats:
            pair = [part for part in read_own(formats[suffix], path) if part is not None]
            table = np.concatenate(pair, axis=1)
        else:
            table = reader(suffix, POINTS)(path.read_bytes(), dim)
        return _split(table, dim)
    except (OSError, ValueError) as error:
        raise ValueError(f"'{path}': {error}") from error


def nearest_distance(cloud: Floats, points: Floats) -> Floats:
    """Return the distance from each of points (N, D) to the nearest of cloud (K, D), (N,)."""
    distance: Floats = cKDTree(cloud).query(points)[0]
    return distance


def _split(table: Floats, dim: int) -> tuple[Floats, Floats | None]:
    if table.ndim != 2 or table.shape[1] not in (dim, 2 * dim):
        raise ValueError(
            f"it holds an array of shape {table.shape}; points in {dim}-D need {dim} columns, or "
            f"{2 * dim} with normals (data.dim={dim})"
        )
    finite = np.isfinite(table).all(axis=1)
    if not finite.all():
        bad = int(np.argmin(finite))
        raise ValueError(
            f"point {bad + 1} has values that are not finite numbers: {table[bad].tolist()} "
            f"({np.sum(~finite)} such points)"
        )
    points = table[:, :dim]
    distinct = len(np.unique(points, axis=0))
    if distinct < LEAST_POINTS:
        raise ValueError(f"it has {distinct} distinct points; a cloud needs at least 16")
    if table.shape[1] == dim:
        return points, None
    normals = table[:, dim:]
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    if not length.all():
        bad = int(np.argmin(length))
        raise ValueError(
            f"the normal of point {bad + 1} has length zero ({np.sum(length == 0)} such points); "
            "correct the normals, or remove them all"
        )
    if (normals >= 0).all() and normals.max() > 1 and (normals == normals.round()).all():
        raise ValueError(
            f"its last {dim} columns are whole numbers up to {normals.max():g}: colours, not "
            "normals; remove them"
        )
    return points, normals / length
