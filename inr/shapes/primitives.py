"""Cuboids and cylinders fitted to parts, for their poses."""

from collections.abc import Iterator, Sequence
from itertools import permutations, product
from typing import Literal, NamedTuple, get_args

import numpy as np
import trimesh
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.transform import Rotation

from inr.shapes.mesh import Floats, Mesh
from inr.shapes.poses import rotation_matrices, rotations_of
from inr.shapes.primitive_fit import MIN_HALF, Fit, optimise

Kind = Literal["cuboid", "cylinder"]
KINDS = get_args(Kind)
NUM_POINTS = 1000
NUM_NORMALS = 250
# an orientation closer to the identity is preferred if its error is at most RELATIVE times the best
# one plus ABSOLUTE (in units of the size of the part)
RELATIVE, ABSOLUTE = 1.05, 2e-4
# points are collinear if their deviation from a line is below this fraction of their extent
COLLINEAR = 1e-6


class Primitive(NamedTuple):
    """Cuboid or cylinder, as a canonical form and a pose.

    The canonical form is the box [-1, 1]^D, or the cylinder of radius 1 about the z axis from -1
    to 1.

    Args:
        kind: cuboid | cylinder; in 2-D a cuboid is a rectangle.
        rotation: (4,), quaternion, w first and not negative; in 2-D (1,), angle in radians.
        translation: (D,), centre.
        scale: (D,), half-extents; for a cylinder (radius, radius, half height).
    """

    kind: str
    rotation: Floats
    translation: Floats
    scale: Floats


def fit_primitive(part: Mesh, kind: str, *, what: str = "a part") -> Primitive:
    """Fit a primitive to the convex hull of a part, in least squares.

    Of equivalent orientations (24 permutations and signs of a cuboid's axes, 4 in 2-D; any rotation
    about the axis of a nearly round part), the one closest to the identity is returned, so that
    symmetric parts of different shapes agree. The largest component of a cylinder's axis is
    positive, and the rotation about the axis is minimal.

    Args:
        part: mesh of the part, in any frame.
        kind: one of KINDS.
        what: name of the part in messages.

    Raises:
        ValueError: if the kind does not exist in this dimension, or the part has no extent.
    """
    dim = part.dim
    if kind not in KINDS or (kind == "cylinder" and dim == 2):
        raise ValueError(
            f"data.primitive={kind} does not exist in {dim}-D; use data.primitive=cuboid"
            f"{' or cylinder' if dim != 2 else ''}"
        )
    lower, upper = part.bounds
    centre, size = (lower + upper) / 2, float((upper - lower).max()) / 2
    vertices = part.vertices[part.used()] - centre
    num_points = len(np.unique(vertices, axis=0))
    if num_points <= dim or (dim != 2 and _are_collinear(vertices)):
        raise ValueError(
            f"{what} has no extent: {num_points} points from {lower.tolist()} to "
            f"{upper.tolist()}, and a {kind} needs {dim + 1} or more"
            f"{', not on one line' if dim != 2 else ''}; repair its mesh, or remove it"
        )
    points, normals = _hull_points(vertices / size)
    fit = (_fit_cuboid if kind == "cuboid" else _fit_cylinder)(points, _starts(points, normals))
    half = fit.half.clip(min=MIN_HALF * fit.half.max())
    scale = half if kind == "cuboid" else half[[0, 0, 1]]
    rotation = rotations_of(fit.frame[None])[0]
    return Primitive(kind, rotation, centre + size * fit.centre, size * scale)


def primitive_mesh(primitive: Primitive) -> Mesh:
    """Return the surface of a primitive."""
    dim = len(primitive.translation)
    if dim == 2:
        corners = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
        canonical = Mesh(corners, np.array([[0, 1], [1, 2], [2, 3], [3, 0]]))
    else:
        made = (
            trimesh.creation.box([2.0, 2.0, 2.0])
            if primitive.kind == "cuboid"
            else trimesh.creation.cylinder(radius=1.0, height=2.0)
        )
        canonical = Mesh(np.asarray(made.vertices), np.asarray(made.faces, dtype=np.int64))
    matrix = rotation_matrices(primitive.rotation[None])[0]
    vertices = (primitive.scale * canonical.vertices) @ matrix.T + primitive.translation
    return Mesh(vertices, canonical.faces)


def _are_collinear(points: Floats) -> bool:
    """Return whether points (N, 3) lie on one line."""
    spread = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    return bool(spread[1] <= COLLINEAR * spread[0])


def _hull_points(vertices: Floats) -> tuple[Floats, Floats]:
    """Draw points (N, D) on the convex hull, with unoriented normals (N, D).

    With the hull, a bowl or an open part is fitted as a solid.
    """
    try:
        hull = ConvexHull(vertices)
    except QhullError:  # a flat part: joggling (QJ) gives it a thickness
        hull = ConvexHull(vertices, qhull_options="QJ")
    surface = Mesh(vertices, hull.simplices.astype(np.int64))
    area = np.cumsum(surface.face_areas())
    # stratified by area: with random faces, the orientation of a round part would be random
    face = np.searchsorted(area, (np.arange(NUM_POINTS) + 0.5) * area[-1] / NUM_POINTS)
    weights = np.random.default_rng(0).dirichlet(np.ones(surface.dim), size=NUM_POINTS)
    points = np.einsum("nk,nkd->nd", weights, surface.corners()[face])
    return points, surface.face_normals()[face]


def _fit_cuboid(points: Floats, starts: Sequence[Floats]) -> Fit:
    """Fit from each start; prefer an orientation closer to the identity if it fits as well."""
    best = min((optimise(points, frame, free=True) for frame in starts), key=_error)
    turn = max(_turns(points.shape[1]), key=lambda turn: np.trace(best.frame @ turn))
    frame = best.frame @ turn
    best = Fit(frame, best.centre, np.abs(turn.T) @ best.half, best.error)
    for candidate in [np.eye(len(frame)), *_swings(frame)]:
        fit = optimise(points, candidate, free=False)
        if fit.error <= RELATIVE * best.error + ABSOLUTE:
            return fit
    return best


def _fit_cylinder(points: Floats, starts: Sequence[Floats]) -> Fit:
    frames = [np.roll(frame, shift, axis=1) for frame in starts for shift in range(3)]
    rough = [optimise(points, frame, free=False, is_round=True) for frame in frames]
    likely = sorted(rough, key=_error)[:3]
    fits = [optimise(points, fit.frame, free=True, is_round=True) for fit in likely]
    best = min(fits, key=_error)
    axis = best.frame[:, 2]
    axis = axis * np.sign(axis[np.abs(axis).argmax()])
    return best._replace(frame=_swing(2, axis))


def _error(fit: Fit) -> float:
    return fit.error


def _starts(points: Floats, normals: Floats) -> list[Floats]:
    """Return initial frames: the identity, the dominant normals, and the principal axes."""
    principal = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2].T
    return [
        np.eye(points.shape[1]),
        _right_handed(_face_frame(normals[:: NUM_POINTS // NUM_NORMALS])),
        _right_handed(principal),
    ]


def _face_frame(normals: Floats) -> Floats:
    """Return orthogonal axes (D, D) along which most normals (N, D) point."""
    axes: list[Floats] = []
    left = normals
    for _ in range(normals.shape[1]):
        # high power: only nearly parallel normals count
        agreeing = (np.abs(left @ left.T) ** 16).sum(axis=1)
        axis = left[agreeing.argmax()]
        axes.append(axis / max(np.linalg.norm(axis), 1e-12))
        left = left - np.outer(left @ axes[-1], axes[-1])
    return np.linalg.qr(np.stack(axes, axis=1))[0]


def _right_handed(frame: Floats) -> Floats:
    return frame * np.where(np.arange(len(frame)) == 0, np.sign(np.linalg.det(frame)), 1.0)


def _turns(dim: int) -> Iterator[Floats]:
    """Yield the rotations that permute the coordinate axes, up to sign."""
    for order in permutations(range(dim)):
        for signs in product((1.0, -1.0), repeat=dim):
            matrix = np.eye(dim)[list(order)] * signs
            if np.linalg.det(matrix) > 0:
                yield matrix


def _swings(frame: Floats) -> list[Floats]:
    """Return, for each axis of `frame`, the smallest rotation with that axis, smallest first."""
    if len(frame) == 2:
        return []
    swings = [_swing(k, frame[:, k]) for k in range(len(frame))]
    return sorted(swings, key=lambda swing: -np.trace(swing))


def _swing(k: int, axis: Floats) -> Floats:
    """Return the smallest rotation (3, 3) that takes coordinate axis k to `axis`."""
    turned: Floats = Rotation.align_vectors([axis], [np.eye(3)[k]])[0].as_matrix()
    return turned
