"""Read the parts of shapes: meshes, poses, and the part label of each sample."""

import re
from pathlib import Path

import numpy as np

from inr.data.layout import Layout
from inr.data.parts.pose_files import load_array, load_poses, load_present
from inr.files import open_arrays
from inr.shapes.mesh import Ints, Mesh, read_mesh
from inr.shapes.poses import Flags, Poses, check_poses

# labels may be stored in float16, which is exact for integers up to this
MAX_PARTS = 2048
SUFFIXES = (".obj", ".ply", ".npz")


def part_mesh(layout: Layout, name: str, number: int) -> Path:
    """Return the file of a part's mesh in the box frame; it does not exist for an absent part."""
    paths = [layout.part_meshes(name) / f"part{number}{suffix}" for suffix in SUFFIXES]
    return next((path for path in paths if path.exists()), paths[0])


def part_number(path: Path) -> int | None:
    """Return i of a file part<i>.<suffix>, case-insensitively; None for any other file."""
    found = re.fullmatch(r"part(\d+)", path.stem, re.IGNORECASE)
    return None if found is None else int(found[1])


def count_parts(layout: Layout, name: str) -> int:
    """Return P of a shape, 0 without parts: from present.npy or poses, else from the last part.

    Raises:
        ValueError: if a file cannot be read.
    """
    return _count(layout, name, load_present(layout.poses(name)))


def _count(layout: Layout, name: str, present: Flags | None) -> int:
    if present is not None:
        return len(present)
    for file in ("quaternions.npy", "angles.npy"):
        path = layout.poses(name) / file
        if path.exists():
            return len(np.atleast_1d(load_array(path)))
    labels = [array.max(initial=-1) for array in _load_labels(layout.labels(name))]
    return max([-1, *labels, *_numbered_meshes(layout, name)]) + 1


def read_present(layout: Layout, name: str) -> Flags:
    """Return which parts a shape has, (P,) bool.

    Read from present.npy; without it, the parts with a mesh, or that samples belong to.

    Raises:
        ValueError: if the shape has no parts, a file cannot be read, or a mesh is of a part beyond
            those that present.npy or poses list.
    """
    present = load_present(layout.poses(name))
    num_parts = _count(layout, name, present)
    if num_parts == 0:
        raise ValueError(
            f"'{name}' has no parts ({layout.root / 'parts'}): prepare a folder that has "
            "parts/meshes/<name>/part<i>.obj beside the meshes, or use a model without parts"
        )
    meshes = _numbered_meshes(layout, name)
    last = max(meshes, default=-1)
    if last >= num_parts:
        raise ValueError(
            f"'{meshes[last]}' is of a part beyond the {num_parts} that "
            f"'{layout.poses(name)}' lists, numbered from 0; add a row for it, or remove it"
        )
    if present is not None:
        return present
    if layout.part_meshes(name).is_dir():
        return np.array([part_mesh(layout, name, i).exists() for i in range(num_parts)])
    labels = np.concatenate(_load_labels(layout.labels(name)))
    if len(labels) == 0:  # no sign that any part is absent
        return np.ones(num_parts, dtype=bool)
    return np.isin(np.arange(num_parts), labels)


def read_poses(layout: Layout, name: str, dim: int, num_parts: int | None = None) -> Poses:
    """Return the poses of a shape's parts.

    Args:
        layout: the data set.
        name: the shape.
        dim: D.
        num_parts: required number of parts; None for any.

    Raises:
        ValueError: if a file is missing or has the wrong shape, the number of parts differs, or the
            pose of a present part has a quaternion of norm 0, a scale not above 0, a non-finite
            value, or a translation outside the box [-1, 1]^D.
    """
    present = read_present(layout, name)
    folder = layout.poses(name)
    if num_parts is not None and len(present) != num_parts:
        raise ValueError(
            f"'{name}' has {len(present)} parts, and latent.num_parts={num_parts}; set "
            f"latent.num_parts={len(present)}, or if other shapes have {num_parts}, give "
            f"'{folder}' as many rows, with present.npy false for absent parts"
        )
    return check_poses(
        *load_poses(folder, dim, len(present)), present, where=f"'{folder}'", in_box=True
    )


def read_labels(layout: Layout, name: str) -> tuple[Ints, Ints]:
    """Return the part of each outer and inner sample, (n,) and (m,) int64.

    Args:
        layout: the data set.
        name: the shape.

    Raises:
        ValueError: if the labels are missing, cannot be read, differ in number from the samples, or
            name a part that the shape does not have.
    """
    path = layout.labels(name)
    if not path.exists():
        raise ValueError(
            f"the samples of '{name}' have no part labels ('{path}' is missing); run stage=prepare "
            "on its meshes and parts (with overwrite=true if it was run before), or remove the "
            "loss terms that need them"
        )
    pos, neg = _load_labels(path)
    try:
        with open_arrays(layout.samples(name)) as samples:
            numbers = [len(samples[side]) for side in ("pos", "neg")]
    except Exception as error:  # a truncated archive and a bare array raise errors of their own
        raise ValueError(f"cannot read the samples in '{layout.samples(name)}': {error}") from error
    if numbers != [len(pos), len(neg)]:
        raise ValueError(
            f"'{path}' labels {len(pos)} outer and {len(neg)} inner samples, and "
            f"'{layout.samples(name)}' has {numbers[0]} and {numbers[1]}; run stage=prepare to "
            "write both again"
        )
    present = read_present(layout, name)
    named = np.unique(np.concatenate([pos, neg]))
    if len(named) and not 0 <= named[0] <= named[-1] < min(len(present), MAX_PARTS):
        raise ValueError(
            f"'{path}' has labels from {named[0]} to {named[-1]}; {len(present)} parts are "
            f"numbered from 0 to {len(present) - 1}, at most to {MAX_PARTS - 1}"
        )
    absent = named[~present[named]]
    if len(absent):
        raise ValueError(
            f"'{path}' labels samples with part {absent[0]}, which '{name}' does not have; run "
            "stage=prepare to write parts and labels again"
        )
    return pos, neg


def read_parts(layout: Layout, name: str) -> list[Mesh | None]:
    """Return the mesh of each part in the box frame; None for an absent part.

    Raises:
        ValueError: if a mesh cannot be read, is missing, or leaves the box [-1, 1]^D.
    """
    parts: list[Mesh | None] = []
    for number, is_present in enumerate(read_present(layout, name)):
        path = part_mesh(layout, name, number)
        if is_present and not path.exists():
            raise ValueError(f"'{name}' has no mesh of its part {number} ('{path}' is missing)")
        parts.append(check_in_box(read_mesh(path), f"'{path}'") if is_present else None)
    return parts


def check_in_box(part: Mesh, what: str) -> Mesh:
    """Return a part's mesh unchanged.

    Raises:
        ValueError: if it leaves the box [-1, 1]^D by more than rounding.
    """
    lower, upper = part.bounds
    if lower.min() < -1 - 1e-6 or upper.max() > 1 + 1e-6:
        raise ValueError(
            f"{what} spans {lower.round(3).tolist()} to {upper.round(3).tolist()} in the box frame "
            "and leaves the box [-1, 1]^D; a part must be in the frame of its shape"
        )
    return part


def _numbered_meshes(layout: Layout, name: str) -> dict[int, Path]:
    """Return part number to mesh file, of the meshes that exist."""
    paths = layout.part_meshes(name).glob("part*")
    numbered = ((part_number(path), path) for path in paths if path.suffix in SUFFIXES)
    return {number: path for number, path in numbered if number is not None}


def _load_labels(path: Path) -> tuple[Ints, Ints]:
    """Return labels (n,) and (m,), both empty if there is no file."""
    if not path.exists():
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    try:
        with open_arrays(path) as file:
            pos, neg = (file[side].reshape(-1) for side in ("pos", "neg"))
        whole = pos.astype(np.int64), neg.astype(np.int64)
    # a truncated archive and a bare array raise errors of their own
    except Exception as error:
        raise ValueError(f"cannot read the labels 'pos' and 'neg' of '{path}': {error}") from error
    if (whole[0] != pos).any() or (whole[1] != neg).any():
        raise ValueError(f"'{path}' has labels that are not integers")
    return whole
