"""Closed solids made worse, and simple soups of which the solid is known."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import trimesh
from scipy.spatial import cKDTree

from inr.shapes.mesh import Mesh, empty_mesh
from inr.shapes.sampling import sample_surface
from inr.shapes.sdf import signed_distance, unsigned_distance
from tests.support.meshes import from_trimesh, icosphere, join, square

# a face twice, once reversed; faces turned at random; faces apart from their neighbours; a slit
# around the whole solid; faces from its middle to its surface; itself, smaller, inside; fins
WAYS = ("doubled", "turned", "cracked", "halves apart", "shelves", "copies", "sheets")
_FIN = 0.2


@dataclass(frozen=True)
class Solid:
    """A closed mesh, a point deep inside, and the scale at which the mesh fits in around it."""

    mesh: Mesh
    core: np.ndarray
    copy: float
    cut: np.ndarray  # normal of a plane through the core that meets the surface at right angles


@dataclass(frozen=True)
class Soup:
    """Faces, the boundary of the solid that they were made of, and the sheets outside it."""

    mesh: Mesh
    walls: Mesh
    solid: Mesh
    sheets: Mesh

    def distance(self, points: np.ndarray, thickness: float) -> np.ndarray:
        """The signed distance to the solid and the shells of the sheets; exact beyond them."""
        found = signed_distance(self.solid, points)
        if self.sheets.is_empty:
            return found
        return np.minimum(found, unsigned_distance(self.sheets, points) - thickness / 2)

    def is_wall(self, places: np.ndarray, least: float) -> np.ndarray:
        """Whether these places on the surface are at least so far from all gaps and sheets."""
        rng = np.random.default_rng(0)
        surface = sample_surface(self.solid, 5 * 10 ** (self.solid.dim + 1), rng)[0]
        bare = surface[unsigned_distance(self.walls, surface) > 1e-6]
        found = np.ones(len(places), dtype=bool)
        if len(bare):
            found &= cKDTree(bare).query(places)[0] > least
        if not self.sheets.is_empty:
            found &= unsigned_distance(self.sheets, places) > least
        return found


def worsen(solid: Solid, ways: Collection[str], *, gap: float, seed: int = 0) -> Soup:
    """Make a soup of a solid in some of WAYS; cracks are up to 0.9 gaps wide."""
    rng = np.random.default_rng(seed)
    walls, parts, sheets = solid.mesh, [], empty_mesh(solid.mesh.dim)
    normal = solid.cut
    if "halves apart" in ways:
        middle = normal @ solid.core + 0.013
        walls = join(
            *(beyond(walls, side * normal, side * middle + 0.45 * gap) for side in (1, -1))
        )
    if "cracked" in ways:
        walls = _cracked(walls, 0.45 * gap * rng.random(len(walls.faces)))
        if "halves apart" in ways:  # not wider where cracks end at the slit
            whole = beyond(walls, normal, middle + gap), beyond(walls, -normal, gap - middle)
            strip = beyond(beyond(solid.mesh, normal, middle - gap), -normal, -middle - gap)
            strips = (beyond(strip, s * normal, s * middle + 0.45 * gap) for s in (1, -1))
            walls = join(*whole, *strips)
    if "shelves" in ways:
        parts.append(_shelves(solid))
    if "copies" in ways:
        smaller = (solid.mesh.vertices - solid.core) * solid.copy + solid.core
        parts.append(Mesh(smaller, solid.mesh.faces))
    if "sheets" in ways:
        sheets = _fins(solid)
        parts.append(sheets)
    mesh = join(walls, *parts)
    faces = mesh.faces
    if "doubled" in ways:
        faces = np.concatenate([faces, faces[:, ::-1]])
    if "turned" in ways:
        is_turned = rng.random(len(faces)) < 0.4
        faces = np.where(is_turned[:, None], faces[:, ::-1], faces)
    return Soup(Mesh(mesh.vertices, rng.permutation(faces)), walls, solid.mesh, sheets)


def beyond(mesh: Mesh, normal: np.ndarray, offset: float) -> Mesh:
    """The part of a surface where normal @ x is at least `offset`."""
    if mesh.dim == 3:
        made = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
        return from_trimesh(trimesh.intersections.slice_mesh_plane(made, normal, offset * normal))
    corners = mesh.corners()
    height = corners @ normal - offset
    crosses = (height.min(axis=1) < 0) & (height.max(axis=1) > 0)
    fraction = height[crosses, 0] / (height[crosses, 0] - height[crosses, 1])
    start, end = corners[crosses].transpose(1, 0, 2)
    cut = start + fraction[:, None] * (end - start)
    corners[crosses, (height[crosses, 1] > 0) ^ 1] = cut
    return _own_corners(corners[height.max(axis=1) > 0])


def _cracked(mesh: Mesh, width: np.ndarray) -> Mesh:
    """Shrink each face about its incentre; no corner moves farther than `width`."""
    corners = mesh.corners()
    opposite = np.linalg.norm(np.roll(corners, -1, axis=1) - np.roll(corners, 1, axis=1), axis=2)
    weights = np.ones_like(opposite) if mesh.dim == 2 else opposite
    weights /= weights.sum(axis=1, keepdims=True)
    offset = corners - np.einsum("fc,fcd->fd", weights, corners)[:, None]
    farthest = np.linalg.norm(offset, axis=2).max(axis=1)
    shrunk = corners - offset * np.minimum(width / farthest, 0.9)[:, None, None]
    return _own_corners(shrunk)


def _shelves(solid: Solid) -> Mesh:
    """Faces from the core to an edge (2-D: a corner) of each of the nearest faces."""
    corners = solid.mesh.corners()
    near = np.argsort(np.linalg.norm(corners.mean(axis=1) - solid.core, axis=1))[:6]
    found = corners[near].copy()
    found[:, 0] = solid.core
    return _own_corners(found)


def _fins(solid: Solid) -> Mesh:
    """Faces that stand on the solid, on the outermost face along each of two directions."""
    corners = solid.mesh.corners()
    centres = corners.mean(axis=1)
    normals = solid.mesh.face_normals()
    found = []
    for direction in (np.eye(solid.mesh.dim)[1], -np.eye(solid.mesh.dim)[-1]):
        face = np.argmax(centres @ direction)
        foot, top = corners[face, :2], corners[face, :2] + _FIN * normals[face]
        if solid.mesh.dim == 2:
            found.append([foot.mean(axis=0), top.mean(axis=0)])
        else:
            found += [[foot[0], foot[1], top[1]], [foot[0], top[1], top[0]]]
    return _own_corners(np.array(found))


def _own_corners(corners: np.ndarray) -> Mesh:
    dim = corners.shape[-1]
    return Mesh(corners.reshape(-1, dim), np.arange(corners.size // dim).reshape(-1, dim))


def box(half, centre=0.0, *, rotation=None, subdivisions: int = 0) -> Mesh:
    made = trimesh.creation.box(2 * np.broadcast_to(np.asarray(half, float), 3))
    for _ in range(subdivisions):
        made = made.subdivide()
    turn = np.eye(3) if rotation is None else rotation
    mesh = from_trimesh(made)
    return Mesh(mesh.vertices @ turn.T + centre, mesh.faces)


def loop(radius, num: int) -> Mesh:
    """An outline, anticlockwise, with `radius`, a number or one for each corner, about 0."""
    angle = np.arange(num) * 2 * np.pi / num
    index = np.arange(num)
    corners = np.stack([np.cos(angle), np.sin(angle)], axis=1) * np.reshape(radius, (-1, 1))
    return Mesh(corners, np.stack([index, (index + 1) % num], axis=1))


def random_rotation(seed: int) -> np.ndarray:
    return trimesh.transformations.random_rotation_matrix(np.random.default_rng(seed).random(3))[
        :3, :3
    ]


def rectangle(corner, u, v, num: int = 1) -> Mesh:
    """A sheet of triangles, `num` along each side; one triangle pair at least."""
    s = np.linspace(0, 1, num + 1)
    points = (
        np.asarray(corner) + s[:, None, None] * np.asarray(u) + s[None, :, None] * np.asarray(v)
    )
    index = np.arange((num + 1) ** 2).reshape(num + 1, num + 1)
    a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
    faces = np.stack([np.stack([a, b, c], axis=-1), np.stack([a, c, d], axis=-1)])
    return Mesh(points.reshape(-1, 3).astype(float), faces.reshape(-1, 3))


_TURN_3D = random_rotation(0)
SOLIDS_3D = {
    "ball": Solid(icosphere(0.35, subdivisions=2), np.zeros(3), 0.5, np.eye(3)[0]),
    "rotated box": Solid(
        box((0.3, 0.25, 0.2), rotation=_TURN_3D, subdivisions=2), np.zeros(3), 0.5, _TURN_3D[:, 0]
    ),
    "torus": Solid(
        from_trimesh(trimesh.creation.torus(0.33, 0.14, major_sections=24, minor_sections=12)),
        np.array([0.33, 0.0, 0.0]),
        0.12,
        np.eye(3)[2],
    ),
}
_TURN = np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
_SQUARE = square((0.0, 0.0), 0.45)
SOLIDS_2D = {
    "disc": Solid(loop(0.55, 30), np.zeros(2), 0.5, np.eye(2)[0]),
    "rotated square": Solid(
        Mesh(_SQUARE.vertices @ _TURN.T, _SQUARE.faces), np.zeros(2), 0.5, _TURN[:, 0]
    ),
    "clover": Solid(
        loop(0.5 + 0.15 * np.cos(np.arange(60) * np.pi / 10), 60), np.zeros(2), 0.4, np.eye(2)[1]
    ),
}
