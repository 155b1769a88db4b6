"""Repair of meshes, with a list of the changes."""

import igl
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from inr.shapes.formats.triangulate import triangulate
from inr.shapes.mesh import Floats, Ints, Mesh, merge_equal
from inr.shapes.solids.checks import (
    Flags,
    component_of_faces,
    degenerate_faces,
    edge_uses,
    face_keys,
    repeated_faces,
    repeats_corner,
    winding_conflicts,
)

# distance below which vertices are merged, relative to the longest side of the bounding box
MERGE_DISTANCE = 1e-8
# longest boundary of a hole that is filled, relative to the diagonal of the bounding box: 0.1 is a
# round hole with a diameter of 3 % of the diagonal; holes of a single face are always filled
LARGEST_HOLE = 0.1
# smallest volume of a component whose orientation is decided, relative to its diagonal cubed
_MIN_VOLUME = 1e-6


def repair(mesh: Mesh) -> tuple[Mesh, list[str]]:
    """Return the repaired mesh, and a line for each kind of change.

    In this order: merge vertices closer than MERGE_DISTANCE; drop degenerate faces; drop duplicate
    faces; and in 3-D make the winding consistent, orient faces outward, and fill holes up to
    LARGEST_HOLE.

    Of two copies of a face with opposite orientation one is kept, but both are dropped if that
    closes the mesh (an internal wall). Degenerate faces are kept if the mesh would be open without
    them. An inward component inside another one is a cavity, and stays one.

    Args:
        mesh: mesh with faces, in any frame.

    Returns:
        The mesh (the same object if unchanged), and the changes.
    """
    notes: list[str] = []
    fixed = _merge(mesh, notes)
    fixed = _drop_degenerate(fixed, notes)
    fixed = _drop_repeated(fixed, notes)
    if mesh.dim != 2 and not fixed.is_empty:
        fixed = agree(fixed, notes)
        fixed = _turn_outward(fixed, notes)
        fixed = _fill_holes(fixed, notes)
    return (fixed, notes) if notes else (mesh, [])


def _say(notes: list[str], verb: str, num: int, noun: str, plural: str = "") -> None:
    notes.append(f"{verb} {num} {noun if num == 1 else plural or noun + 's'}")


def _merge(mesh: Mesh, notes: list[str]) -> Mesh:
    used = mesh.used()
    index = np.full(len(mesh.vertices), -1, dtype=np.int64)
    index[used] = np.arange(len(used))
    merged = merge_equal(Mesh(mesh.vertices[used], index[mesh.faces]))
    least = MERGE_DISTANCE * float((merged.bounds[1] - merged.bounds[0]).max())
    pairs = cKDTree(merged.vertices).query_pairs(least, output_type="ndarray")
    if len(pairs):
        num = len(merged.vertices)
        graph = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), (num, num))
        _, label = connected_components(graph, directed=False)
        _, first, index = np.unique(label, return_index=True, return_inverse=True)
        merged = Mesh(merged.vertices[first], index.reshape(-1)[merged.faces])
    fewer = len(used) - len(merged.vertices)
    if fewer == 0:
        return mesh
    _say(notes, "merged", fewer, "vertex", "vertices")
    return merged


def _drop_degenerate(mesh: Mesh, notes: list[str]) -> Mesh:
    dropped = degenerate_faces(mesh)
    if not dropped.any():
        return mesh
    if _num_open(Mesh(mesh.vertices, mesh.faces[~dropped])) > _num_open(mesh):
        dropped = repeats_corner(mesh.faces)
    if not dropped.any():
        return mesh
    _say(notes, "dropped", int(dropped.sum()), "face without area", "faces without area")
    return Mesh(mesh.vertices, mesh.faces[~dropped])


def _num_open(mesh: Mesh) -> int:
    _, uses, _ = edge_uses(mesh)
    return int((uses % 2).sum())


def _drop_repeated(mesh: Mesh, notes: list[str]) -> Mesh:
    if mesh.is_empty:
        return mesh
    repeated = repeated_faces(mesh)
    if not repeated.any():
        return mesh
    kept = Mesh(mesh.vertices, mesh.faces[~repeated])
    _, key = np.unique(face_keys(mesh), return_inverse=True)
    balance = np.bincount(key.reshape(-1), weights=_parity(mesh.faces))
    without = Mesh(mesh.vertices, mesh.faces[~repeated & (balance[key.reshape(-1)] != 0)])
    if _num_open(kept) and without.is_closed():
        kept = without
    _say(notes, "dropped", len(mesh.faces) - len(kept.faces), "duplicate face")
    return kept


def _parity(faces: Ints) -> Floats:
    """Return the sign of the permutation that sorts each face, (F,)."""
    sign = np.ones(len(faces))
    for i in range(faces.shape[1]):
        for j in range(i + 1, faces.shape[1]):
            sign *= np.where(faces[:, i] < faces[:, j], 1.0, -1.0)
    return sign


def agree(mesh: Mesh, notes: list[str]) -> Mesh:
    """Make the winding of faces consistent, in the components where it is not.

    Args:
        mesh: triangle mesh.
        notes: list to which a line is added if faces are turned.
    """
    owner, uses, balance = edge_uses(mesh)
    wrong = (winding_conflicts(uses, balance)[owner] & (owner >= 0)).any(axis=1)
    if not wrong.any():
        return mesh
    component = component_of_faces(mesh)
    rows = np.flatnonzero(np.isin(component, np.unique(component[wrong])))
    before = mesh.faces[rows]
    turned, patch = igl.bfs_orient(np.ascontiguousarray(before))
    flipped = _parity(turned) != _parity(before)
    # bfs_orient keeps the orientation of a patch's first face; keep that of most of its area
    area = mesh.face_areas()[rows]
    patch = np.asarray(patch).reshape(-1)
    minority = np.bincount(patch, weights=np.where(flipped, area, -area))[patch] > 0
    flipped ^= minority
    if not flipped.any():
        return mesh
    _say(notes, "turned", int(flipped.sum()), "face", "faces")
    notes[-1] += " to agree with their neighbours"
    return _flip(mesh, rows[flipped])


def _turn_outward(mesh: Mesh, notes: list[str]) -> Mesh:
    """Flip each outermost component that faces inward, together with all components inside it."""
    component = component_of_faces(mesh)
    order = np.argsort(component, kind="stable")
    starts = np.flatnonzero(np.diff(component[order], prepend=-1))
    corners = mesh.corners()
    lower = np.minimum.reduceat(corners.min(axis=1)[order], starts)
    upper = np.maximum.reduceat(corners.max(axis=1)[order], starts)
    centred = corners.mean(axis=1) - ((lower + upper) / 2)[component]
    cones = np.einsum("fd,fd->f", centred, mesh.area_vectors()) / mesh.dim
    volumes = np.bincount(component, weights=cones)
    least = _MIN_VOLUME * np.linalg.norm(upper - lower, axis=1) ** mesh.dim
    places = mesh.vertices[mesh.faces[order[starts], 0]]

    def holds(outer: int, inner: Ints) -> Flags:
        """Return which inner components lie inside an outer one, by bounding box and winding."""
        boxed = (lower[inner] > lower[outer]).all(axis=1) & (upper[inner] < upper[outer]).all(
            axis=1
        )
        if boxed.any():
            faces = np.ascontiguousarray(mesh.faces[component == outer])
            winding = igl.winding_number(mesh.vertices, faces, places[inner[boxed]])
            boxed[boxed] = np.abs(winding) > 0.5
        return boxed

    everyone = np.arange(len(starts))
    turned = np.zeros(len(starts), dtype=bool)
    for inward in np.flatnonzero(volumes < -least).tolist():
        around = everyone[(lower < lower[inward]).all(axis=1) & (upper > upper[inward]).all(axis=1)]
        if not any(holds(outer, everyone[[inward]])[0] for outer in around.tolist()):
            turned |= holds(inward, everyone)
            turned[inward] = True
    if not turned.any():
        return mesh
    _say(notes, "turned", int(turned.sum()), "component")
    notes[-1] += " outward"
    return _flip(mesh, np.flatnonzero(turned[component]))


def _flip(mesh: Mesh, rows: Ints) -> Mesh:
    faces = mesh.faces.copy()
    faces[rows] = faces[rows, ::-1]
    return Mesh(mesh.vertices, faces)


def _fill_holes(mesh: Mesh, notes: list[str]) -> Mesh:
    longest = LARGEST_HOLE * float(np.linalg.norm(mesh.bounds[1] - mesh.bounds[0]))
    loops = [
        loop
        for loop in _boundary_loops(mesh)
        if len(loop) == mesh.dim or _length(mesh.vertices[loop]) <= longest  # or one face
    ]
    if not loops:
        return mesh
    counts = np.array([len(loop) for loop in loops])
    patches = triangulate(mesh.vertices, counts, np.concatenate(loops))
    _say(notes, "filled", len(loops), "hole")
    notes[-1] += f" with {len(patches)} face{'s' * (len(patches) != 1)}"
    return Mesh(mesh.vertices, np.concatenate([mesh.faces, patches]))


def _length(loop: Floats) -> float:
    return float(np.linalg.norm(np.roll(loop, -1, axis=0) - loop, axis=1).sum())


def _boundary_loops(mesh: Mesh) -> list[Ints]:
    """Return the boundary loops, oriented as the patches that fill them.

    Loops that touch another one at a vertex are ambiguous and left out.
    """
    owner, uses, _ = edge_uses(mesh)
    sides = np.stack([mesh.faces, np.roll(mesh.faces, -1, axis=1)], axis=2)
    start, end = sides[(owner >= 0) & (uses[owner] == 1)].T
    num = len(mesh.vertices)
    plain = (np.bincount(start, minlength=num) == 1) & (np.bincount(end, minlength=num) == 1)
    graph = coo_array((np.ones(len(start), np.int8), (start, end)), (num, num))
    _, label = connected_components(graph, directed=False)
    tangled = np.zeros(label.max() + 1, dtype=bool)
    ends = np.concatenate([start, end])
    tangled[label[ends[~plain[ends]]]] = True
    before = np.full(num, -1, dtype=np.int64)
    before[end] = start
    loops = []
    seen = tangled.copy()
    for first in np.unique(start):
        if seen[label[first]]:
            continue
        seen[label[first]] = True
        loop = [int(first)]
        while (vertex := int(before[loop[-1]])) != first:
            loop.append(vertex)
        loops.append(np.array(loop))
    return loops
