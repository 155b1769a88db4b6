"""Least-squares fit of a cuboid or cylinder to points."""

from typing import NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from inr.shapes.mesh import Floats
from inr.shapes.poses import rotation_matrices

NUM_STEPS = 50
# smallest half-extent; for a flat part, as a fraction of its longest half-extent
MIN_HALF = 1e-3


class Fit(NamedTuple):
    """Primitive fitted to points.

    Args:
        frame: (D, D), axes of the primitive as columns.
        centre: (D,), its centre.
        half: (K,), half-extents of a cuboid; radius and half height of a cylinder.
        error: root mean square distance of the points to its surface.
    """

    frame: Floats
    centre: Floats
    half: Floats
    error: float


def optimise(points: Floats, frame: Floats, *, free: bool, is_round: bool = False) -> Fit:
    """Return the primitive with the least squared distance to points, by Levenberg-Marquardt.

    Args:
        points: (N, D), points to fit.
        frame: (D, D), initial axes as columns.
        free: optimise the frame too.
        is_round: fit a cylinder, else a cuboid.
    """
    local = points @ frame
    lower, upper = local.min(axis=0), local.max(axis=0)
    half = ((upper - lower) / 2).clip(min=MIN_HALF)
    half = np.array([half[:2].mean(), half[2]]) if is_round else half
    fit = Fit(frame, frame @ ((lower + upper) / 2), half, np.inf)
    distance, slopes = _linearised(points, fit, free)
    fit = fit._replace(error=_root_mean_square(distance))
    damping = 1e-3
    for _ in range(NUM_STEPS):
        normal = slopes.T @ slopes
        damped = normal + damping * np.diag(np.diag(normal) + 1e-9 * len(points))
        step = np.linalg.solve(damped, -slopes.T @ distance)
        tried = _stepped(fit, step, free)
        distance_there, slopes_there = _linearised(points, tried, free)
        error = _root_mean_square(distance_there)
        if error > fit.error:
            damping *= 8
            continue
        has_settled = error > (1 - 1e-5) * fit.error or error < 1e-9
        fit, distance, slopes = tried._replace(error=error), distance_there, slopes_there
        damping /= 4
        if has_settled:
            break
    return fit


def _root_mean_square(values: Floats) -> float:
    return float(np.sqrt(np.square(values).mean()))


def _stepped(fit: Fit, step: Floats, free: bool) -> Fit:
    dim, num_half = len(fit.centre), len(fit.half)
    turn, shift, growth = np.split(step, [len(step) - dim - num_half, len(step) - num_half])
    frame = fit.frame
    if free:
        rotation = rotation_matrices(turn[None])[0] if dim == 2 else _by_vector(turn)
        frame = frame @ rotation
    half = fit.half * np.exp(growth.clip(-1, 1))
    return Fit(frame, fit.centre + shift, half, np.inf)


def _by_vector(turn: Floats) -> Floats:
    matrix: Floats = Rotation.from_rotvec(turn).as_matrix()
    return matrix


def _linearised(points: Floats, fit: Fit, free: bool) -> tuple[Floats, Floats]:
    """Return signed distances (N,) to a primitive, and their Jacobian.

    Its columns are the derivatives by rotation of the frame (if free), by translation, and by the
    logarithms of the half-extents.
    """
    x = (points - fit.centre) @ fit.frame
    reach, towards = np.abs(x), np.sign(x)
    if len(fit.half) < x.shape[1]:  # a cylinder is a rectangle in radius and height
        radius = np.linalg.norm(x[:, :2], axis=1, keepdims=True)
        reach = np.concatenate([radius, reach[:, 2:]], axis=1)
        towards = np.concatenate([x[:, :2] / radius.clip(min=1e-12), towards[:, 2:]], axis=1)
    beyond = reach - fit.half
    outer = beyond.clip(min=0)
    outside = np.linalg.norm(outer, axis=1, keepdims=True)
    inside = beyond.max(axis=1, keepdims=True)
    face = np.eye(len(fit.half))[beyond.argmax(axis=1)]
    slope = np.where(outside > 0, outer / outside.clip(min=1e-12), face)
    distance = np.where(outside > 0, outside, inside)[:, 0]
    gradient = (slope if len(fit.half) == x.shape[1] else slope[:, [0, 0, 1]]) * towards
    columns = [-gradient @ fit.frame.T, -slope * fit.half]
    if free:
        turned = np.cross(gradient, x) if x.shape[1] > 2 else _cross_flat(gradient, x)[:, None]
        columns.insert(0, turned)
    return distance, np.concatenate(columns, axis=1)


def _cross_flat(a: Floats, b: Floats) -> Floats:
    product: Floats = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    return product
