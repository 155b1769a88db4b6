"""Cuboids and cylinders fitted to parts, for their poses."""

from collections.abc import Iterator, Sequence
from itertools import permutations, product
from typing import NamedTuple

import numpy as np
import trimesh
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.transform import Rotation

from inr.shapes.mesh import Floats, Mesh
from inr.shapes.poses import rotation_matrices, rotations_of
from inr.shapes.primitive_fit import THINNEST, Fit, optimise

KINDS = ("cuboid", "cylinder")
NUM_POINTS = 1000
NUM_NORMALS = 250
# an orientation nearer to the identity is taken if the error is not larger than by this factor,
# or than this fraction of the size of the part
WORSE, EXACT = 1.05, 2e-4
# points count as on one line if they leave it by less than this fraction of their length
ON_LINE = 1e-6


class Primitive(NamedTuple):
    """Cuboid or cylinder, given by the pose of its canonical form.

    The canonical form is the box [-1, 1]^D, or the cylinder of radius 1 about the z axis from -1
    to 1.

    Args:
        kind: cuboid | cylinder; in 2-D a cuboid is a rectangle.
        rotation: quaternion (4,), w first and not negative; in 2-D the angle (1,), radians.
        translation: (D,).
        scale: (D,), half-extents; of a cylinder the radius twice, then half the height.
    """

    kind: str
    rotation: Floats
    translation: Floats
    scale: Floats


def fit_primitive(part: Mesh, kind: str, *, what: str = "a part") -> Primitive:
    """Return the primitive that is nearest to the convex hull of a part, in least squares.

    Of the orientations that are as good (a cuboid's axes may be named in 24 ways, 4 in 2-D; a part
    may be as good as round) it is the one nearest to the identity, so that symmetric parts of many
    shapes agree. A cylinder's axis points where its largest component is positive, and it turns
    about it the least.

    Args:
        part: in any frame.
        kind: one of KINDS.
        what: the part, as messages name it.

    Raises:
        ValueError: if there is no such kind in this dimension, or the part has no extent.
    """
    dim = part.dim
    if kind not in KINDS or (kind == "cylinder" and dim == 2):
        raise ValueError(
            f"data.primitive={kind} is no primitive in {dim}-D; use data.primitive=cuboid"
            f"{' or cylinder' if dim != 2 else ''}"
        )
    lower, upper = part.bounds
    centre, size = (lower + upper) / 2, float((upper - lower).max()) / 2
    vertices = part.vertices[part.used()] - centre
    num_points = len(np.unique(vertices, axis=0))
    if num_points <= dim or (dim != 2 and _lie_on_line(vertices)):
        raise ValueError(
            f"{what} has no extent: {num_points} points from {lower.tolist()} to "
            f"{upper.tolist()}, and a {kind} needs {dim + 1} or more"
            f"{', not on one line' if dim != 2 else ''}; mend its mesh, or leave it out"
        )
    points, normals = _hull_points(vertices / size)
    fit = (_fit_cuboid if kind == "cuboid" else _fit_cylinder)(points, _starts(points, normals))
    half = fit.half.clip(min=THINNEST * fit.half.max())
    scale = half if kind == "cuboid" else half[[0, 0, 1]]
    rotation = rotations_of(fit.frame[None])[0]
    return Primitive(kind, rotation, centre + size * fit.middle, size * scale)


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


def _lie_on_line(points: Floats) -> bool:
    """Return whether points (N, 3) lie on one line."""
    spread = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    return bool(spread[1] <= ON_LINE * spread[0])


def _hull_points(vertices: Floats) -> tuple[Floats, Floats]:
    """Draw points (N, D) on the convex hull, with normals of either sign.

    So a bowl, or an open part, is all outside.
    """
    try:
        hull = ConvexHull(vertices)
    except QhullError:  # a flat part: joggled, it is a thin one
        hull = ConvexHull(vertices, qhull_options="QJ")
    surface = Mesh(vertices, hull.simplices.astype(np.int64))
    area = np.cumsum(surface.face_areas())
    # at even steps of area: with random faces, chance would decide how a round part is turned
    face = np.searchsorted(area, (np.arange(NUM_POINTS) + 0.5) * area[-1] / NUM_POINTS)
    weights = np.random.default_rng(0).dirichlet(np.ones(surface.dim), size=NUM_POINTS)
    points = np.einsum("nk,nkd->nd", weights, surface.corners()[face])
    return points, surface.face_normals()[face]


def _fit_cuboid(points: Floats, starts: Sequence[Floats]) -> Fit:
    """Fit from each start; then see whether an orientation nearer to the identity does as well."""
    best = min((optimise(points, frame, free=True) for frame in starts), key=_error)
    turn = max(_turns(points.shape[1]), key=lambda turn: np.trace(best.frame @ turn))
    frame = best.frame @ turn
    best = Fit(frame, best.middle, np.abs(turn.T) @ best.half, best.error)
    for nearer in [np.eye(len(frame)), *_swings(frame)]:
        fit = optimise(points, nearer, free=False)
        if fit.error <= WORSE * best.error + EXACT:
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
    """Return frames: the identity, that of most of the surface, and the principal axes."""
    principal = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2].T
    return [
        np.eye(points.shape[1]),
        _right_handed(_face_frame(normals[:: NUM_POINTS // NUM_NORMALS])),
        _right_handed(principal),
    ]


def _face_frame(normals: Floats) -> Floats:
    """Return axes (D, D) along which most normals (N, D) point, each orthogonal to those before."""
    axes: list[Floats] = []
    left = normals
    for _ in range(normals.shape[1]):
        # a high power, so that only those that nearly agree count
        agreeing = (np.abs(left @ left.T) ** 16).sum(axis=1)
        axis = left[agreeing.argmax()]
        axes.append(axis / max(np.linalg.norm(axis), 1e-12))
        left = left - np.outer(left @ axes[-1], axes[-1])
    return np.linalg.qr(np.stack(axes, axis=1))[0]


def _right_handed(frame: Floats) -> Floats:
    return frame * np.where(np.arange(len(frame)) == 0, np.sign(np.linalg.det(frame)), 1.0)


def _turns(dim: int) -> Iterator[Floats]:
    """Yield the rotations that map the axes to axes."""
    for order in permutations(range(dim)):
        for signs in product((1.0, -1.0), repeat=dim):
            matrix = np.eye(dim)[list(order)] * signs
            if np.linalg.det(matrix) > 0:
                yield matrix


def _swings(frame: Floats) -> list[Floats]:
    """Return the frames that share an axis with `frame` and turn the least."""
    if len(frame) == 2:
        return []
    swings = [_swing(k, frame[:, k]) for k in range(len(frame))]
    return sorted(swings, key=lambda swing: -np.trace(swing))


def _swing(k: int, axis: Floats) -> Floats:
    """Return the frame (3, 3) of axis k along `axis` that turns the least."""
    turned: Floats = Rotation.align_vectors([axis], [np.eye(3)[k]])[0].as_matrix()
    return turned
