"""What each face of a soup is to the solid that it encloses: wall, sheet or buried."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from inr.shapes.mesh import Floats, Ints, Mesh, without_unused
from inr.shapes.solids.grid import Bools, EdgeCrossings, Grid
from inr.shapes.solids.reachability import OUTSIDE, Labels
from inr.shapes.subdivide import subdivide

# solid on one side; outside on both sides; inside on both sides
WALL, SHEET, BURIED = 0, 1, 2
KINDS = ("wall", "sheet", "buried")

# crossings around one, within this many steps, that decide what it is if most are of a wall
_NUM_VOTES, _REACH = 12, 3.0
# crossings closer than this fraction of a step are those of faces that lie on one another
_SAME = 1e-6
# sheets of fewer crossings, in connected cells of this many steps, may be the rims of gaps
_SMALLEST, _CELL = 24, 2.0
# length of the pieces of faces of several kinds, in steps
_PIECE = 3.0


@dataclass(frozen=True)
class FaceKinds:
    """Kinds of the faces of a soup; faces of several kinds are divided.

    Args:
        mesh: the soup, divided; faces of one kind come first.
        kind: (F,), WALL, SHEET or BURIED.
        crossing: (K,), kind at each crossing with the grid.
    """

    mesh: Mesh
    kind: Ints
    crossing: Ints

    def part(self, *kinds: int) -> Mesh:
        """Return the faces of these kinds, with their vertices alone."""
        return without_unused(Mesh(self.mesh.vertices, self.mesh.faces[np.isin(self.kind, kinds)]))

    def fractions(self) -> dict[str, float]:
        """Return the fraction of the area of `mesh` of each kind, by name."""
        area = np.bincount(self.kind, weights=self.mesh.face_areas(), minlength=len(KINDS))
        return dict(zip(KINDS, (area / max(area.sum(), 1e-300)).tolist(), strict=True))


def find_kinds(mesh: Mesh, grid: Grid, crossings: EdgeCrossings, label: Labels) -> FaceKinds:
    """Find the kinds of faces from the sides of the nodes around them.

    Crossings decide: a face takes the kind of its crossings with the grid if they agree; else it
    is divided, and each piece takes that of the nearest crossing. Faces without a crossing near
    are sheets.

    Args:
        mesh: the soup, without repeated faces.
        grid: grid around it.
        crossings: its crossings with the grid.
        label: (nodes,), OUTSIDE or INSIDE.
    """
    places = crossings.positions(grid)
    kind = _kinds_of_crossings(grid, crossings, label, places)
    counts = np.zeros((len(mesh.faces), len(KINDS)), dtype=np.int64)
    np.add.at(counts, (crossings.face, kind), 1)
    is_pure = (counts > 0).sum(axis=1) == 1
    # slivers would become many pieces; where no line crosses one, its middle stands for it
    is_sliver = (counts == 0).all(axis=1) & (mesh.face_areas() < grid.step ** (mesh.dim - 1))
    pieces, _ = subdivide(
        Mesh(mesh.vertices, mesh.faces[~is_pure & ~is_sliver]), _PIECE * grid.step
    )
    pieces = Mesh(pieces.vertices, np.concatenate([pieces.faces, mesh.faces[is_sliver]]))
    _, nearest = cKDTree(places).query(
        pieces.corners().mean(axis=1), distance_upper_bound=_REACH * grid.step
    )
    # what no grid line crosses, and lies apart, has nothing behind it
    of_pieces = np.append(kind, SHEET)[nearest]
    divided = Mesh(pieces.vertices, np.concatenate([mesh.faces[is_pure], pieces.faces]))
    return FaceKinds(divided, np.concatenate([counts[is_pure].argmax(axis=1), of_pieces]), kind)


def _kinds_of_crossings(
    grid: Grid, crossings: EdgeCrossings, label: Labels, places: Floats
) -> Ints:
    low = label[crossings.node]
    high = label[crossings.node + grid.strides[crossings.axis]]
    kind = np.where(low != high, WALL, np.where(low == OUTSIDE, SHEET, BURIED))
    # between two crossings of an edge there is something that no node is in: a plate, or the
    # corner of a solid
    edge = crossings.node * grid.dim + crossings.axis
    is_certain = (_num_places(edge, crossings.fraction) == 1) | (kind == WALL)
    is_certain[kind == SHEET] &= ~_are_small(places[kind == SHEET], grid)
    asked, certain = np.flatnonzero(~is_certain), np.flatnonzero(is_certain)
    if not len(asked) or not len(certain):
        return kind
    distance, nearest = cKDTree(places[certain]).query(
        places[asked], k=min(_NUM_VOTES, len(certain)), distance_upper_bound=_REACH * grid.step
    )
    distance = distance.reshape(len(asked), -1)
    found = np.isfinite(distance)
    is_wall = np.append(kind[certain] == WALL, False)[nearest.reshape(len(asked), -1)]
    kind[asked[2 * is_wall.sum(axis=1) > found.sum(axis=1)]] = WALL
    return kind


def _num_places(edge: Ints, fraction: Floats) -> Ints:
    """Return at how many places each crossing's edge is crossed, (K,)."""
    order = np.lexsort([fraction, edge])
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (np.diff(edge[order]) > 0) | (np.diff(fraction[order]) > _SAME)
    _, index = np.unique(edge, return_inverse=True)
    count: Ints = np.bincount(index[order], fresh)[index].astype(np.int64)
    return count


def _are_small(places: Floats, grid: Grid) -> Bools:
    """Return whether each place is one of few that are connected."""
    if not len(places):
        return np.zeros(0, dtype=bool)
    cell = ((places - places.min(axis=0)) / (_CELL * grid.step)).astype(np.int64)
    taken = np.zeros(cell.max(axis=0) + 1, dtype=bool)
    taken[tuple(cell.T)] = True
    label, _ = ndimage.label(taken, np.ones((3,) * grid.dim))
    component = label[tuple(cell.T)]
    small: Bools = np.bincount(component)[component] < _SMALLEST
    return small
