"""Orient the faces of meshes outward."""

from dataclasses import dataclass

import igl
import numpy as np
from numpy.typing import NDArray

from inr.shapes.mesh import Floats, Ints, Mesh, merge_equal
from inr.shapes.solids.winding import winding_number

# points per component at which its orientation and nesting are tested
_PROBES = 64
# with more closed components than this, all are flipped together
_MAX_COMPONENTS = 500
# if the winding number on a surface is closer to 0 than this, its orientation is undecided
_UNDECIDED = 0.02


@dataclass
class _Component:
    """Connected faces of a mesh, and probe points on both sides of them.

    Args:
        faces: (K,), indices of the faces.
        mesh: mesh of these faces only.
        probes: (2 P, D), points just off faces drawn by area: P in front, then P behind them.
        facing: mean winding number of the component on its own surface: 0.5 for a closed one with
            outward faces, -0.5 with inward faces.
        turned: whether its faces must be flipped.
    """

    faces: Ints
    mesh: Mesh
    probes: Floats
    facing: float
    turned: bool = False

    @property
    def facing_now(self) -> float:
        """Return `facing` after the flip."""
        return -self.facing if self.turned else self.facing


def orient_outward(mesh: Mesh) -> tuple[Mesh, bool]:
    """Return a mesh with faces oriented outward, and whether it was changed.

    Components are faces connected by edges, after merging vertices at the same position. Closed
    components are decided one by one, all open ones together. The winding number of a component on
    its own surface is 1/2 if its faces point outward, and -1/2 if inward. An outermost component
    must point outward. A nested component is flipped if the innermost component around it is, so
    that a cavity stays a cavity. It is flipped again if it would then be a cavity in empty space.
    Nested solids stay as they are, since winding number 2 is inside too.

    If every face of a component occurs more than once, the copies are dropped. If they occur in
    opposite orientations, so that the winding number is 0 everywhere, one copy of each is kept, and
    the orientation is propagated between neighbours.

    Guaranteed for closed components without self-intersections, nested or overlapping, each with
    consistent winding. Open components are flipped if overall their outside is the concave side,
    but not if undecided, as for a flat sheet. Not guaranteed: components with inconsistent winding
    (see check_mesh), and ambiguous cases: if an inward shell contains an outward one, both are
    flipped, and the inner one becomes a cavity. A mesh of more than 500 closed components is
    flipped as a whole or not at all. In 2-D, all edges are flipped if the enclosed area is
    negative.

    Args:
        mesh: mesh, D = 2 or 3.

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
    """Return 1 or -1 for the orientation of corners (F, 3) in sorted order, 0 if any are equal."""
    a, b, c = faces.T
    return np.sign(b - a) * np.sign(c - b) * np.sign(c - a)


def _single_faces(faces: Ints) -> tuple[Ints, Ints]:
    """Return the indices (K,) of the faces to keep, and these faces, wound consistently, (K, 3).

    Copies are dropped only in components whose faces all occur more than once, with the same net
    number of copies (counted with orientation).
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
    """Return which faces must be flipped, (F,), of a mesh with merged vertices."""
    parts = _components_of(mesh)
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


def _components_of(mesh: Mesh) -> list[_Component]:
    component = _components(mesh.faces)
    closed = _closed_components(mesh, component)
    groups = [np.flatnonzero(~closed[component])]
    if closed.sum() > _MAX_COMPONENTS:
        groups = [np.arange(len(mesh.faces))]
    elif closed.any():
        by_part = np.argsort(component, kind="stable")
        split = np.split(by_part, np.flatnonzero(np.diff(component[by_part])) + 1)
        groups += [faces for faces in split if closed[component[faces[0]]]]
    return [
        _component(Mesh(mesh.vertices, mesh.faces[faces]), faces) for faces in groups if len(faces)
    ]


def _components(faces: Ints) -> Ints:
    """Return the component index of each face, (F,); faces that share an edge are connected."""
    return igl.facet_components(np.ascontiguousarray(faces))[1].reshape(-1)


def _closed_components(mesh: Mesh, component: Ints) -> NDArray[np.bool_]:
    """Return which components have zero oriented boundary, (C,)."""
    edges = np.concatenate([mesh.faces[:, [i, (i + 1) % 3]] for i in range(3)])
    owner = np.tile(component, 3)
    low, high = edges.min(axis=1), edges.max(axis=1)
    key = (low * len(mesh.vertices) + high).astype(np.int64)
    _, inverse = np.unique(key, return_inverse=True)
    balance = np.bincount(inverse.reshape(-1), weights=np.sign(edges[:, 1] - edges[:, 0]))
    closed = np.ones(int(component.max()) + 1, dtype=bool)
    closed[owner[balance[inverse.reshape(-1)] != 0]] = False
    return closed


def _component(mesh: Mesh, faces: Ints) -> _Component:
    areas = mesh.face_areas()
    total = np.cumsum(areas)
    if not total[-1] > 0:
        return _Component(faces, mesh, np.zeros((0, mesh.dim)), 0.0)
    drawn = np.searchsorted(total, (np.arange(_PROBES) + 0.5) / _PROBES * total[-1])
    # small, so that the other faces contribute equally on both sides, but larger than rounding
    step = 1e-3 * np.sqrt(areas[drawn])[:, None] * mesh.face_normals()[drawn]
    middle = mesh.corners()[drawn].mean(axis=1)
    probes = np.concatenate([middle + step, middle - step])
    # the contributions of the face itself to both sides cancel
    facing = float(winding_number(mesh, probes, exact=True).mean())
    return _Component(faces, mesh, probes, facing)


def _who_is_inside(parts: list[_Component]) -> NDArray[np.bool_]:
    """Return whether most of component i lies inside component j, (C, C)."""
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
