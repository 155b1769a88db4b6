"""Which nodes of a grid can be reached from outside without passing the faces of a soup."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from inr.shapes.mesh import Floats, Ints, Mesh
from inr.shapes.sdf import unsigned_distance
from inr.shapes.solids.grid import Bools, EdgeCrossings, Grid, dilate

UNKNOWN, OUTSIDE, INSIDE = 0, 1, 2
Labels = NDArray[np.uint8]

# gaps of which these fractions of `gap` are closed for rooms that are narrower than a gap
_NARROWER = (0.5, 0.25)
# a narrow room is closed if it is at least this many times as wide as its opening
_ROOM = 1.5
# closed pockets with no node farther than this from a face, in steps, are thinner than the grid
_THINNEST = 0.25
# thin pockets are plates if so few nodes beyond their faces are inside, relative to outside
_PLATE = 0.3
# resolution of the order in which nodes are flooded, in steps
_FLOOD_STEP = 0.25


@dataclass(frozen=True)
class Reached:
    """Sides of the nodes of a grid.

    Args:
        label: (nodes,), OUTSIDE or INSIDE.
        without_gaps: number of nodes inside if no gap is closed.
    """

    label: Labels
    without_gaps: int


def reach(mesh: Mesh, grid: Grid, crossings: EdgeCrossings, gap: float) -> Reached:
    """Find the nodes that can be reached from outside without passing a face or a narrow gap.

    Nodes farther than half a gap from all faces form rooms; a path between two of them passes no
    gap narrower than `gap`. Rooms not connected to the boundary of the grid are inside. From the
    rooms, both sides grow back to the faces, the nodes farthest from faces first: they meet in
    the narrowest section of a gap, and dead-end slots are filled from the side to which they are
    open. Rooms narrower than a gap and a step are inside if their opening is narrower than 2/3 of
    them, and closed pockets always, unless they are thinner than about half a step and border on
    little but the outside: such plates are left outside on both sides.

    Args:
        mesh: faces of any orientation and multiplicity, D = 2 or 3.
        grid: grid that reaches beyond the mesh by at least gap / 2 + 3 steps.
        crossings: crossings of the mesh with the grid.
        gap: width below which gaps are closed; 0 closes none.
    """
    # a passage between neighbouring nodes has its narrowest section up to half a step from them
    room = float(np.hypot(gap / 2, grid.step / 2)) if gap > 0 else 0.0
    near = np.zeros(grid.size, dtype=bool)
    near[crossings.node] = near[crossings.node + grid.strides[crossings.axis]] = True
    band = dilate(near.reshape(grid.shape), int(np.ceil(room / grid.step)) + 1)
    far, num_far = _components_of(~band)
    graph = _Graph(mesh, grid, crossings, np.flatnonzero(band), far, num_far)
    # in a passage with nodes at least this much farther from faces than others, these are connected
    alias = float(np.sqrt(grid.dim)) / 2 * grid.step
    label, is_far = graph.rooms(room, room + alias)
    for fraction in _NARROWER:
        opening = room * fraction
        if opening >= grid.step / 2:
            graph.flood(label, opening)
            graph.close(label, opening, max(_ROOM * opening, opening + alias))
    graph.flood(label, -1.0)
    graph.close(label, -1.0, _THINNEST * grid.step)
    whole = is_far[far].reshape(-1)
    whole[graph.nodes] = label
    graph.settle(whole, grid.strides)
    closed, is_closed = graph.closed_without_gaps()
    return Reached(whole, int(closed.sum()) + sum(int(is_closed[part].sum()) for part in far))


def _components_of(mask: Bools) -> tuple[Ints, int]:
    """Return the component of each node of a mask, from 1, and how many there are."""
    for dtype in (np.int16, np.int32):
        try:
            label = np.empty(mask.shape, dtype)  # half the memory where there are few
            return label, int(ndimage.label(mask, output=label))
        except RuntimeError:  # more components than the type can count
            continue
    raise AssertionError("a grid has fewer nodes than int32 can count")


class _Graph:
    """Nodes near faces, with edges that no face crosses, and the components of all other nodes.

    Args:
        nodes: (N,), flat indices of the nodes near faces.
        far: component of each node of the grid that is far from faces, from 1; 0 near faces.
        num_far: number of these components.
    """

    def __init__(
        self,
        mesh: Mesh,
        grid: Grid,
        crossings: EdgeCrossings,
        nodes: Ints,
        far: Ints,
        num_far: int,
    ) -> None:
        self.nodes = nodes
        self.step = grid.step
        self.distance = unsigned_distance(mesh, grid.positions(nodes))
        self.num_far = num_far
        self.is_open = np.zeros(num_far + 1, dtype=bool)
        for axis in range(grid.dim):
            for end in (0, -1):
                self.is_open[far.take(end, axis)] = True
        self.is_open[0] = False
        # neighbour along each axis, down and up: -1 beyond a face, and for far nodes
        self.neighbour = np.full((len(nodes), 2 * grid.dim), -1, dtype=np.int32)
        self.far = np.zeros(len(nodes), dtype=np.int32)  # a far component beside the node, or 0
        far = far.reshape(-1)
        for axis, stride in enumerate(grid.strides):
            above = self._places(nodes + stride)
            above[self._places(crossings.node[crossings.axis == axis])] = -1
            below = np.flatnonzero(above >= 0)
            self.neighbour[below, 2 * axis + 1] = above[below]
            self.neighbour[above[below], 2 * axis] = below
            for beside in (nodes - stride, nodes + stride):
                self.far = np.maximum(self.far, far[beside])

    def _places(self, nodes: Ints) -> Ints:
        """Return the positions of nodes of the grid among those of the graph, -1 if not there."""
        place = np.searchsorted(self.nodes, nodes)
        place[place == len(self.nodes)] = 0
        return np.where(self.nodes[place] == nodes, place, -1).astype(np.int32)

    def rooms(self, opening: float, least: float) -> tuple[Labels, Labels]:
        """Label the nodes farther than `opening` from faces, and each far component, (F + 1,).

        Of rooms that are closed, only those with a node farther than `least` from all faces.
        """
        chosen = np.flatnonzero(self.distance > opening)
        beside = np.flatnonzero(self.far[chosen])
        links = (beside, len(chosen) + self.far[chosen[beside]])
        component = self._components(chosen, links, self.num_far + 1)
        is_open = np.zeros(component.max() + 1, dtype=bool)
        is_open[component[len(chosen) + np.flatnonzero(self.is_open)]] = True
        is_wide = np.zeros(len(is_open), dtype=bool)
        is_wide[component[: len(chosen)][self.distance[chosen] > least]] = True
        is_wide[component[len(chosen) :]] = True
        side = np.where(is_open, OUTSIDE, np.where(is_wide, INSIDE, UNKNOWN))
        side = side.astype(np.uint8)[component]
        label = np.full(len(self.nodes), UNKNOWN, dtype=np.uint8)
        label[chosen] = side[: len(chosen)]
        return label, side[len(chosen) :]

    def closed_without_gaps(self) -> tuple[Bools, Bools]:
        """Return the nodes, and the far components, that no path at all connects to the outside."""
        reached = np.zeros(len(self.nodes), dtype=bool)
        is_open = self.is_open.copy()
        front = np.flatnonzero(is_open[self.far])
        while len(front):
            reached[front] = True
            entered = np.unique(self.far[front])
            entered = entered[(entered > 0) & ~is_open[entered]]
            is_open[entered] = True
            beside = self.neighbour[front]
            beside = np.append(beside[beside >= 0], np.flatnonzero(np.isin(self.far, entered)))
            front = np.unique(beside[~reached[beside]])
        closed = ~is_open
        closed[0] = False
        return ~reached, closed

    def close(self, label: Labels, opening: float, least: float) -> None:
        """Label unknown rooms INSIDE, in place, of nodes farther than `opening` from faces.

        Only those with a node farther than `least` from all faces.
        """
        chosen = np.flatnonzero((label == UNKNOWN) & (self.distance > opening))
        if len(chosen):
            component = self._components(chosen)
            widest = np.zeros(component.max() + 1)
            np.maximum.at(widest, component, self.distance[chosen])
            label[chosen[widest[component] > least]] = INSIDE

    def flood(self, label: Labels, lowest: float) -> None:
        """Grow the labels, in place, to nodes farther than `lowest` from faces, farthest first.

        A node takes the label of its neighbour that is farthest from faces.
        """
        unknown = np.flatnonzero((label == UNKNOWN) & (self.distance > lowest))
        unknown = unknown[np.argsort(-self.distance[unknown], kind="stable")]
        depth = self.distance[unknown[:1]] - self.distance[unknown]
        batch = (depth / (_FLOOD_STEP * self.step)).astype(np.int64)
        waiting = unknown[:0]
        for some in np.split(unknown, np.flatnonzero(np.diff(batch)) + 1):
            waiting = np.concatenate([waiting, some])
            while len(waiting):
                beside = self.neighbour[waiting]
                known = (beside >= 0) & (label[beside] != UNKNOWN)
                height = np.where(known, self.distance[beside], -1.0)
                farthest = height.argmax(axis=1)[:, None]
                found = label[np.take_along_axis(beside, farthest, axis=1)[:, 0]]
                grown = known.any(axis=1)
                if not grown.any():
                    break
                label[waiting[grown]] = found[grown]
                waiting = waiting[~grown]

    def settle(self, whole: Labels, strides: Ints) -> None:
        """Label the pockets that are unknown, in place: OUTSIDE if they are plates.

        Args:
            whole: (nodes of the grid,).
            strides: step in flat indices along each axis.
        """
        chosen = np.flatnonzero(whole[self.nodes] == UNKNOWN)
        if not len(chosen):
            return
        node = self.nodes[chosen]
        beyond = whole[node[:, None] + np.concatenate([strides, -strides])]
        votes = (beyond == INSIDE).sum(axis=1) - _PLATE * (beyond == OUTSIDE).sum(axis=1)
        component = self._components(chosen)
        is_inside = np.bincount(component, votes) > 0
        whole[node] = np.where(is_inside[component], INSIDE, OUTSIDE)

    def _components(
        self, chosen: Ints, links: tuple[Ints, Ints] | None = None, num_further: int = 0
    ) -> Ints:
        """Return the component of each chosen node, and of further ones that links reach."""
        place = np.full(len(self.nodes) + 1, -1, dtype=np.int32)
        place[chosen] = np.arange(len(chosen))
        beside = place[self.neighbour[chosen, 1::2]]  # upwards; -1 takes the last entry
        linked = beside >= 0
        end = beside[linked]
        start = np.repeat(np.arange(len(chosen), dtype=np.int32), linked.sum(axis=1))
        if links is not None:
            start, end = np.concatenate([start, links[0]]), np.concatenate([end, links[1]])
        size = len(chosen) + num_further
        graph = coo_array((np.ones(len(start), np.int8), (start, end)), shape=(size, size))
        component: Ints = connected_components(graph, directed=False)[1]
        return component


def distances_of(mesh: Mesh, grid: Grid, where: Bools) -> Floats:
    """Return the distance to the mesh of the chosen nodes, infinite elsewhere, (nodes,) float32."""
    distance = np.full(grid.size, np.inf, dtype=np.float32)
    nodes = np.flatnonzero(where)
    distance[nodes] = unsigned_distance(mesh, grid.positions(nodes))
    return distance
