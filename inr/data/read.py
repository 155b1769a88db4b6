"""Reading one shape's samples, each refused by name where it is not what it should be."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inr.data.batch import LABELS, SampleField
from inr.data.deepsdf_layout import read_normalization
from inr.data.layout import Layout
from inr.data.parts.read import read_labels
from inr.files import numbers_in
from inr.shapes.points import read_points

Array = NDArray[np.float32]


def read_distances(
    layout: Layout,
    name: str,
    dim: int,
    num_channels: int,
    signed: bool,
    fields: Sequence[SampleField] = (),
) -> tuple[Array, Array]:
    """Return the outer and the inner samples of a shape, (n, D + C + F) and (m, D + C + F).

    The last F columns are those of the fields. Of a point cloud all samples are outer ones, unless
    `signed`, which it has none of. Rows of which the distance or the point is not finite are left
    out: DeepSDF's own sampler leaves such behind on some meshes.

    Raises:
        ValueError: if a file is missing, cannot be read, has other widths or numbers of rows, or no
            sample at all.
    """
    if signed or layout.samples(name).exists():
        path = layout.samples(name)
        sides = _read_signed(layout, name, dim, num_channels)
    else:
        path = layout.unsigned(name)
        sides = _read_unsigned(path, dim)
    found = [_read_field(layout, name, field, path, sides) for field in fields]
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
            f"'{name}' has no signed distances ({path}): learn from its surface points with "
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
    """Return the samples of a point cloud (n, D + 1), with distances of no sign."""
    array = _read(path, "all")
    if array.ndim != 2 or array.shape[1] != dim + 1 or len(array) == 0:
        raise ValueError(
            f"'{path}' has samples of shape {array.shape}; data.dim={dim} needs (n, {dim + 1})"
        )
    return {"all": array}


def _read_field(
    layout: Layout, name: str, field: SampleField, samples: Path, sides: Mapping[str, Array]
) -> dict[str, Array]:
    """Return a field's columns at the samples of a file, by the keys of its arrays."""
    if field.name == LABELS:
        labels = dict(zip(("pos", "neg"), read_labels(layout, name), strict=True))
        return {key: labels[key][:, None].astype(np.float32) for key in sides}
    path = layout.sample_field(name, field.name)
    shapes = {key: (len(side), *([field.width] * bool(field.width))) for key, side in sides.items()}
    if not path.exists():
        arrays = " and ".join(f"{key} {shape}" for key, shape in shapes.items())
        raise ValueError(
            f"the samples of '{name}' have no field '{field.name}' ('{path}' is missing): write it "
            f"with numpy.savez, arrays {arrays}, a row for each sample of '{samples}'; or leave "
            "out the terms of the loss that need it"
        )
    found = {}
    for key, shape in shapes.items():
        array = _read(path, key)
        if array.shape != shape and (field.width is not None or array.shape != (*shape, 1)):
            raise ValueError(
                f"'{path}' has an array '{key}' of shape {array.shape}; a row for each sample of "
                f"'{samples}' makes {shape}"
            )
        found[key] = array.reshape(len(array), field.columns)
        # where the distance itself is not finite, the row is left out
        bad = np.isfinite(sides[key]).all(axis=1) & ~np.isfinite(found[key]).all(axis=1)
        if bad.any():
            raise ValueError(
                f"'{path}' has a value that is not finite in row {int(bad.argmax())} of '{key}'"
            )
    return found


def read_surface_points(layout: Layout, name: str, dim: int, with_normals: bool) -> Array:
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
