"""The solid that a triangle soup encloses: what cannot be reached from outside, and its sheets."""

from dataclasses import dataclass

import numpy as np

from inr.shapes.dual_contouring import dual_contour
from inr.shapes.mesh import Floats, Ints, Mesh, merge_equal
from inr.shapes.nearest import nearest_on_mesh
from inr.shapes.sdf import unsigned_distance
from inr.shapes.simplify import simplify
from inr.shapes.solids.checks import repeated_faces
from inr.shapes.solids.face_kinds import BURIED, SHEET, WALL, find_kinds
from inr.shapes.solids.grid import Bools, EdgeCrossings, Grid, cross_edges, dilate, grid_around
from inr.shapes.solids.reachability import INSIDE, distances_of, reach
from inr.shapes.subdivide import subdivide

# faces are divided to this length for distances: trees of long faces are slow
_LONGEST = 0.1
# largest distance of the simplified surface from the exact one, box units
_TOLERANCE = 1e-3
# crossings taken to measure how far the solid's surface is from the visible faces
_NUM_MEASURED = 20_000


@dataclass(frozen=True)
class Enclosure:
    """A solid, and how it came about.

    Args:
        mesh: closed boundary of the solid, faces outward.
        visible: the faces of the soup that can be seen from outside: walls and sheets.
        fractions: fraction of the area of the soup, without repeated faces, by kind (wall, sheet,
            buried); and `bridged`, that of the crossings of the solid's surface with the grid where
            there was no face.
        mean_distance: mean distance from the visible faces to the solid's surface, at crossings
            with the grid and centroids.
        max_distance: largest of these distances.
        volume: volume of the solid (2-D: area).
        held_by_gaps: fraction of the enclosed volume that is not enclosed if no gap is closed.
        thickness: thickness of the shells.
    """

    mesh: Mesh
    visible: Mesh
    fractions: dict[str, float]
    mean_distance: float
    max_distance: float
    volume: float
    held_by_gaps: float
    thickness: float

    def summary(self) -> dict[str, float]:
        """Return what happened to the soup, for JSON."""
        numbers = {
            **self.fractions,
            "mean_distance": self.mean_distance,
            "max_distance": self.max_distance,
            "volume": self.volume,
            "held_by_gaps": self.held_by_gaps,
            "thickness": self.thickness,
        }
        return {name: round(number, 6) for name, number in numbers.items()}


def enclose(mesh: Mesh, *, gap: float, thickness: float, step: float) -> Enclosure:
    """Return the solid that a soup of faces encloses.

    Inside is what cannot be reached from outside without passing a face, or a gap narrower than
    `gap` (see `reach`). Faces with the solid on one side are walls, and stay where they are; those
    with the outside on both sides are sheets, and become shells; buried ones vanish. The surface
    is extracted from a grid (see `dual_contour`): planes and their edges are exact, curved walls
    to the sagitta of the step. Plates thinner than about a step are sheets.

    Args:
        mesh: faces of any orientation and multiplicity, D = 2 or 3.
        gap: width below which gaps are closed; 0 closes none.
        thickness: thickness of the shells; 0 for none.
        step: step of the grid.

    Raises:
        ValueError: if nothing is enclosed, and there are no shells, or no face has an area.
    """
    mesh = merge_equal(mesh)
    mesh = Mesh(mesh.vertices, mesh.faces[~repeated_faces(mesh) & (mesh.face_areas() > 0)])
    if mesh.is_empty:
        raise ValueError("none of its faces has an area; there is no surface to enclose anything")
    margin = max(gap, thickness) / 2 + 4 * step
    grid = grid_around(mesh, step, margin)
    crossings = cross_edges(mesh, grid)
    divided, _ = subdivide(mesh, _LONGEST)
    reached = reach(divided, grid, crossings, gap)
    kinds = find_kinds(mesh, grid, crossings, reached.label)
    sheets = kinds.part(SHEET)
    solid = reached.label == INSIDE
    shell = _distances_to_shells(sheets, grid, crossings, kinds.crossing, thickness)
    inside = solid if shell is None else solid | (shell < thickness / 2)
    if not inside.any():
        raise ValueError(
            "it encloses nothing, and data.thickness=0 makes no shells of its sheets; use "
            "data.thickness=0.02"
        )
    surface = _Surface(mesh, grid, inside)
    surface.take_walls(crossings, kinds.crossing, solid)
    if shell is not None:
        surface.take_shells(shell, thickness, sheets)
    found = simplify(surface.contour(), _TOLERANCE)
    visible = kinds.part(WALL, SHEET)
    middles = visible.corners().mean(axis=1)
    crossed = crossings.positions(grid)[kinds.crossing != BURIED]
    off = unsigned_distance(found, _spread(np.concatenate([crossed, middles])))
    num_inside = int(solid.sum())
    return Enclosure(
        mesh=found,
        visible=visible,
        fractions={**kinds.fractions(), "bridged": surface.bridged},
        mean_distance=float(off.mean()) if len(off) else 0.0,
        max_distance=float(off.max(initial=0.0)),
        volume=found.volume(),
        held_by_gaps=1 - min(reached.without_gaps / num_inside, 1.0) if num_inside else 0.0,
        thickness=thickness,
    )


def _distances_to_shells(
    sheets: Mesh, grid: Grid, crossings: EdgeCrossings, kind: Ints, thickness: float
) -> Floats | None:
    if sheets.is_empty or thickness <= 0:
        return None
    near = np.zeros(grid.size, dtype=bool)
    low = crossings.node[kind == SHEET]
    near[low] = near[low + grid.strides[crossings.axis[kind == SHEET]]] = True
    # also faces that no grid line crosses
    cell = ((sheets.corners().mean(axis=1) - grid.lower) / grid.step).astype(np.int64)
    near[np.ravel_multi_index(tuple(cell.T), grid.shape)] = True
    radius = int(np.ceil(thickness / 2 / grid.step)) + 3
    return distances_of(sheets, grid, dilate(near.reshape(grid.shape), radius).reshape(-1))


def _spread(points: Floats) -> Floats:
    """Return about _NUM_MEASURED of the points, evenly taken."""
    return points[:: max(1, len(points) // _NUM_MEASURED)]


class _Surface:
    """Where the surface crosses the edges between nodes inside and outside.

    Args:
        mesh: the soup.
        grid: grid around it.
        inside: (nodes,).
    """

    def __init__(self, mesh: Mesh, grid: Grid, inside: Bools) -> None:
        self.mesh, self.grid, self.inside = mesh, grid, inside
        found = []
        nodes = inside.reshape(grid.shape)
        for axis in range(grid.dim):
            changes = np.diff(nodes, axis=axis)
            index = np.nonzero(changes)
            node = np.ravel_multi_index(index, grid.shape)
            found.append((node, np.full(len(node), axis)))
        self.node, self.axis = (np.concatenate(column) for column in zip(*found, strict=True))
        upper = self.node + grid.strides[self.axis]
        self.lower_is_inside = inside[self.node]
        self.inner = np.where(self.lower_is_inside, self.node, upper)
        self.outer = np.where(self.lower_is_inside, upper, self.node)
        self.from_outside = np.full(len(self.node), np.inf)  # fraction of the edge
        self.normals = np.zeros((len(self.node), grid.dim))

    @property
    def bridged(self) -> float:
        """Return the fraction of crossings that no face and no shell gave."""
        return float(np.isinf(self.from_outside).mean())

    def take_walls(self, crossings: EdgeCrossings, kind: Ints, solid: Bools) -> None:
        """Take the outermost wall that crosses each edge into the solid."""
        chosen = np.flatnonzero(kind == WALL)
        key = self.node * self.grid.dim + self.axis
        order = np.argsort(key)
        wanted = crossings.node[chosen] * self.grid.dim + crossings.axis[chosen]
        place = np.minimum(np.searchsorted(key[order], wanted), len(key) - 1)
        edge = order[place]
        is_there = (key[edge] == wanted) & solid[self.inner[edge]]
        edge, chosen = edge[is_there], chosen[is_there]
        fraction = crossings.fraction[chosen]
        fraction = np.where(self.lower_is_inside[edge], 1 - fraction, fraction)
        first = np.argsort(-fraction, kind="stable")  # the least one is written last
        edge, chosen = edge[first], chosen[first]
        self.from_outside[edge] = fraction[first]
        normals = self.mesh.face_normals()[crossings.face[chosen]]
        outward = np.where(self.lower_is_inside[edge], 1.0, -1.0)
        faces = normals[np.arange(len(edge)), self.axis[edge]]
        self.normals[edge] = normals * (outward * np.sign(faces))[:, None]

    def take_shells(self, distance: Floats, thickness: float, sheets: Mesh) -> None:
        """Take the shells that cross edges before the walls do."""
        outer, inner = distance[self.outer], distance[self.inner]
        chosen = np.flatnonzero(inner < thickness / 2)
        outer, inner = outer[chosen], inner[chosen]
        outer = np.minimum(outer, inner + self.grid.step)  # distances change no faster
        fraction = (outer - thickness / 2) / np.maximum(outer - inner, 1e-12)
        is_first = fraction < self.from_outside[chosen]
        chosen, fraction = chosen[is_first], fraction[is_first]
        self.from_outside[chosen] = fraction
        points = self._points()[chosen]
        offset = points - nearest_on_mesh(sheets, points)
        length = np.linalg.norm(offset, axis=1, keepdims=True)
        self.normals[chosen] = offset / np.maximum(length, 1e-300)

    def contour(self) -> Mesh:
        """Return the surface."""
        return dual_contour(
            self.inside, self.grid, self.node, self.axis, self._points(), self.normals
        )

    def _points(self) -> Floats:
        fraction = np.where(np.isinf(self.from_outside), 0.5, self.from_outside)
        fraction = np.where(self.lower_is_inside, 1 - fraction, fraction)
        return EdgeCrossings(self.node, self.axis, fraction, self.node).positions(self.grid)
