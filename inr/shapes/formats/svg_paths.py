"""Loops of single SVG elements.

Paths are parsed by svg.path, as in trimesh.path, but flattened here: trimesh.path treats elliptical
arcs as circular, and ignores ellipses, rounded corners and skewing.
"""

import math
from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np

from inr.shapes.polygon import Loop

# maximum distance of a chord from its curve, relative to the extent of the element
FLATNESS = 2e-5


def tag_of(element: Element) -> str:
    """Return the name of an element without its namespace."""
    return str(element.tag).rsplit("}", 1)[-1]


def number_of(element: Element, name: str, missing: float = 0.0) -> float:
    """Return an attribute as a number of user units.

    Raises:
        ValueError: if it is not a plain number, such as a percentage or a length with a unit.
    """
    text = element.get(name)
    if text is None:
        return missing
    try:
        return float(text.strip().removesuffix("px"))
    except ValueError as error:
        raise ValueError(f"{name}='{text}' is not a number of user units") from error


def path_of(element: Element) -> str:
    """Return the outline of a drawn element as a path's d attribute."""

    def number(name: str, missing: float = 0.0) -> float:
        return number_of(element, name, missing)

    tag = tag_of(element)
    if tag == "path":
        return element.get("d", "")
    if tag in ("polygon", "polyline"):
        points = element.get("points", "").strip()
        return f"M {points}{' Z' if tag == 'polygon' else ''}" if points else ""
    if tag == "line":
        return f"M {number('x1')} {number('y1')} L {number('x2')} {number('y2')}"
    if tag == "rect":
        return _rectangle(number)
    cx, cy = number("cx"), number("cy")
    rx = number("r") if tag == "circle" else number("rx", number("ry"))
    ry = number("r") if tag == "circle" else number("ry", number("rx"))
    half = f"A {rx} {ry} 0 0 0"
    return f"M {cx - rx} {cy} {half} {cx + rx} {cy} {half} {cx - rx} {cy} Z"


def _rectangle(number: Callable[..., float]) -> str:
    x, y, width, height = (number(name) for name in ("x", "y", "width", "height"))
    rx = min(number("rx", number("ry")), width / 2)
    ry = min(number("ry", number("rx")), height / 2)
    if min(rx, ry) <= 0:
        return f"M {x} {y} h {width} v {height} h {-width} Z"
    arc = f"a {rx} {ry} 0 0 1"
    across, down = width - 2 * rx, height - 2 * ry
    return (
        f"M {x + rx} {y} h {across} {arc} {rx} {ry} v {down} {arc} {-rx} {ry} "
        f"h {-across} {arc} {-rx} {-ry} v {-down} {arc} {rx} {-ry} Z"
    )


def flatten(d: str, matrix: Loop) -> tuple[list[Loop], list[Loop]]:
    """Return the closed loops and the open lines of a path's d attribute, (n, 2) each.

    Args:
        d: the attribute.
        matrix: (3, 3), transform of the points.

    Raises:
        ValueError: if it cannot be read.
    """
    pieces = _parse(d)
    rough = [piece.point(t) for piece in pieces for t in (0.0, 0.25, 0.5, 0.75, 1.0)]
    extent = float(np.ptp(_apply(matrix, rough), axis=0).max(initial=0.0))
    loops: list[Loop] = []
    lines: list[Loop] = []
    walk: list[Loop] = []

    def finish(closed: bool) -> None:
        if not walk:
            return
        points = np.concatenate(walk)
        walk.clear()
        gap = float(np.abs(points[-1] - points[0]).max())
        if not closed and gap > 1e-6 * extent:
            lines.append(points)
        else:
            loops.append(points[:-1])

    for piece in pieces:
        kind = type(piece).__name__
        if kind == "Move":
            finish(closed=False)
            continue
        walk.append(_chords(piece, matrix, FLATNESS * extent or 1.0))
        if kind == "Close":
            finish(closed=True)
    finish(closed=False)
    return loops, lines


def _parse(d: str) -> list[Any]:
    try:
        from svg.path import parse_path
    except ImportError as error:
        raise ValueError("reading .svg needs another package: pip install svg.path") from error
    try:
        return list(parse_path(d))
    # its parser raises ValueError, IndexError and others
    except Exception as error:
        raise ValueError(f"its path cannot be read: {error}") from error


def _chords(piece: Any, matrix: Loop, tolerance: float) -> Loop:
    """Return points along a piece of a path, both ends included, (n, 2), transformed."""
    kind = type(piece).__name__
    if kind in ("CubicBezier", "QuadraticBezier"):
        middle = [piece.control] if kind[0] == "Q" else [piece.control1, piece.control2]
        control = _apply(matrix, [piece.start, *middle, piece.end])
        # Wang's formula: with n chords the error is at most d (d - 1) / (8 n^2) times the largest
        # second difference of the control points, for degree d
        degree = len(control) - 1
        bend = np.linalg.norm(np.diff(control, n=2, axis=0), axis=1).max()
        count = _count(math.sqrt(degree * (degree - 1) / 8 * bend / tolerance))
        t = np.linspace(0, 1, count + 1)[:, None]
        for _ in range(degree):  # de Casteljau
            control = control if control.ndim == 3 else control[:, None]
            control = (1 - t) * control[:-1] + t * control[1:]
        curve: Loop = control[0]
        return curve
    # an arc without radius or length is a straight line, and has no angle in svg.path
    if kind == "Arc" and hasattr(piece, "delta"):
        radius = max(abs(piece.radius.real), abs(piece.radius.imag)) * piece.radius_scale
        radius *= float(np.linalg.norm(matrix[:2, :2], ord=2))
        count = _count(math.radians(abs(piece.delta)) * math.sqrt(radius / (8 * tolerance)))
        inner = [piece.point(t) for t in np.linspace(0, 1, count + 1)[1:-1].tolist()]
        return _apply(matrix, [piece.start, *inner, piece.end])
    return _apply(matrix, [piece.start, piece.end])


def _count(chords: float) -> int:
    return min(max(math.ceil(chords), 1), 10000)


def _apply(matrix: Loop, points: list[complex]) -> Loop:
    z = np.array(points, dtype=np.complex128).reshape(-1)
    return np.stack([z.real, z.imag], axis=1) @ matrix[:2, :2].T + matrix[:2, 2]
