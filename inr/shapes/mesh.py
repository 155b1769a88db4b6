"""Meshes of any dimension: triangles in 3-D, line segments in 2-D."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import trimesh
from numpy.typing import NDArray

from inr.files import replacing
from inr.shapes.formats.base import NO_FORMATS, OUTLINE, POINTS, Formats, read_own
from inr.shapes.formats.meshes import NoFacesError, read_triangles
from inr.shapes.formats.outlines import read_outline
from inr.shapes.formats.table import suffixes
from inr.shapes.polygon import UnsoundOutlineError, chain_edges, join_loops

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]


@dataclass(frozen=True)
class Mesh:
    """Simplicial surface of dimension D - 1.

    Args:
        vertices: (V, D) float64.
        faces: (F, D) int64; triangles anticlockwise seen from outside (D = 3), or segments with
            the inside to their left (D = 2: outer loops anticlockwise, holes clockwise).
    """

    vertices: Floats
    faces: Ints

    def __post_init__(self) -> None:
        dim = self.vertices.shape[-1]
        assert self.vertices.ndim == 2 and dim in (2, 3), self.vertices.shape
        assert self.faces.ndim == 2 and self.faces.shape[1] == dim, self.faces.shape

    @property
    def dim(self) -> int:
        """Return the dimension of space, D."""
        return int(self.vertices.shape[1])

    @property
    def is_empty(self) -> bool:
        """Return whether the mesh has no faces."""
        return len(self.faces) == 0

    @property
    def bounds(self) -> Floats:
        """Return the lower and upper corner of the bounding box of all faces, (2, D)."""
        used = self.vertices[self.used()]
        return np.stack([used.min(axis=0), used.max(axis=0)])

    def used(self) -> Ints:
        """Return the indices of the vertices that faces use, in order."""
        is_used = np.zeros(len(self.vertices), dtype=bool)
        is_used[self.faces] = True
        return np.flatnonzero(is_used)

    def corners(self) -> Floats:
        """Return the corner points of each face, (F, D, D)."""
        return self.vertices[self.faces]

    def area_vectors(self) -> Floats:
        """Return outward normals scaled by each face's area (3-D) or length (2-D), (F, D)."""
        corners = self.corners()
        if self.dim == 2:
            edge = corners[:, 1] - corners[:, 0]
            return np.stack([edge[:, 1], -edge[:, 0]], axis=1)
        return (
            np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]).reshape(-1, 3)
            / 2
        )

    def face_areas(self) -> Floats:
        """Return each face's area (3-D) or length (2-D), (F,)."""
        return np.linalg.norm(self.area_vectors(), axis=1)

    def face_normals(self) -> Floats:
        """Return outward unit normals, (F, D); zero where a face has no area."""
        vectors = self.area_vectors()
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)

    def volume(self) -> float:
        """Return the enclosed signed volume (3-D) or area (2-D), by the divergence theorem."""
        return float(np.einsum("fd,fd->", self.corners().mean(axis=1), self.area_vectors())) / (
            self.dim
        )

    def is_closed(self) -> bool:
        """Return whether the oriented boundary of the faces is zero.

        If so, the winding number is an integer everywhere off the surface.
        """
        if self.is_empty:
            return False
        if self.dim == 2:
            count = np.zeros(len(self.vertices), dtype=np.int64)
            np.add.at(count, self.faces[:, 0], 1)
            np.add.at(count, self.faces[:, 1], -1)
            return not count.any()
        edges = np.concatenate([self.faces[:, [i, (i + 1) % 3]] for i in range(3)])
        forward = edges[:, 0] < edges[:, 1]
        key = np.sort(edges, axis=1) @ np.array([len(self.vertices), 1])
        _, inverse = np.unique(key, return_inverse=True)
        balance = np.zeros(inverse.max() + 1, dtype=np.int64)
        np.add.at(balance, inverse, np.where(forward, 1, -1))
        return not balance[inverse][edges[:, 0] != edges[:, 1]].any()


def read_mesh(path: Path, formats: Formats = NO_FORMATS) -> Mesh:
    """Read a mesh file, 3-D or 2-D by its suffix; a scene of several meshes is joined into one.

    Polygons are triangulated. Vertices at the same position are merged unless the mesh is closed
    already (in .stl, each triangle has its own vertices). The edges of an .npz are kept if they are
    closed and enclose a positive area (non-zero rule); otherwise, as in the other 2-D formats,
    nesting decides which loops are holes (even-odd rule).

    Args:
        path: file with a suffix of a surface (3-D; see `read_triangles`) or an outline (2-D; see
            `read_outline`); the suffixes are in inr.shapes.formats.table.
        formats: suffix to a user-defined format; these have precedence.

    Raises:
        NoFacesError: a ValueError, if the file has no faces.
        ValueError: if the file cannot be read (see `read_triangles`), or a face has a vertex that
            is not finite; in 2-D also if outlines are open or, except for edges that are kept,
            intersect themselves or one another.
    """
    suffix = path.suffix.lower()
    if suffix in formats:
        mesh = _read_own(path, formats)
    elif suffix in suffixes(OUTLINE):
        mesh = Mesh(*read_outline(path))
    else:
        mesh = Mesh(*read_triangles(path))
    if mesh.is_empty:
        raise NoFacesError(f"'{path}' has no faces", len(mesh.vertices))
    if mesh.faces.min() < 0 or mesh.faces.max() >= len(mesh.vertices):
        raise ValueError(f"'{path}' has faces with vertex indices that are out of range")
    if not np.isfinite(mesh.vertices[mesh.used()]).all():
        raise ValueError(f"'{path}' has faces with vertices that are not finite numbers")
    if not np.isfinite(mesh.vertices).all():  # unused vertices, but some libraries read them
        mesh = without_unused(mesh)
    if mesh.dim == 2:
        return mesh if mesh.is_closed() and mesh.volume() > 0 else _oriented(mesh, path)
    # .stl triangles have their own vertices, and texture seams split those of other formats
    return mesh if mesh.is_closed() else merge_equal(mesh)


def read_sound(path: Path, formats: Formats = NO_FORMATS, *, soups: bool) -> Mesh:
    """Read a mesh file whose outlines are closed and do not intersect, or anything drawn.

    Args:
        path: see `read_mesh`.
        formats: see `read_mesh`.
        soups: return unsound outlines as they were drawn, equal points merged.

    Raises:
        ValueError: see `read_mesh`; UnsoundOutlineError only without `soups`.
    """
    try:
        mesh = read_mesh(path, formats)
        if mesh.dim == 2:
            check_outline(mesh)
    except UnsoundOutlineError as error:
        drawn = merge_equal(Mesh(error.vertices, error.edges))
        edges = drawn.faces[drawn.faces[:, 0] != drawn.faces[:, 1]]
        if not soups or not len(edges):
            raise
        return Mesh(drawn.vertices, edges)
    return mesh


def check_outline(mesh: Mesh) -> None:
    """Raise ValueError unless the loops of a 2-D mesh are closed and do not intersect.

    `read_mesh` does not guarantee this for an .npz: by the non-zero rule any closed edges have an
    inside, but where loops overlap, some edges are not its boundary.
    """
    loops = chain_edges(mesh.vertices, mesh.faces, noun="segment")
    join_loops(loops, [f"loop {k + 1}" for k in range(len(loops))])


def _read_own(path: Path, formats: Formats) -> Mesh:
    own = formats[path.suffix.lower()]
    try:
        vertices, faces = read_own(own, path)
    except ValueError as error:
        raise ValueError(f"'{path}': {error}") from error
    assert faces is not None and own.gives != POINTS, own
    return Mesh(vertices, faces)


def _oriented(mesh: Mesh, path: Path) -> Mesh:
    try:
        loops = chain_edges(mesh.vertices, mesh.faces, noun="segment")
        return Mesh(*join_loops(loops, [f"loop {k + 1}" for k in range(len(loops))]))
    except UnsoundOutlineError as error:
        raise UnsoundOutlineError(f"'{path}': {error}", error.vertices, error.edges) from error
    except ValueError as error:
        raise ValueError(f"'{path}': {error}") from error


def without_unused(mesh: Mesh) -> Mesh:
    """Return a mesh without the vertices that no face uses; the order of others stays."""
    used, faces = np.unique(mesh.faces, return_inverse=True)
    return Mesh(mesh.vertices[used], faces.reshape(mesh.faces.shape))


def merge_equal(mesh: Mesh) -> Mesh:
    """Merge vertices with equal coordinates, sorted lexicographically; the order of faces stays."""
    order = np.lexsort(mesh.vertices.T[::-1])
    ranked = mesh.vertices[order]
    fresh = np.ones(len(ranked), dtype=bool)
    fresh[1:] = (ranked[1:] != ranked[:-1]).any(axis=1)
    index = np.empty(len(ranked), dtype=np.int64)
    index[order] = np.cumsum(fresh) - 1
    return Mesh(ranked[fresh], index[mesh.faces])


def empty_mesh(dim: int) -> Mesh:
    """Return a mesh without vertices or faces."""
    return Mesh(np.zeros((0, dim)), np.zeros((0, dim), dtype=np.int64))


def write_mesh(mesh: Mesh, path: Path) -> None:
    """Write a mesh as .ply or .obj (3-D) or .npz (2-D), atomically."""
    with replacing(path) as temporary:
        if mesh.dim == 2:
            np.savez(temporary, vertices=mesh.vertices, edges=mesh.faces)
        else:
            trimesh.Trimesh(mesh.vertices, mesh.faces, process=False).export(temporary)


def read_soup(path: Path) -> Mesh:
    """Return a mesh that `write_mesh` wrote, whose outlines may be open or cross themselves.

    Raises:
        ValueError: if it cannot be read.
    """
    return Mesh(*read_outline(path)) if path.suffix == ".npz" else read_mesh(path)


def mesh_suffix(dim: int) -> str:
    """Return the file suffix with which meshes of dimension `dim` are written."""
    return ".npz" if dim == 2 else ".ply"
