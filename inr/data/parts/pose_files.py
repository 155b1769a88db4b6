"""Read the pose files of a shape's parts."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inr.files import open_arrays
from inr.shapes.mesh import Floats
from inr.shapes.poses import Flags


def rotation_file(dim: int) -> str:
    """Return the name of the file of rotations."""
    return "angles.npy" if dim == 2 else "quaternions.npy"


def load_present(folder: Path) -> Flags | None:
    """Return the flags of present.npy in a folder of poses, (P,); None if there is no such file.

    Raises:
        ValueError: if it cannot be read, or is not (P,).
    """
    path = folder / "present.npy"
    if not path.exists():
        return None
    array = load_array(path)
    if array.ndim != 1 or not np.isin(array, (0, 1)).all():
        raise ValueError(
            f"'{path}' has shape {array.shape} and dtype {array.dtype}; it must be (P,), true "
            "where the shape has the part"
        )
    return array.astype(bool)


def load_poses(folder: Path, dim: int, num_parts: int) -> tuple[Floats, Floats, Floats]:
    """Return rotations, translations and scales from the files of a folder, unchecked.

    Raises:
        ValueError: if a file is missing, cannot be read, or does not have `num_parts` rows.
    """
    arrays: list[Floats] = []
    widths = {rotation_file(dim): 1 if dim == 2 else 4, "translations.npy": dim, "scales.npy": dim}
    for file, width in widths.items():
        path = folder / file
        if not path.exists():
            others = [other for other in widths if (folder / other).exists()]
            what = f"there are no poses of the parts ('{path}' is missing)"
            if others:
                what = f"'{path}' is missing beside '{others[0]}'; add it"
            raise ValueError(
                f"{what}, or run stage=prepare on meshes and parts without that folder, which "
                "fits all poses of a shape"
            )
        array = load_array(path).astype(np.float64)
        array = array[:, None] if dim == 2 and array.ndim == 1 else array
        if array.shape != (num_parts, width):
            raise ValueError(
                f"'{path}' has shape {array.shape}; {num_parts} parts with data.dim={dim} "
                f"need ({num_parts}, {width})"
            )
        arrays.append(array)
    rotations, translations, scales = arrays
    return rotations, translations, scales


def load_array(path: Path) -> NDArray[np.generic]:
    """Return the array of real numbers or flags in an .npy file.

    Raises:
        ValueError: if the file cannot be read, is an archive, or does not hold numbers.
    """
    try:
        with open_arrays(path) as array:
            is_one = isinstance(array, np.ndarray)
    except Exception as error:
        raise ValueError(f"cannot read the array in '{path}': {error}") from error
    if not is_one:
        raise ValueError(f"'{path}' is an archive of arrays; write one array, with numpy.save")
    if array.dtype.kind not in "biuf":
        raise ValueError(f"'{path}' holds {array.dtype}; real numbers are needed")
    return array
