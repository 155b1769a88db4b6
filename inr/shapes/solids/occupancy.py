"""Occupancy of grid cells by a mesh: scan conversion, or winding numbers for open meshes."""

from collections.abc import Iterator

import igl
import numpy as np
from numpy.typing import NDArray

from inr.shapes.mesh import Floats, Ints, Mesh
from inr.shapes.solids.winding import winding_number

Bools = NDArray[np.bool_]

_CROSSINGS_AT_ONCE = 2**22
_POINTS_AT_ONCE = 2**18


def occupancy_on_grid(mesh: Mesh, lower: Floats, upper: Floats, resolution: int) -> Bools:
    """Return which cell centres of a grid lie inside a mesh.

    Inside means a winding number of at least 0.5 (3-D), or at least 0.5 in magnitude (2-D, the
    non-zero rule). For a closed mesh, winding numbers are exact integers, counted as signed
    crossings along the columns of the grid. For an open mesh they are libigl's fast winding numbers
    (Barill et al. 2018), recomputed exactly if within 0.05 of 0.5. A centre on the surface, to
    rounding, may be either.

    Args:
        mesh: mesh, D = 2 or 3; an empty one has no inside.
        lower: (D,), lower corner of the grid's box, in the mesh's frame.
        upper: (D,), upper corner.
        resolution: R, number of cells along each axis.

    Returns:
        (R,) * D bool; entry [i, j, ...] is the i-th cell along x, the j-th along y, and so on.

    Raises:
        ValueError: if the corners do not have D entries or the resolution is below 1.
    """
    lower, upper = np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64)
    if lower.shape != (mesh.dim,) or upper.shape != (mesh.dim,):
        raise ValueError(
            f"lower and upper have shapes {lower.shape} and {upper.shape}; "
            f"a mesh of dimension {mesh.dim} needs ({mesh.dim},)"
        )
    if resolution < 1:
        raise ValueError(f"resolution is {resolution}; it must be at least 1")
    centres = cell_centres(lower, upper, resolution)
    if mesh.is_empty:
        return np.zeros((resolution,) * mesh.dim, dtype=bool)
    if not mesh.is_closed():
        return _occupancy_of_open(mesh, centres)
    if mesh.dim == 2:
        return _winding_2d(mesh, centres) != 0
    return _winding_3d(mesh, centres) >= 1


def cell_centres(lower: Floats, upper: Floats, resolution: int) -> Floats:
    """Return the coordinates of the cell centres along each axis, (D, R)."""
    fraction = (np.arange(resolution) + 0.5) / resolution
    return lower[:, None] + (upper - lower)[:, None] * fraction


def _occupancy_of_open(mesh: Mesh, centres: Floats) -> Bools:
    dim, resolution = centres.shape
    vertices = np.ascontiguousarray(mesh.vertices, dtype=np.float64)
    faces = np.ascontiguousarray(mesh.faces, dtype=np.int64)
    inside = np.zeros(resolution**dim, dtype=bool)
    for start in range(0, inside.size, _POINTS_AT_ONCE):
        flat = np.arange(start, min(start + _POINTS_AT_ONCE, inside.size))
        index = np.unravel_index(flat, (resolution,) * dim)
        points = np.stack([centres[d][index[d]] for d in range(dim)], axis=1)
        if dim == 2:
            inside[flat] = np.abs(igl.winding_number(vertices, faces, points)) >= 0.5
            continue
        winding = winding_number(mesh, points)
        inside[flat] = winding >= 0.5
    return inside.reshape((resolution,) * dim)


def _winding_2d(mesh: Mesh, centres: Floats) -> Ints:
    """Return the winding number at each centre, (R, R), of closed loops of segments."""
    resolution = centres.shape[1]
    # First row at or above each vertex. A segment crosses the half-open range of rows between its
    # ends, so that a row through a shared vertex is counted once.
    first_row = np.searchsorted(centres[1], mesh.vertices[:, 1])
    start, end = mesh.faces.T
    upward = first_row[start] < first_row[end]
    low, high = np.where(upward, start, end), np.where(upward, end, start)
    segment, row = _expand(first_row[low], first_row[high])
    x = _interpolate(mesh.vertices, low[segment], high[segment], centres[1][row])[0]
    winding = np.zeros((resolution + 1, resolution), dtype=np.int32)
    turn = np.where(upward[segment], -1, 1)
    np.add.at(winding, (np.searchsorted(centres[0], x), row), turn)
    return np.cumsum(winding[:-1], axis=0, dtype=np.int32)


def _winding_3d(mesh: Mesh, centres: Floats) -> Ints:
    """Return the winding number at each centre, (R, R, R), of a closed triangle mesh.

    Triangles are cut into rows of constant y, and rows into columns along z. Each cut is computed
    only from the shared vertex or edge, so that rounding is the same in adjacent triangles, and the
    crossings of each column always cancel.
    """
    resolution = centres.shape[1]
    first_row = np.searchsorted(centres[1], mesh.vertices[:, 1])
    first_column = np.searchsorted(centres[0], mesh.vertices[:, 0])
    # Change of the winding number at entry k of each column; entry R is beyond the grid.
    winding = np.zeros((resolution, resolution, resolution + 1), dtype=np.int32)
    for faces in _bounded_chunks(mesh.faces, first_row, first_column):
        order = np.argsort(first_row[faces], axis=1, kind="stable")
        low, middle, high = np.take_along_axis(faces, order, axis=1).T
        face, row = _expand(first_row[low], first_row[high])
        y = centres[1][row]
        # The edge from low to high, and the other edge that crosses this row.
        below = row < first_row[middle[face]]
        x_long, z_long = _interpolate(mesh.vertices, low[face], high[face], y)
        x_short, z_short = _interpolate(
            mesh.vertices,
            np.where(below, low[face], middle[face]),
            np.where(below, middle[face], high[face]),
            y,
        )
        column_long = np.searchsorted(centres[0], x_long)
        column_short = np.searchsorted(centres[0], x_short)
        span, column = _expand(
            np.minimum(column_long, column_short), np.maximum(column_long, column_short)
        )
        fraction = (centres[0][column] - x_long[span]) / (x_short - x_long)[span]
        z = z_long[span] + fraction * (z_short - z_long)[span]
        # Whether (low, middle, high) has the orientation of the face.
        even = (order[:, 1] - order[:, 0]) % 3 == 1
        facing_up = even[face[span]] == (column_short > column_long)[span]
        entry = np.searchsorted(centres[2], z)
        np.add.at(winding, (column, row[span], entry), np.where(facing_up, -1, 1))
    return np.cumsum(winding, axis=2, dtype=np.int32, out=winding)[:, :, :-1]


def _bounded_chunks(faces: Ints, first_row: Ints, first_column: Ints) -> Iterator[Ints]:
    """Yield the faces that cross a row and a column, in chunks with few enough crossings."""
    rows, columns = first_row[faces], first_column[faces]
    rows = rows.max(axis=1) - rows.min(axis=1)
    columns = columns.max(axis=1) - columns.min(axis=1)
    meets = (rows > 0) & (columns > 0)
    faces = faces[meets]
    chunk = np.cumsum((rows * columns)[meets]) // _CROSSINGS_AT_ONCE
    yield from np.split(faces, np.flatnonzero(np.diff(chunk)) + 1)


def _expand(start: Ints, stop: Ints) -> tuple[Ints, Ints]:
    """Return the range index and the value of every integer in the ranges [start, stop)."""
    count = np.maximum(stop - start, 0)
    owner = np.repeat(np.arange(len(count)), count)
    first = np.cumsum(count) - count
    return owner, np.arange(len(owner)) - first[owner] + start[owner]


def _interpolate(vertices: Floats, low: Ints, high: Ints, y: Floats) -> list[Floats]:
    """Return the other coordinates of the points where edges from low to high reach height y."""
    start, end = vertices[low], vertices[high]
    fraction = (y - start[:, 1]) / (end[:, 1] - start[:, 1])
    return [start[:, i] + fraction * (end[:, i] - start[:, i]) for i in range(0, start.shape[1], 2)]
