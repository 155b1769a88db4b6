"""Regular grids of nodes, and where faces cross the edges between neighbouring nodes."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from inr.shapes.mesh import Floats, Ints, Mesh
from inr.shapes.solids.scan import Crossings, scan

Bools = NDArray[np.bool_]

# offset of the nodes in steps: no node, or plane of nodes, where shapes like to have faces
_OFFSET = np.array([0.3819, 0.2360, 0.4142])


@dataclass(frozen=True)
class Grid:
    """Regular grid of nodes.

    Args:
        lower: (D,), position of the first node.
        step: distance of neighbouring nodes.
        shape: number of nodes along each axis.
    """

    lower: Floats
    step: float
    shape: tuple[int, ...]

    @property
    def dim(self) -> int:
        """Return the dimension of space, D."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Return the number of nodes."""
        return math.prod(self.shape)

    @property
    def strides(self) -> Ints:
        """Return the step in flat node indices along each axis, (D,)."""
        return np.array([math.prod(self.shape[i + 1 :]) for i in range(self.dim)])

    def axis(self, i: int) -> Floats:
        """Return the coordinates of the nodes along an axis."""
        return self.lower[i] + self.step * np.arange(self.shape[i])

    def positions(self, nodes: Ints) -> Floats:
        """Return the positions of nodes, given by flat index, (N, D)."""
        return self.lower + self.step * np.stack(np.unravel_index(nodes, self.shape), axis=1)


class EdgeCrossings(NamedTuple):
    """Crossings of faces with edges of a grid.

    Args:
        node: (K,), flat index of the lower node of the edge.
        axis: (K,), axis of the edge.
        fraction: (K,), position along the edge, 0 at its lower node and 1 at its upper.
        face: (K,), index of the face.
    """

    node: Ints
    axis: Ints
    fraction: Floats
    face: Ints

    def positions(self, grid: Grid) -> Floats:
        """Return the positions of the crossings, (K, D)."""
        found = grid.positions(self.node)
        found[np.arange(len(found)), self.axis] += self.fraction * grid.step
        return found


def grid_around(mesh: Mesh, step: float, margin: float) -> Grid:
    """Return a grid that reaches at least `margin` beyond the mesh on all sides."""
    lower, upper = mesh.bounds
    lower = lower - margin - step * (1 + _OFFSET[: mesh.dim])
    shape = np.ceil((upper + margin - lower) / step).astype(int) + 2
    return Grid(lower, step, tuple(shape.tolist()))


def scan_axis(mesh: Mesh, grid: Grid, axis: int) -> Iterator[Crossings]:
    """Yield the crossings of a mesh with the lines of a grid along an axis, see `scan`.

    The other axes come after it in cyclic order.
    """
    order = [(axis + 1 + i) % grid.dim for i in range(grid.dim)]
    # exchanging the axes of the plane mirrors it
    is_mirrored = grid.dim == 2 and axis == 0
    turned = Mesh(mesh.vertices[:, order], mesh.faces[:, ::-1] if is_mirrored else mesh.faces)
    yield from scan(turned, [grid.axis(i) for i in order[:-1]])


def cross_edges(mesh: Mesh, grid: Grid) -> EdgeCrossings:
    """Return all crossings of a mesh with the edges of a grid that holds it."""
    found = []
    for axis in range(grid.dim):
        along = grid.axis(axis)
        for part in scan_axis(mesh, grid, axis):
            entry = np.searchsorted(along, part.position) - 1
            index: list[Ints] = [entry] * grid.dim
            for column, line in enumerate(part.line.T):
                index[(axis + 1 + column) % grid.dim] = line
            fraction = (part.position - grid.lower[axis]) / grid.step - entry
            node = np.ravel_multi_index(index, grid.shape)
            found.append((node, np.full(len(node), axis), fraction.clip(0, 1), part.face))
    return EdgeCrossings(*(np.concatenate(column) for column in zip(*found, strict=True)))


def dilate(mask: Bools, radius: int) -> Bools:
    """Return the nodes within `radius` steps of the marked ones along every axis."""
    grown = mask.view(np.uint8)
    for axis in range(mask.ndim):
        grown = ndimage.maximum_filter1d(grown, 2 * radius + 1, axis=axis, mode="constant")
    return grown.view(bool)
