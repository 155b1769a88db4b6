"""Dual contouring of Hermite data: surfaces with sharp edges from crossings of grid edges.

Follows Ju et al. 2002 ("Dual Contouring of Hermite Data"), with a vertex for each sheet of the
surface in a cell (Nielson 2004, "Dual Marching Cubes"). The result is closed, and a manifold but
where a sheet passes twice from one cell to the next: that edge has four faces.
"""

from functools import cache
from itertools import product

import numpy as np

from inr.shapes.mesh import Floats, Ints, Mesh
from inr.shapes.solids.grid import Bools, Grid

# singular values below this fraction of the largest are left out: no edge, but noise of normals
_LEAST_SINGULAR = 0.05
# normals of a vertex that agree to this squared length of their mean are those of one plane
_ONE_PLANE = 1 - 1e-6
_SMOOTHINGS = 20


def dual_contour(
    inside: Bools, grid: Grid, node: Ints, axis: Ints, points: Floats, normals: Floats
) -> Mesh:
    """Return the closed surface between the nodes inside and outside.

    Each vertex minimises the squared distances to the planes of the crossings in its cell. Where
    none of these has a normal, vertices are smoothed instead, their neighbours fixed.

    Args:
        inside: (nodes,), none of them on the boundary of the grid.
        grid: the grid.
        node: (K,), lower node of each edge between a node inside and one outside: all of these.
        axis: (K,), axis of the edge.
        points: (K, D), where the surface crosses the edge.
        normals: (K, D), its outward unit normal there; zero if it is not known.

    Returns:
        Mesh with faces oriented outward.
    """
    cells, corner = _cells_of_edges(grid, node, axis)
    cells, index = np.unique(cells, return_inverse=True)
    corners = list(product((0, 1), repeat=grid.dim))
    config = np.zeros(len(cells), dtype=np.int64)
    for bit, offset in enumerate(corners):
        config |= inside[cells + int(np.array(offset) @ grid.strides)].astype(np.int64) << bit
    index = index.reshape(corner.shape)
    sheet = _sheets(grid.dim)[config[index], axis[:, None], corner]
    keys, vertex = np.unique(index * 2**grid.dim + sheet, return_inverse=True)
    vertex = vertex.reshape(corner.shape)
    lowest = grid.positions(cells[keys // 2**grid.dim])
    positions, is_known = _minimise(vertex, points, normals, len(keys))
    # outside its cell, a vertex could turn faces over
    positions = positions.clip(lowest, lowest + grid.step)
    faces = _faces(vertex, positions, normals, inside[node])
    return Mesh(_smooth(positions, faces, ~is_known), faces)


def _cells_of_edges(grid: Grid, node: Ints, axis: Ints) -> tuple[Ints, Ints]:
    """Return the cells around each edge, in cyclic order, and the edge's lower corner in each.

    Returns:
        cells by their lowest node and corners by number, both (K, 2 or 4).
    """
    cells = np.empty((len(node), 2 * grid.dim - 2), dtype=np.int64)
    corner = np.empty_like(cells)
    bits = 2 ** np.arange(grid.dim - 1, -1, -1)
    for i in range(grid.dim):
        chosen = axis == i
        others = [(i + 1 + k) % grid.dim for k in range(grid.dim - 1)]
        around = [(1 - i,), (i,)] if grid.dim == 2 else [(1, 1), (0, 1), (0, 0), (1, 0)]
        for column, offset in enumerate(around):
            cells[chosen, column] = node[chosen] - np.array(offset) @ grid.strides[others]
            corner[chosen, column] = np.array(offset) @ bits[others]
    return cells, corner


@cache
def _sheets(dim: int) -> Ints:
    """Return the sheet of the surface to which each edge of a cell belongs.

    Corners are numbered in the order of `product((0, 1), repeat=dim)`. On a face with two inside
    corners that are diagonal, the surface separates them.

    Returns:
        (2^corners, D, corners): by which corners are inside, axis of the edge, and its lower
        corner; -1 where the surface does not cross the edge.
    """
    corners = list(product((0, 1), repeat=dim))
    squares = [
        square
        for square in product((0, 1, None), repeat=dim)
        if square.count(None) == 2  # the two axes along which the square extends
    ]
    table = np.full((2 ** len(corners), dim, len(corners)), -1, dtype=np.int64)
    for config in range(2 ** len(corners)):
        inside = {corner: bool(config >> bit & 1) for bit, corner in enumerate(corners)}
        sheets = [
            {(axis, corner)}
            for axis in range(dim)
            for corner in corners
            if corner[axis] == 0 and inside[corner] != inside[_beside(corner, axis)]
        ]
        for square in squares:
            for linked in _links(square, inside):
                joined = [sheet for sheet in sheets if sheet & linked]
                sheets = [s for s in sheets if s not in joined] + [set().union(*joined)]
        for number, sheet in enumerate(sorted(sheets, key=min)):
            for axis, corner in sheet:
                table[config, axis, corners.index(corner)] = number
    return table


Corner = tuple[int, ...]


def _beside(corner: Corner, axis: int) -> Corner:
    return (*corner[:axis], 1 - corner[axis], *corner[axis + 1 :])


def _links(
    square: tuple[int | None, ...], inside: dict[Corner, bool]
) -> list[set[tuple[int, Corner]]]:
    """Return the pairs of crossed edges that the surface joins on a square."""
    axes = [axis for axis, value in enumerate(square) if value is None]
    ring = []
    for pair in ((0, 0), (1, 0), (1, 1), (0, 1)):
        values = dict(zip(axes, pair, strict=True))
        ring.append(tuple(values[i] if v is None else v for i, v in enumerate(square)))
    crossed = []
    for position, corner in enumerate(ring):
        beyond = ring[(position + 1) % 4]
        if inside[corner] != inside[beyond]:
            axis = axes[position % 2]
            crossed.append((position, (axis, min(corner, beyond))))
    if len(crossed) < 4:
        return [{edge for _, edge in crossed}] if crossed else []
    edges = [edge for _, edge in crossed]
    return [{edges[k], edges[k - 1]} for k in range(4) if inside[ring[k]]]


def _minimise(vertex: Ints, points: Floats, normals: Floats, num: int) -> tuple[Floats, Bools]:
    """Return the positions of vertices that minimise the error, and which have any normal."""
    dim = points.shape[1]
    flat, edge = vertex.reshape(-1), np.repeat(np.arange(len(vertex)), vertex.shape[1])

    def sums(values: Floats) -> Floats:
        columns = values.reshape(len(values), -1).T
        return np.stack([np.bincount(flat, column, num) for column in columns], axis=1)

    count = np.bincount(flat, minlength=num)[:, None]
    mean = sums(points[edge]) / count
    normal = normals[edge]
    known = np.bincount(flat, normal.any(axis=1), num)
    one_plane = (sums(normal) ** 2).sum(axis=1) > _ONE_PLANE * count[:, 0] ** 2
    todo = ~one_plane & (known > 0)
    # mean + the least-norm solution of A x = b, without small singular values
    offset = np.einsum("nd,nd->n", points[edge] - mean[flat], normal)
    matrix = sums(np.einsum("ni,nj->nij", normal, normal))[todo].reshape(-1, dim, dim)
    values, vectors = np.linalg.eigh(matrix)
    least = _LEAST_SINGULAR * values[:, -1:]
    inverse = np.divide(1.0, values, out=np.zeros_like(values), where=values > least)
    projected = np.einsum("nji,nj->ni", vectors, sums(normal * offset[:, None])[todo])
    mean[todo] += np.einsum("nij,nj->ni", vectors, inverse * projected)
    return mean, known > 0


def _faces(vertex: Ints, positions: Floats, normals: Floats, lower_is_inside: Bools) -> Ints:
    """Return the faces dual to the edges: segments, or halves of quadrilaterals."""
    ring = np.where(lower_is_inside[:, None], vertex, vertex[:, ::-1])
    if ring.shape[1] == 2:
        return ring

    def agreement(*triangle: int) -> Floats:
        a, b, c = (positions[ring[:, i]] for i in triangle)
        normal = np.cross(b - a, c - a)
        length = np.linalg.norm(normal, axis=1)
        return np.einsum("nd,nd->n", normal, normals) / np.maximum(length, 1e-300)

    # along a sharp edge, the diagonal whose triangles agree with the normal
    first = np.minimum(agreement(0, 1, 2), agreement(0, 2, 3))
    second = np.minimum(agreement(0, 1, 3), agreement(1, 2, 3))
    is_first = (first >= second)[:, None]
    return np.concatenate(
        [
            np.where(is_first, ring[:, [0, 1, 2]], ring[:, [0, 1, 3]]),
            np.where(is_first, ring[:, [0, 2, 3]], ring[:, [1, 2, 3]]),
        ]
    )


def _smooth(positions: Floats, faces: Ints, moves: Bools) -> Floats:
    """Return the positions, those that move replaced by means of their neighbours repeatedly."""
    start = np.concatenate([faces, np.roll(faces, -1, axis=1)]).reshape(-1)
    end = np.concatenate([np.roll(faces, -1, axis=1), faces]).reshape(-1)
    chosen = moves[start]
    start, end = start[chosen], end[chosen]
    count = np.maximum(np.bincount(start, minlength=len(positions)), 1)
    for _ in range(_SMOOTHINGS if len(start) else 0):
        for column in positions.T:
            mean = np.bincount(start, column[end], len(positions)) / count
            column[moves] = mean[moves]
    return positions
