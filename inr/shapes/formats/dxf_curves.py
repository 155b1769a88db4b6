"""Flattening of the entities of a DXF drawing, as read by ezdxf."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.interpolate import BSpline

from inr.shapes.polygon import Loop

MAX_CHORDS = 10000
# maps a maximum distance from the curve to points along an entity, both ends included, (n, 2)
Piece = Callable[[float], Loop]


def _line(line: Any) -> Piece:
    ends = _flat([line.dxf.start, line.dxf.end])
    return lambda _: ends


def _arc(arc: Any) -> Piece:
    """Return a piece of an arc, or of a whole circle."""
    is_whole = arc.dxftype() == "CIRCLE"
    start, end = (0.0, 360.0) if is_whole else (arc.dxf.start_angle, arc.dxf.end_angle)
    span = (end - start) % 360 or 360.0
    radius = float(arc.dxf.radius)

    def points(tolerance: float) -> Loop:
        angles = start + np.linspace(
            0, span, _num_chords(math.radians(span), radius, tolerance) + 1
        )
        curve = _flat(arc.vertices(angles.tolist()))
        if span == 360:
            curve[-1] = curve[0]
        return curve

    return points


def _ellipse(ellipse: Any) -> Piece:
    start, end = ellipse.dxf.start_param, ellipse.dxf.end_param
    span = (end - start) % math.tau
    span = span if span > 1e-9 and math.tau - span > 1e-9 else math.tau
    radius = ellipse.dxf.major_axis.magnitude

    def points(tolerance: float) -> Loop:
        angles = start + np.linspace(0, span, _num_chords(span, radius, tolerance) + 1)
        curve = _flat(ellipse.vertices(angles.tolist()))
        if span == math.tau:
            curve[-1] = curve[0]
        return curve

    return points


def _polyline(polyline: Any) -> Piece:
    """Return a piece of an LWPOLYLINE or POLYLINE; a bulge is the tangent of a quarter arc."""
    if polyline.dxftype() == "LWPOLYLINE":
        rows, is_closed = list(polyline.get_points("xyb")), polyline.closed
    else:
        # a fitted curve also stores its control frame (flag 16), which is skipped
        drawn = [v for v in polyline.vertices if not v.dxf.flags & 16]
        rows = [(v.dxf.location.x, v.dxf.location.y, v.dxf.get("bulge", 0.0)) for v in drawn]
        is_closed = polyline.is_closed
    rows = [*rows, rows[0]] if is_closed and rows else rows
    corners, bulges = np.array([row[:2] for row in rows]).reshape(-1, 2), [row[2] for row in rows]

    def points(tolerance: float) -> Loop:
        walk = [corners[:1]]
        for one, other, bulge in zip(corners[:-1], corners[1:], bulges, strict=False):
            walk.append(_bulged(one, other, float(bulge), tolerance))
        curve = np.concatenate(walk)
        mirrored = polyline.dxf.extrusion.z < 0
        return curve * [-1.0, 1.0] if mirrored else curve  # OCS to WCS

    return points


def _bulged(start: Loop, end: Loop, bulge: float, tolerance: float) -> Loop:
    """Return points on the arc between two points, without the first."""
    step = end - start
    if abs(bulge) < 1e-12 or not step.any():
        return end[None]
    span = 4 * math.atan(bulge)
    middle = (start + end) / 2 + np.array([-step[1], step[0]]) * (1 - bulge**2) / (4 * bulge)
    arm = start - middle
    count = _num_chords(abs(span), float(np.linalg.norm(arm)), tolerance)
    turn = np.linspace(0, span, count + 1)[1:, None]
    curve: Loop = middle + np.cos(turn) * arm + np.sin(turn) * np.array([-arm[1], arm[0]])
    curve[-1] = end
    return curve


def _spline(spline: Any) -> Piece:
    """Return a piece of a B-spline, rational or not, given by control points or fit points."""
    tool = spline.construction_tool()
    control = _flat(tool.control_points)
    weights = np.array(tool.weights() or np.ones(len(control)), np.float64)[:, None]
    knots, degree = np.array(tool.knots(), np.float64), tool.degree
    if not (np.isfinite(control).all() and np.isfinite(knots).all() and (weights > 0).all()):
        raise ValueError("it has a SPLINE with weights that are not positive, or no finite points")
    curve = BSpline(knots, np.concatenate([control * weights, weights], axis=1), degree)
    breaks = np.unique(knots[degree : len(control) + 1])

    def at(count: int) -> Loop:
        steps = np.linspace(breaks[:-1], breaks[1:], count, endpoint=False, axis=1).ravel()
        found = curve(np.append(steps, breaks[-1]))
        return found[:, :2] / found[:, 2:]

    def points(tolerance: float) -> Loop:
        count = 4
        fine = at(2 * count)
        while 2 * len(fine) < MAX_CHORDS * len(breaks):
            # compare every second point of the finer curve with the midpoint of its chord
            middle = (fine[:-2:2] + fine[2::2]) / 2
            if np.linalg.norm(fine[1::2] - middle, axis=1).max() <= tolerance:
                break
            count *= 2
            fine = at(2 * count)
        return fine[::2]

    return points


READERS: dict[str, Callable[[Any], Piece]] = {
    "LINE": _line,
    "ARC": _arc,
    "CIRCLE": _arc,
    "ELLIPSE": _ellipse,
    "LWPOLYLINE": _polyline,
    "POLYLINE": _polyline,
    "SPLINE": _spline,
}


def _flat(points: Any) -> Loop:
    """Return x and y of points in space, (n, 2)."""
    return np.array([(point[0], point[1]) for point in points], np.float64).reshape(-1, 2)


def _num_chords(angle: float, radius: float, tolerance: float) -> int:
    """Return how many chords an arc needs, at least four a turn."""
    fewest = math.ceil(angle / math.tau * 4)
    return min(max(math.ceil(angle * math.sqrt(radius / (8 * tolerance))), fewest), MAX_CHORDS)
