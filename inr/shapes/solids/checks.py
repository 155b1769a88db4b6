"""Checks of a mesh's topology and degeneracies."""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from inr.shapes.mesh import Ints, Mesh, merge_equal

Flags = NDArray[np.bool_]

# a face whose height is at most this many rounding errors of its coordinates is degenerate
_ROUNDINGS = 8


@dataclass(frozen=True)
class MeshChecks:
    """Properties of a mesh, in its own frame and units.

    In 2-D, segments are the faces, and their end points take the place of edges.

    Args:
        dim: D, dimension of space.
        vertices: number of vertices, including unused ones.
        faces: number of triangles (3-D) or segments (2-D).
        watertight: whether each edge is in exactly two faces.
        closed: whether the oriented boundary is zero (see `Mesh.is_closed`).
        consistent_winding: whether faces that share an edge traverse it in opposite directions.
        components: number of components of faces connected by shared vertices.
        duplicate_faces: number of faces with the corners of an earlier one, in any orientation.
        degenerate_faces: number of faces with a repeated corner, or with a height within the
            rounding of the coordinates.
        boundary_edges: number of edges in exactly one face.
        volume: signed volume (2-D: area), positive for outward faces; for an open mesh, that of the
            mesh closed by cones from the centre of its bounding box.
        area: total area of the faces (2-D: length).
    """

    dim: int
    vertices: int
    faces: int
    watertight: bool
    closed: bool
    consistent_winding: bool
    components: int
    duplicate_faces: int
    degenerate_faces: int
    boundary_edges: int
    volume: float
    area: float

    def as_dict(self) -> dict[str, bool | int | float]:
        """Return field name to value, for JSON."""
        return asdict(self)


def check_mesh(mesh: Mesh) -> MeshChecks:
    """Check a mesh, without changing it.

    Edges and components are determined from vertex indices, duplicate faces from coordinates.

    Args:
        mesh: mesh with finite vertices, D = 2 or 3.

    Raises:
        ValueError: if it has no faces.
    """
    if mesh.is_empty:
        raise ValueError("the mesh has no faces to check")
    _, uses, balance = edge_uses(mesh)
    centred = Mesh(mesh.vertices - mesh.bounds.mean(axis=0), mesh.faces)
    return MeshChecks(
        dim=mesh.dim,
        vertices=len(mesh.vertices),
        faces=len(mesh.faces),
        watertight=len(uses) > 0 and bool((uses == 2).all()),
        closed=not balance.any(),
        consistent_winding=not winding_conflicts(uses, balance).any(),
        components=int(component_of_faces(mesh).max()) + 1,
        duplicate_faces=int(repeated_faces(merge_equal(mesh)).sum()),
        degenerate_faces=int(degenerate_faces(mesh).sum()),
        boundary_edges=int((uses == 1).sum()),
        volume=centred.volume(),
        area=float(centred.face_areas().sum()),
    )


def edge_uses(mesh: Mesh) -> tuple[Ints, Ints, Ints]:
    """Return the edges of a mesh's faces, and how the faces use them.

    Faces with a repeated vertex are ignored: their boundary is zero.

    Returns:
        edge index of each side of each face, (F, D), -1 for ignored faces; number of faces at each
        edge, (E,); and number of faces that traverse it from the lower to the higher vertex index,
        minus the number in the opposite direction, (E,).
    """
    faces = mesh.faces
    sound = ~repeats_corner(faces)
    if mesh.dim == 2:
        sides = faces[:, :, None]
        forward = np.broadcast_to([True, False], faces.shape)
    else:
        sides = np.stack([faces, np.roll(faces, -1, axis=1)], axis=2)
        forward = sides[:, :, 0] < sides[:, :, 1]
    key = np.sort(sides, axis=2) @ _weights(sides.shape[2], len(mesh.vertices))
    _, index = np.unique(key[sound], return_inverse=True)
    index = index.reshape(-1)
    uses = np.bincount(index)
    signs = np.where(forward[sound].reshape(-1), 1.0, -1.0)
    balance = np.bincount(index, weights=signs).astype(np.int64)
    owner = np.full(faces.shape, -1, dtype=np.int64)
    owner[sound] = index.reshape(-1, mesh.dim)
    return owner, uses, balance


def winding_conflicts(uses: Ints, balance: Ints) -> Flags:
    """Return whether faces at each edge traverse it in inconsistent directions, (E,) bool.

    With an odd number of faces, a difference of one is consistent.
    """
    return np.abs(balance) > uses % 2


def component_of_faces(mesh: Mesh) -> Ints:
    """Return the component index of each face, (F,); faces that share a vertex are connected."""
    num = len(mesh.vertices)
    start, end = mesh.faces[:, :-1].reshape(-1), mesh.faces[:, 1:].reshape(-1)
    graph = coo_array((np.ones(len(start), np.int8), (start, end)), shape=(num, num))
    _, labels = connected_components(graph, directed=False)
    _, component = np.unique(labels[mesh.faces[:, 0]], return_inverse=True)
    return component.reshape(-1)


def repeats_corner(faces: Ints) -> Flags:
    """Return for each face whether it uses a vertex twice, (F,) bool."""
    ranked = np.sort(faces, axis=1)
    return (ranked[:, 1:] == ranked[:, :-1]).any(axis=1)


def degenerate_faces(mesh: Mesh) -> Flags:
    """Return for each face whether it has no area (2-D: no length), (F,) bool.

    Its height over its longest side is then within the rounding of its coordinates.
    """
    used = mesh.vertices[mesh.used()]
    least = _ROUNDINGS * np.finfo(np.float64).eps * np.abs(used).max(initial=0.0)
    if mesh.dim == 2:
        return mesh.face_areas() <= least
    corners = mesh.corners()
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    return 2 * mesh.face_areas() <= least * longest


def repeated_faces(mesh: Mesh) -> Flags:
    """Return for each face whether an earlier one has the same vertices, (F,) bool."""
    _, first = np.unique(face_keys(mesh), return_index=True)
    repeated = np.ones(len(mesh.faces), dtype=bool)
    repeated[first] = False
    return repeated


def face_keys(mesh: Mesh) -> Ints:
    """Return a key for each face, (F,), equal for faces with the same vertices."""
    ranked = np.sort(mesh.faces, axis=1)
    num = len(mesh.vertices)
    key = ranked[:, 0]
    for column in ranked.T[1:]:
        if num**mesh.dim >= 1 << 63:  # renumber, as three indices would overflow 64 bits
            key = np.unique(key, return_inverse=True)[1].reshape(-1)
        key = key * num + column
    return key


def _weights(width: int, base: int) -> Ints:
    return np.array([base, 1] if width == 2 else [1], dtype=np.int64)
