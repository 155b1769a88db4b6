"""What can be said of a mesh before anything is computed from it."""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from inr.shapes.mesh import Ints, Mesh, merge_equal

Flags = NDArray[np.bool_]

# a face no higher than this many roundings of its coordinates has no area
_ROUNDINGS = 8


@dataclass(frozen=True)
class MeshChecks:
    """Properties of a mesh that `check_mesh` found, in its own frame and units.

    An edge joins two faces in 3-D; in 2-D the segments are the faces, and their end points play
    the part of edges.

    Args:
        dim: D.
        vertices: how many there are, whether faces use them or not.
        faces: how many triangles (3-D) or segments (2-D).
        watertight: each edge is in exactly two faces.
        closed: the oriented boundary is zero (see `Mesh.is_closed`).
        consistent_winding: faces that share an edge run along it in opposite directions.
        components: of faces connected by vertices they share.
        duplicate_faces: faces with the same corner points as an earlier one, turned or not.
        degenerate_faces: faces with a repeated corner, or no higher than the coordinates' rounding.
        boundary_edges: edges in exactly one face.
        volume: signed, positive for outward faces (2-D: the area); of an open mesh, as if closed
            by cones from the middle of its bounding box.
        area: of all faces (2-D: the length).
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
        """Return the fields by name, as JSON takes them."""
        return asdict(self)


def check_mesh(mesh: Mesh) -> MeshChecks:
    """Count and measure what may be wrong with a mesh; nothing is changed.

    Edges and components go by the vertices' numbers, duplicates by their places.

    Args:
        mesh: finite, D = 2 or 3.

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
    """Return the edges of a mesh's faces, and how faces use them.

    Faces with a repeated vertex are left out: they bound nothing.

    Returns:
        edge of each face's side, (F, D), -1 for faces left out; for each edge the number of faces
        that have it, (E,), and the number that run along it upwards less those that run down, (E,).
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
    """Return for each edge whether some two of its faces run along it the same way, (E,) bool.

    Of an odd number of faces one is left over whichever way it turns.
    """
    return np.abs(balance) > uses % 2


def component_of_faces(mesh: Mesh) -> Ints:
    """Return the component of each face, (F,), from 0; faces that share a vertex share one."""
    num = len(mesh.vertices)
    start, end = mesh.faces[:, :-1].reshape(-1), mesh.faces[:, 1:].reshape(-1)
    graph = coo_array((np.ones(len(start), np.int8), (start, end)), shape=(num, num))
    _, labels = connected_components(graph, directed=False)
    _, component = np.unique(labels[mesh.faces[:, 0]], return_inverse=True)
    return component.reshape(-1)


def repeats_corner(faces: Ints) -> Flags:
    """Return for each face whether it names a vertex twice, (F,) bool."""
    ranked = np.sort(faces, axis=1)
    return (ranked[:, 1:] == ranked[:, :-1]).any(axis=1)


def degenerate_faces(mesh: Mesh) -> Flags:
    """Return for each face whether it has no area (2-D: no length), (F,) bool.

    That is whether its height over its longest side is within the rounding of its coordinates.
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
    """Return a number for each face, (F,), which those with the same vertices share."""
    ranked = np.sort(mesh.faces, axis=1)
    num = len(mesh.vertices)
    key = ranked[:, 0]
    for column in ranked.T[1:]:
        if num**mesh.dim >= 1 << 63:  # consecutive numbers, lest three indices overflow 64 bits
            key = np.unique(key, return_inverse=True)[1].reshape(-1)
        key = key * num + column
    return key


def _weights(width: int, base: int) -> Ints:
    return np.array([base, 1] if width == 2 else [1], dtype=np.int64)
