"""Outlines from numpy arrays: .npy and .npz."""

import io

import numpy as np
from numpy.typing import NDArray

from inr.files import open_arrays
from inr.shapes.formats.masks import mask_loops
from inr.shapes.polygon import Edges, Loop, UnsoundOutlineError, join_loops, lines_of

# a loop may have a gap between last and first point of at most this many times its longest edge
MAX_GAP = 5


def read_edges(data: bytes) -> tuple[Loop, Edges]:
    """Return the arrays vertices (V, 2) and edges (E, 2) of an .npz, unchanged.

    Raises:
        ValueError: if the file lacks them, or is truncated.
    """
    try:
        with open_arrays(io.BytesIO(data), ".npz") as file:
            vertices = file["vertices"].astype(np.float64)
            edges = file["edges"].astype(np.int64)
            for name, array in (("vertices", vertices), ("edges", edges)):
                if array.ndim != 2 or array.shape[1] != 2:
                    raise ValueError(f"{name} have shape {array.shape}, not (n, 2)")
            return vertices, edges
    # empty, truncated and foreign files raise different errors
    except Exception as error:
        raise ValueError(f"it cannot be read as vertices and edges: {error}") from error


def read_loop_or_mask(data: bytes) -> tuple[Loop, Edges]:
    """Return the outline in an .npy, which holds points (V, 2) of one loop, or a mask (H, W).

    Raises:
        ValueError: if it is neither, or the loop is open.
    """
    try:
        with open_arrays(io.BytesIO(data)) as array:
            assert isinstance(array, np.ndarray)
    # numpy raises various errors for a file of another kind
    except Exception as error:
        raise ValueError(f"it cannot be read: {error}") from error
    if array.ndim != 2 or array.dtype.kind not in "biuf":
        raise ValueError(
            f"the array has shape {array.shape} and type {array.dtype}; it must hold points "
            "(V, 2), or a mask (H, W)"
        )
    if array.shape[1] != 2 or array.dtype == bool:
        return join_loops(*mask_loops(array))
    points: NDArray[np.float64] = array.astype(np.float64)
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    gap = float(np.linalg.norm(points[-1] - points[0])) if len(points) else 0.0
    if len(steps) > 3 and gap > MAX_GAP * steps.max():
        raise UnsoundOutlineError(
            f"its outline is open: {gap:g} from the last point to the first, and at most "
            f"{steps.max():g} between others; if it is meant to be closed, repeat the first point "
            "at the end",
            *lines_of([points], closed=False),
        )
    return join_loops([points], ["the outline"])
