"""Reading one shape's samples, each refused by name where it is not what it should be."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inr.data.deepsdf_layout import read_normalization
from inr.data.layout import Layout
from inr.data.parts.read import read_labels
from inr.files import numbers_in
from inr.shapes.points import read_points

Array = NDArray[np.float32]


def read_distances(
    layout: Layout, name: str, dim: int, num_channels: int, signed: bool
) -> tuple[Array, Array]:
    """Return the outer and the inner samples of a shape, (n, D + C) and (m, D + C).

    Of a point cloud all samples are outer ones, unless `signed`, which it has none of.

    Raises:
        ValueError: see read_samples and read_unsigned.
    """
    if signed or layout.samples(name).exists():
        return read_samples(layout, name, dim, num_channels)
    return read_unsigned(layout, name, dim)


def read_samples(layout: Layout, name: str, dim: int, num_channels: int) -> tuple[Array, Array]:
    """Return the outer and the inner samples of a shape, (n, D + C) and (m, D + C).

    Raises:
        ValueError: if the file cannot be read, has other widths, or no sample at all.
    """
    return _drop_broken(*_read_samples(layout, name, dim, num_channels), layout.samples(name))


def read_labelled(layout: Layout, name: str, dim: int, num_channels: int) -> tuple[Array, Array]:
    """Return samples as `read_samples` does, with their part's number as one more column.

    Raises:
        ValueError: if samples or labels cannot be read, or do not match.
    """
    pos, neg = _read_samples(layout, name, dim, num_channels)
    rows = [
        np.concatenate([side, labels[:, None].astype(np.float32)], axis=1)
        for side, labels in zip((pos, neg), read_labels(layout, name), strict=True)
    ]
    return _drop_broken(rows[0], rows[1], layout.samples(name))


def _read_samples(layout: Layout, name: str, dim: int, num_channels: int) -> tuple[Array, Array]:
    path = layout.samples(name)
    if not path.exists():
        raise ValueError(
            f"'{name}' has no signed distances ({path}): learn from its surface points with "
            "loss=igr, siren, hotspot or sal, or prepare meshes"
        )
    pos, neg = (_read(path, key) for key in ("pos", "neg"))
    width = dim + num_channels
    for array in (pos, neg):
        if array.ndim != 2 or array.shape[1] != width:
            raise ValueError(
                f"'{path}' has samples of shape {array.shape}; data.dim={dim} and "
                f"model.num_channels={num_channels} need (n, {width})"
            )
    return pos, neg


def _drop_broken(pos: Array, neg: Array, path: Path) -> tuple[Array, Array]:
    # DeepSDF's own sampler leaves NaN distances behind on some meshes
    pos, neg = (a[np.isfinite(a).all(axis=1)] for a in (pos, neg))
    if len(pos) + len(neg) == 0:
        raise ValueError(f"'{path}' has no samples")
    return pos, neg


def read_unsigned(layout: Layout, name: str, dim: int) -> tuple[Array, Array]:
    """Return the samples of a point cloud (n, D + 1), with distances of no sign, and none inside.

    Raises:
        ValueError: if the file cannot be read or has another width.
    """
    path = layout.unsigned(name)
    array = _read(path, "all")
    if array.ndim != 2 or array.shape[1] != dim + 1 or len(array) == 0:
        raise ValueError(
            f"'{path}' has samples of shape {array.shape}; data.dim={dim} needs (n, {dim + 1})"
        )
    return array, array[:0]


def read_surface(layout: Layout, name: str, dim: int, with_normals: bool) -> Array:
    """Return surface points (k, D), or points with normals (k, 2 D) where there are any.

    Raises:
        ValueError: if the file is missing, cannot be read, has other widths, or lacks normals that
            are asked for.
    """
    path = layout.surface(name)
    if not path.exists():
        remedy = f"delete {path.parent} and run stage=prepare to make them"
        if not layout.manifest.exists():  # prepare knows nothing of what it was made of
            remedy = "its data set was made elsewhere: add that file, or do without (loss=deepsdf)"
        raise ValueError(f"'{name}' has no surface points ({path}); {remedy}")
    array = _read_native(layout, name, dim) if path.suffix == ".ply" else _read(path, "all")
    if array.ndim != 2 or array.shape[1] not in (dim, 2 * dim) or len(array) == 0:
        raise ValueError(
            f"'{path}' has points of shape {array.shape}; data.dim={dim} needs (k, {dim}), or "
            f"(k, {2 * dim}) with normals"
        )
    if with_normals and array.shape[1] == dim:
        raise ValueError(
            f"'{name}' has no normals ({path}), which a term of the loss needs: leave that out "
            "(~loss.normals), or use loss=hotspot or loss=sal with model=igr"
        )
    return array


def _read_native(layout: Layout, name: str, dim: int) -> Array:
    """Return the surface points of DeepSDF's layout, which are in the native frame."""
    points, normals = read_points(layout.surface(name), dim)
    points = read_normalization(layout.normalization(name)).apply(points)
    columns = [points] if normals is None else [points, normals]
    return np.concatenate(columns, axis=1).astype(np.float32)


def _read(path: Path, key: str) -> Array:
    try:
        if path.suffix == ".npy":
            with numbers_in(path) as array:
                return array.astype(np.float32)
        with numbers_in(path) as file:
            return file[key].astype(np.float32)
    # a truncated archive and a bare array raise errors of their own
    except Exception as error:
        raise ValueError(f"cannot read the array '{key}' of '{path}': {error}") from error
