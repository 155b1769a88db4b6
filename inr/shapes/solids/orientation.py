"""Turn meshes inside out where their faces point inward."""

from dataclasses import dataclass

import igl
import numpy as np
from numpy.typing import NDArray

from inr.shapes.mesh import Floats, Ints, Mesh, merge_equal
from inr.shapes.solids.winding import winding_number

# points on each part that are asked which way it faces and what lies around it
_PROBES = 64
# beyond so many closed parts, all turn together
_MAX_PARTS = 500
# where the winding number on a surface is nearer to 0 than this, it has no side that is inside
_UNDECIDED = 0.02


@dataclass
class _Part:
    """Connected faces of a mesh, and points on both sides of them.

    Args:
        faces: their indices, (K,).
        mesh: those faces alone.
        probes: points just off faces drawn by area, (2 P, D): the P ones in front, then those
            behind the same faces.
        facing: mean winding number of the part on its own surface: 0.5 for a closed one whose
            faces point outward, -0.5 where they point inward.
        turned: whether its faces have to turn.
    """

    faces: Ints
    mesh: Mesh
    probes: Floats
    facing: float
    turned: bool = False

    @property
    def facing_now(self) -> float:
        """Return `facing` as it is once the faces have turned."""
        return -self.facing if self.turned else self.facing


def orient_outward(mesh: Mesh) -> tuple[Mesh, bool]:
    """Return a mesh whose faces point outward, and whether that is another mesh than was given.

    Parts (faces that share edges, by the places of their vertices) that are closed are decided
    one by one, open ones all together. The winding number of a part on its own surface is 1/2
    where the faces point outward, -1/2 where they point inward. An outermost part must
    point outward. A part within others turns if the innermost of those does, so that
    a cavity remains one, and in addition if it would then take away from nothing: two solids
    inside each other stay what they are, as winding number 2 is inside too.

    A part of which every face is there more than once loses the copies; if that is in both
    orientations, so that its winding number is 0 everywhere, one face of each is kept and they
    are made consistent from neighbour to neighbour.

    Promised for closed parts without self-intersection, nested or overlapping, each consistent
    in itself. Open parts turn if on the whole their outside is the concave side, and not where
    that is undecided, as for a flat sheet. Not promised: parts whose faces disagree among one
    another (see the mesh's checks), and solid or hollow where a mesh could mean either: of an
    inward shell around an outward one, both turn, and it is a cavity. A mesh of more than 500
    closed parts turns as a whole or not at all. 2-D: where the enclosed area is negative, all
    turn.

    Args:
        mesh: D = 2 or 3.

    Raises:
        ValueError: if the mesh has no faces.
    """
    if mesh.is_empty:
        raise ValueError("the mesh has no faces to orient")
    if mesh.dim == 2:
        turn = mesh.volume() < 0
        return (Mesh(mesh.vertices, mesh.faces[:, ::-1]), True) if turn else (mesh, False)
    merged = merge_equal(mesh)
    kept, faces = _single_faces(merged.faces)
    turned = _faces_to_turn(Mesh(merged.vertices, faces))
    own = mesh.faces[kept]
    flipped = turned ^ (_parity(merged.faces[kept]) != _parity(faces))
    if len(kept) == len(mesh.faces) and not flipped.any():
        return mesh, False
    return Mesh(mesh.vertices, np.where(flipped[:, None], own[:, ::-1], own)), True


def _parity(faces: Ints) -> Ints:
    """Return 1 where corners (F, 3) go up in their cyclic order, -1 where down, 0 if some agree."""
    a, b, c = faces.T
    return np.sign(b - a) * np.sign(c - b) * np.sign(c - a)


def _single_faces(faces: Ints) -> tuple[Ints, Ints]:
    """Return the indices of the faces to keep (K,), and those faces, made consistent, (K, 3).

    Faces go only where every face of their part is there more than once, the same number of times
    net of orientation.
    """
    everything = np.arange(len(faces))
    _, first, which, count = np.unique(
        np.sort(faces, axis=1), axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    if len(count) == len(faces):
        return everything, faces
    which = which.reshape(-1)
    majority = np.bincount(which, weights=_parity(faces))
    net = np.abs(majority)
    part = _components(faces[first])
    lowest, highest, fewest = np.repeat([[np.inf], [0.0], [np.inf]], part.max() + 1, axis=1)
    has_area = _parity(faces[first]) != 0
    np.minimum.at(lowest, part[has_area], net[has_area])
    np.maximum.at(highest, part[has_area], net[has_area])
    np.minimum.at(fewest, part[has_area], count[has_area])
    is_doubled = ((lowest == highest) & (fewest > 1))[part]
    kept = np.flatnonzero(~is_doubled[which] | (first[which] == everything))
    single = faces[kept].copy()
    against = is_doubled[which[kept]] & (_parity(single) * majority[which[kept]] < 0)
    single[against] = single[against, ::-1]
    two_sided = (is_doubled & (net == 0))[which[kept]]
    if two_sided.any():
        single[two_sided] = igl.bfs_orient(np.ascontiguousarray(single[two_sided]))[0]
    return kept, single


def _faces_to_turn(mesh: Mesh) -> NDArray[np.bool_]:
    """Return which faces have to turn, (F,), of a mesh with one vertex for each place."""
    parts = _parts_of(mesh)
    inside = _who_is_inside(parts)
    order = np.argsort(inside.sum(axis=1), kind="stable")
    for index in order:
        part = parts[index]
        outer = np.flatnonzero(inside[index])
        if len(outer):
            part.turned = parts[max(outer, key=lambda k: inside[k].sum())].turned
        if abs(part.facing) < _UNDECIDED:
            continue
        around = sum(np.sign(parts[k].facing_now) for k in outer)
        if part.facing_now < 0 and around <= 0:
            part.turned = not part.turned
    turned = np.zeros(len(mesh.faces), dtype=bool)
    for part in parts:
        turned[part.faces] = part.turned
    return turned


def _parts_of(mesh: Mesh) -> list[_Part]:
    component = _components(mesh.faces)
    closed = _closed_components(mesh, component)
    groups = [np.flatnonzero(~closed[component])]
    if closed.sum() > _MAX_PARTS:
        groups = [np.arange(len(mesh.faces))]
    elif closed.any():
        by_part = np.argsort(component, kind="stable")
        split = np.split(by_part, np.flatnonzero(np.diff(component[by_part])) + 1)
        groups += [faces for faces in split if closed[component[faces[0]]]]
    return [_part(Mesh(mesh.vertices, mesh.faces[faces]), faces) for faces in groups if len(faces)]


def _components(faces: Ints) -> Ints:
    """Return which component, of faces that share edges, each face is in, (F,)."""
    return igl.facet_components(np.ascontiguousarray(faces))[1].reshape(-1)


def _closed_components(mesh: Mesh, component: Ints) -> NDArray[np.bool_]:
    """Return which components have no boundary, their faces' orientation counted, (C,)."""
    edges = np.concatenate([mesh.faces[:, [i, (i + 1) % 3]] for i in range(3)])
    owner = np.tile(component, 3)
    low, high = edges.min(axis=1), edges.max(axis=1)
    key = (low * len(mesh.vertices) + high).astype(np.int64)
    _, inverse = np.unique(key, return_inverse=True)
    balance = np.bincount(inverse.reshape(-1), weights=np.sign(edges[:, 1] - edges[:, 0]))
    closed = np.ones(int(component.max()) + 1, dtype=bool)
    closed[owner[balance[inverse.reshape(-1)] != 0]] = False
    return closed


def _part(mesh: Mesh, faces: Ints) -> _Part:
    areas = mesh.face_areas()
    total = np.cumsum(areas)
    if not total[-1] > 0:
        return _Part(faces, mesh, np.zeros((0, mesh.dim)), 0.0)
    drawn = np.searchsorted(total, (np.arange(_PROBES) + 0.5) / _PROBES * total[-1])
    # near enough for both sides to see the rest alike, and far enough for rounding
    step = 1e-3 * np.sqrt(areas[drawn])[:, None] * mesh.face_normals()[drawn]
    middle = mesh.corners()[drawn].mean(axis=1)
    probes = np.concatenate([middle + step, middle - step])
    # the face itself is seen alike from both sides, so that it cancels
    facing = float(winding_number(mesh, probes, exact=True).mean())
    return _Part(faces, mesh, probes, facing)


def _who_is_inside(parts: list[_Part]) -> NDArray[np.bool_]:
    """Return whether most of part i lies in part j, (P, P)."""
    bounds = np.stack([part.mesh.bounds for part in parts])
    inside = np.zeros((len(parts), len(parts)), dtype=bool)
    for i, part in enumerate(parts):
        meets = (bounds[:, 0] < bounds[i, 1]) & (bounds[:, 1] > bounds[i, 0])
        for j in np.flatnonzero(meets.all(axis=1) & (np.arange(len(parts)) != i)):
            near = ((part.probes >= bounds[j, 0]) & (part.probes <= bounds[j, 1])).all(axis=1)
            if 2 * near.sum() > len(near):
                winding = winding_number(parts[j].mesh, part.probes[near], exact=True)
                inside[i, j] = 2 * (np.abs(winding) >= 0.5).sum() > len(near)
    return inside
