"""Cuboids and cylinders fitted to parts, for their poses."""

from collections.abc import Iterator, Sequence
from itertools import permutations, product
from typing import NamedTuple

import numpy as np
import trimesh
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.transform import Rotation

from inr.shapes.mesh import Floats, Mesh
from inr.shapes.poses import no_rotation, rotation_matrices, rotations_of
from inr.shapes.primitive_fit import THINNEST, Fit, optimise

KINDS = ("cuboid", "cylinder")
NUM_POINTS = 1000
NUM_NORMALS = 250
# an orientation nearer to the reference is taken if the error is not larger than by this factor,
# or than this share of the size of the part
WORSE, EXACT = 1.05, 2e-4


class Primitive(NamedTuple):
    """Hold a cuboid or a cylinder as the pose of its canonical form.

    That is the box [-1, 1]^D, or the cylinder of radius 1 about the z axis from -1 to 1.

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


def fit_primitive(part: Mesh, kind: str, reference: Floats | None = None) -> Primitive:
    """Return the primitive that is nearest to the convex hull of a part, in least squares.

    Of the orientations that are as good (a cuboid's axes may be named in 24 ways, 4 in 2-D; a part
    may be as good as round) it is the one nearest to a reference. A cylinder's axis points where
    its largest component in the reference frame is positive, and it turns about it the least.

    Args:
        part: in any frame.
        kind: one of KINDS.
        reference: a quaternion (4,), w first, or in 2-D an angle (1,); None for no rotation.

    Raises:
        ValueError: if there is no such kind in this dimension, or the part is a single point.
    """
    if kind not in KINDS or (kind == "cylinder" and part.dim == 2):
        raise ValueError(
            f"data.primitive={kind} is no primitive in {part.dim}-D; use data.primitive=cuboid"
            f"{' or cylinder' if part.dim != 2 else ''}"
        )
    reference = no_rotation(part.dim) if reference is None else np.asarray(reference, float)
    towards = rotation_matrices(reference[None])[0]
    lower, upper = part.bounds
    centre, size = (lower + upper) / 2, float((upper - lower).max()) / 2
    if not size > 0:
        raise ValueError(f"a part is a single point, {lower.tolist()}; no {kind} fits it")
    points, normals = _hull_points((part.vertices[part.used()] - centre) / size)
    starts = _starts(points, normals, towards)
    fit = (_fit_cuboid if kind == "cuboid" else _fit_cylinder)(points, starts, towards)
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


def _fit_cuboid(points: Floats, starts: Sequence[Floats], towards: Floats) -> Fit:
    """Fit from each start; then see whether an orientation nearer to `towards` does as well."""
    best = min((optimise(points, frame, free=True) for frame in starts), key=_error)
    turns = list(_turns(points.shape[1]))
    turn = max(turns, key=lambda turn: np.trace(towards.T @ best.frame @ turn))
    frame = best.frame @ turn
    best = Fit(frame, best.middle, np.abs(turn.T) @ best.half, best.error)
    for nearer in [towards, *_swings(frame, towards)]:
        fit = optimise(points, nearer, free=False)
        if fit.error <= WORSE * best.error + EXACT:
            return fit
    return best


def _fit_cylinder(points: Floats, starts: Sequence[Floats], towards: Floats) -> Fit:
    frames = [np.roll(frame, shift, axis=1) for frame in starts for shift in range(3)]
    rough = [optimise(points, frame, free=False, is_round=True) for frame in frames]
    likely = sorted(rough, key=_error)[:3]
    fits = [optimise(points, fit.frame, free=True, is_round=True) for fit in likely]
    best = min(fits, key=_error)
    axis = towards.T @ best.frame[:, 2]
    axis = axis * np.sign(axis[np.abs(axis).argmax()])
    turned = Rotation.align_vectors([axis], [[0.0, 0.0, 1.0]])[0].as_matrix()
    return best._replace(frame=towards @ turned)


def _error(fit: Fit) -> float:
    return fit.error


def _starts(points: Floats, normals: Floats, towards: Floats) -> list[Floats]:
    """Return frames: the reference, that of most of the surface, and the principal axes."""
    principal = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2].T
    return [
        towards,
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


def _swings(frame: Floats, towards: Floats) -> list[Floats]:
    """Return the frames that share an axis with `frame` and turn the least from `towards`."""
    if len(frame) == 2:
        return []
    swings = [
        Rotation.align_vectors([frame[:, k]], [towards[:, k]])[0].as_matrix() @ towards
        for k in range(len(frame))
    ]
    return sorted(swings, key=lambda swing: -np.trace(towards.T @ swing))
