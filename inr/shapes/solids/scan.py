"""Where the lines of a grid cross the faces of a mesh: scan conversion."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from inr.shapes.mesh import Floats, Ints, Mesh

_CROSSINGS_AT_ONCE = 2**22


class Crossings(NamedTuple):
    """Crossings of faces with grid lines parallel to the last axis.

    Args:
        face: (K,), index of the face.
        line: (K, D - 1), index of the line along each of the other axes.
        position: (K,), coordinate along the line.
        leaves: (K,) bool, whether the line goes from the back of the face to its front.
    """

    face: Ints
    line: Ints
    position: Floats
    leaves: NDArray[np.bool_]


def scan(mesh: Mesh, lines: list[Floats]) -> Iterator[Crossings]:
    """Yield all crossings of a mesh with the lines of a grid, in chunks of bounded size.

    Each crossing is computed only from vertices or edges that adjacent faces share, and ranges are
    half-open, so that rounding is the same in adjacent faces: a line crosses a closed mesh an even
    number of times, and no path along the lines of a grid slips through between two faces.

    Args:
        mesh: mesh, D = 2 or 3.
        lines: coordinates of the lines along each axis but the last, ascending.
    """
    yield from (_scan_segments if mesh.dim == 2 else _scan_triangles)(mesh, lines)


def _scan_segments(mesh: Mesh, lines: list[Floats]) -> Iterator[Crossings]:
    # the first line at or above each vertex
    first = np.searchsorted(lines[0], mesh.vertices[:, 0])
    start, end = mesh.faces.T
    upward = first[start] < first[end]
    low, high = np.where(upward, start, end), np.where(upward, end, start)
    segment, line = expand(first[low], first[high])
    (position,) = _interpolate(mesh.vertices, low[segment], high[segment], 0, lines[0][line])
    yield Crossings(segment, line[:, None], position, ~upward[segment])


def _scan_triangles(mesh: Mesh, lines: list[Floats]) -> Iterator[Crossings]:
    """Cut triangles into rows of constant y, and rows into columns of constant x along z."""
    first_column = np.searchsorted(lines[0], mesh.vertices[:, 0])
    first_row = np.searchsorted(lines[1], mesh.vertices[:, 1])
    for chunk in _bounded_chunks(mesh.faces, first_row, first_column):
        faces = mesh.faces[chunk]
        order = np.argsort(first_row[faces], axis=1, kind="stable")
        low, middle, high = np.take_along_axis(faces, order, axis=1).T
        face, row = expand(first_row[low], first_row[high])
        y = lines[1][row]
        # The edge from low to high, and the other edge that crosses this row.
        below = row < first_row[middle[face]]
        x_long, z_long = _interpolate(mesh.vertices, low[face], high[face], 1, y)
        x_short, z_short = _interpolate(
            mesh.vertices,
            np.where(below, low[face], middle[face]),
            np.where(below, middle[face], high[face]),
            1,
            y,
        )
        column_long = np.searchsorted(lines[0], x_long)
        column_short = np.searchsorted(lines[0], x_short)
        span, column = expand(
            np.minimum(column_long, column_short), np.maximum(column_long, column_short)
        )
        fraction = (lines[0][column] - x_long[span]) / (x_short - x_long)[span]
        z = z_long[span] + fraction * (z_short - z_long)[span]
        # Whether (low, middle, high) has the orientation of the face.
        even = (order[:, 1] - order[:, 0]) % 3 == 1
        facing_up = even[face[span]] == (column_short > column_long)[span]
        line = np.stack([column, row[span]], axis=1)
        yield Crossings(chunk[face[span]], line, z, facing_up)


def _bounded_chunks(faces: Ints, first_row: Ints, first_column: Ints) -> Iterator[Ints]:
    """Yield the faces that cross a row and a column, in chunks with few enough crossings."""
    rows, columns = first_row[faces], first_column[faces]
    rows = rows.max(axis=1) - rows.min(axis=1)
    columns = columns.max(axis=1) - columns.min(axis=1)
    meets = np.flatnonzero((rows > 0) & (columns > 0))
    chunk = np.cumsum((rows * columns)[meets]) // _CROSSINGS_AT_ONCE
    yield from np.split(meets, np.flatnonzero(np.diff(chunk)) + 1)


def expand(start: Ints, stop: Ints) -> tuple[Ints, Ints]:
    """Return the range index and the value of every integer in the ranges [start, stop)."""
    count = np.maximum(stop - start, 0)
    owner = np.repeat(np.arange(len(count)), count)
    first = np.cumsum(count) - count
    return owner, np.arange(len(owner)) - first[owner] + start[owner]


def _interpolate(vertices: Floats, low: Ints, high: Ints, axis: int, at: Floats) -> list[Floats]:
    """Return the other coordinates of the points where edges from low to high reach `at`."""
    start, end = vertices[low], vertices[high]
    fraction = (at - start[:, axis]) / (end[:, axis] - start[:, axis])
    others = [i for i in range(vertices.shape[1]) if i != axis]
    return [start[:, i] + fraction * (end[:, i] - start[:, i]) for i in others]
