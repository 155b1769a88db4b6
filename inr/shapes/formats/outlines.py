"""Closed 2-D outlines from files, by suffix."""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inr.files import numbers_in
from inr.shapes.formats.airfoil import read_airfoil
from inr.shapes.formats.dxf import read_dxf
from inr.shapes.formats.masks import mask_loops, read_picture
from inr.shapes.formats.svg import read_svg
from inr.shapes.formats.text_meshes import decode
from inr.shapes.polygon import Edges, Loop, join_loops

PICTURE_SUFFIXES = (".png", ".bmp", ".gif", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")
# beside the .npz of vertices and edges, which `read_mesh` reads
FLAT_SUFFIXES = (".dat", ".svg", ".dxf", ".npy", *PICTURE_SUFFIXES)
# an array's first point may be that far from its last, in its longest steps, to be joined with it
MOST_STEPS = 5


def read_outline(path: Path) -> tuple[Loop, Edges]:
    """Read the closed outlines in a file; the inside is to the left of each edge.

    Nesting decides which are holes (even-odd), not their direction in the file.

    Args:
        path: an airfoil's coordinates (.dat), a drawing (.svg, .dxf), an array (.npy: points
            (V, 2) of one loop, closed by itself, else a mask (H, W); booleans are always a mask),
            or a picture of a mask.

    Returns:
        vertices (V, 2) and edges (E, 2). Of a mask the unit is a pixel; y goes upwards.

    Raises:
        ValueError: if the file cannot be read, or the outlines are open, meet themselves or one
            another, or enclose nothing; it names the file.
    """
    try:
        suffix = path.suffix.lower()
        vertices, edges = join_loops(*_read_loops(suffix, path.read_bytes()))
    except (OSError, ValueError) as error:
        raise ValueError(f"'{path}': {error}") from error
    if suffix == ".svg":  # its y goes downwards; a mirrored edge has the inside to its right
        return vertices * [1.0, -1.0], edges[:, ::-1]
    return vertices, edges


def _read_loops(suffix: str, data: bytes) -> tuple[list[Loop], list[str]]:
    if suffix == ".dat":
        return [read_airfoil(decode(data))], ["the outline"]
    if suffix == ".svg":
        return read_svg(data)
    if suffix == ".dxf":
        return read_dxf(data)
    if suffix == ".npy":
        return _loops_of_array(data)
    if suffix in PICTURE_SUFFIXES:
        return mask_loops(read_picture(data))
    raise ValueError(f"'{suffix}' is no suffix of outlines; they are {', '.join(FLAT_SUFFIXES)}")


def _loops_of_array(data: bytes) -> tuple[list[Loop], list[str]]:
    try:
        with numbers_in(io.BytesIO(data)) as array:
            assert isinstance(array, np.ndarray)
    # a file of something else raises by what it looks like
    except Exception as error:
        raise ValueError(f"it cannot be read: {error}") from error
    if array.ndim != 2 or array.dtype.kind not in "biuf":
        raise ValueError(
            f"the array has shape {array.shape} and type {array.dtype}; it must hold points "
            "(V, 2), or a mask (H, W)"
        )
    if array.shape[1] != 2 or array.dtype == bool:
        return mask_loops(array)
    points: NDArray[np.float64] = array.astype(np.float64)
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    gap = float(np.linalg.norm(points[-1] - points[0])) if len(points) else 0.0
    if len(steps) > 3 and gap > MOST_STEPS * steps.max():
        raise ValueError(
            f"its outline is open: {gap:g} from the last point to the first, and at most "
            f"{steps.max():g} between others; if it is meant to be closed, repeat the first point "
            "at the end"
        )
    return [points], ["the outline"]
