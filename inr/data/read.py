"""Read and validate the samples of one shape."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inr.data.batch import LABELS, SampleAttribute
from inr.data.deepsdf_layout import read_normalization
from inr.data.layout import Layout
from inr.data.parts.read import read_labels
from inr.files import open_arrays
from inr.shapes.points import read_points

Array = NDArray[np.float32]


def read_distances(
    layout: Layout,
    name: str,
    dim: int,
    num_channels: int,
    signed: bool,
    attributes: Sequence[SampleAttribute] = (),
) -> tuple[Array, Array]:
    """Return the outer and inner samples of a shape, (n, D + C + F) and (m, D + C + F).

    The last F columns are the attributes. Samples of a point cloud are unsigned and all returned as
    outer ones; with `signed`, a point cloud raises. Rows with a non-finite point or distance are
    dropped: DeepSDF's sampler writes some for certain meshes.

    Raises:
        ValueError: if a file is missing, cannot be read, has the wrong number of rows or columns,
            or has no samples.
    """
    if signed or layout.samples(name).exists():
        path = layout.samples(name)
        sides = _read_signed(layout, name, dim, num_channels)
    else:
        path = layout.unsigned(name)
        sides = _read_unsigned(path, dim)
    found = [_read_attribute(layout, name, attribute, path, sides) for attribute in attributes]
    rows = []
    for key, side in sides.items():
        whole = np.concatenate([side, *(values[key] for values in found)], axis=1)
        rows.append(whole[np.isfinite(side).all(axis=1)])
    if sum(map(len, rows)) == 0:
        raise ValueError(f"'{path}' has no samples")
    return rows[0], rows[1] if len(rows) > 1 else rows[0][:0]


def _read_signed(layout: Layout, name: str, dim: int, num_channels: int) -> dict[str, Array]:
    path = layout.samples(name)
    if not path.exists():
        raise ValueError(
            f"'{name}' has no signed distances ({path}): train on its surface points with "
            "loss=igr, siren, hotspot or sal, or prepare meshes"
        )
    sides = {key: _read(path, key) for key in ("pos", "neg")}
    width = dim + num_channels
    for array in sides.values():
        if array.ndim != 2 or array.shape[1] != width:
            raise ValueError(
                f"'{path}' has samples of shape {array.shape}; data.dim={dim} and "
                f"model.num_channels={num_channels} need (n, {width})"
            )
    return sides


def _read_unsigned(path: Path, dim: int) -> dict[str, Array]:
    """Return the samples of a point cloud with unsigned distances, (n, D + 1)."""
    array = _read(path, "all")
    if array.ndim != 2 or array.shape[1] != dim + 1 or len(array) == 0:
        raise ValueError(
            f"'{path}' has samples of shape {array.shape}; data.dim={dim} needs (n, {dim + 1})"
        )
    return {"all": array}


def _read_attribute(
    layout: Layout, name: str, attribute: SampleAttribute, samples: Path, sides: Mapping[str, Array]
) -> dict[str, Array]:
    """Return the key of each array of samples to the attribute's columns for its rows."""
    if attribute.name == LABELS:
        labels = dict(zip(("pos", "neg"), read_labels(layout, name), strict=True))
        return {key: labels[key][:, None].astype(np.float32) for key in sides}
    path = layout.sample_attribute(name, attribute.name)
    shapes = {
        key: (len(side), *([attribute.width] * bool(attribute.width)))
        for key, side in sides.items()
    }
    if not path.exists():
        arrays = " and ".join(f"{key} {shape}" for key, shape in shapes.items())
        raise ValueError(
            f"the samples of '{name}' have no attribute '{attribute.name}' ('{path}' is missing): "
            f"write it with numpy.savez, arrays {arrays}, one row per sample of '{samples}'; or "
            "remove the loss terms that need it"
        )
    found = {}
    for key, shape in shapes.items():
        array = _read(path, key)
        if array.shape != shape and (attribute.width is not None or array.shape != (*shape, 1)):
            raise ValueError(
                f"'{path}' has an array '{key}' of shape {array.shape}; one row per sample of "
                f"'{samples}' makes it {shape}"
            )
        found[key] = array.reshape(len(array), attribute.columns)
        # rows with a non-finite distance are dropped anyway
        bad = np.isfinite(sides[key]).all(axis=1) & ~np.isfinite(found[key]).all(axis=1)
        if bad.any():
            raise ValueError(
                f"'{path}' has a non-finite value in row {int(bad.argmax())} of '{key}'"
            )
    return found


def read_surface_points(layout: Layout, name: str, dim: int, with_normals: bool) -> Array:
    """Return surface points (k, D), or points and normals (k, 2 D) if the file has normals.

    Raises:
        ValueError: if the file is missing, cannot be read, has the wrong number of columns, or has
            no normals although `with_normals`.
    """
    path = layout.surface(name)
    if not path.exists():
        remedy = f"delete {path.parent} and run stage=prepare to make them"
        if not layout.manifest.exists():  # not made by prepare, which thus cannot add them
            remedy = (
                "its data set was made elsewhere: add that file, or use a loss that does not need "
                "it (loss=deepsdf)"
            )
        raise ValueError(f"'{name}' has no surface points ({path}); {remedy}")
    array = _read_native(layout, name, dim) if path.suffix == ".ply" else _read(path, "all")
    if array.ndim != 2 or array.shape[1] not in (dim, 2 * dim) or len(array) == 0:
        raise ValueError(
            f"'{path}' has points of shape {array.shape}; data.dim={dim} needs (k, {dim}), or "
            f"(k, {2 * dim}) with normals"
        )
    if with_normals and array.shape[1] == dim:
        raise ValueError(
            f"'{name}' has no normals ({path}), which a loss term needs: remove that term "
            "(~loss.normals), or use loss=hotspot or loss=sal with model=igr"
        )
    return array


def _read_native(layout: Layout, name: str, dim: int) -> Array:
    """Return surface points stored in the native frame (DeepSDF's layout), in the box frame."""
    points, normals = read_points(layout.surface(name), dim)
    points = read_normalization(layout.normalization(name)).apply(points)
    columns = [points] if normals is None else [points, normals]
    return np.concatenate(columns, axis=1).astype(np.float32)


def _read(path: Path, key: str) -> Array:
    try:
        if path.suffix == ".npy":
            with open_arrays(path) as array:
                return array.astype(np.float32)
        with open_arrays(path) as file:
            return file[key].astype(np.float32)
    # a truncated archive and a bare array raise errors of their own
    except Exception as error:
        raise ValueError(f"cannot read the array '{key}' of '{path}': {error}") from error
