"""Airfoil coordinate files (.dat) in Selig or Lednicer order, with their common variations."""

import math
import re
from dataclasses import dataclass

import numpy as np

from inr.shapes.formats.text_meshes import decode
from inr.shapes.polygon import Edges, Loop, UnsoundOutlineError, join_loops, lines_of

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eEdD][-+]?\d+)?|[-+]?(nan|inf(inity)?)", re.I)
_DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+")
# placeholder in tables for a surface without ordinate at a station
_NO_VALUE = re.compile(r"[.*-]+")
_COMMENT = re.compile(r"[#!%].*")

# In chords: maximum gap along the chord between the ends of an outline, minimum length of a
# surface, and maximum distance of a point from the others.
_MAX_GAP = 0.05
_MIN_SPAN = 0.5
_MAX_DISTANCE = 3.0
# Maximum turning angle at a point further than _ENDS chords from the leading and trailing edge, and
# maximum total, in degrees. In 2,174 real airfoils the largest are below 60 and 530; a step in the
# outline turns by 90.
_MAX_TURN = 100.0
_MAX_TOTAL_TURN = 720.0
_ENDS = 0.02


@dataclass(frozen=True)
class _Row:
    line: int  # counted from 1
    values: list[float]
    block: int  # number of gaps of blank lines before it


def read_dat(data: bytes) -> tuple[Loop, Edges]:
    """Return the outline in a coordinate file; see `read_airfoil`."""
    return join_loops([read_airfoil(decode(data))], ["the outline"])


def read_airfoil(text: str) -> Loop:
    """Return the outline in a coordinate file, (n, 2), in the file's units.

    Two orders are recognised. Selig: one loop, from the trailing edge over one surface to the
    leading edge and back along the other. Lednicer: after the title a line with the numbers of
    points (may be missing), then each surface from the leading to the trailing edge. An open
    trailing edge is closed by the edge from the last point to the first.

    A line with two numbers, separated by blanks, tabs, commas or semicolons, is a point; decimal
    commas, Fortran exponents and parentheses are accepted. Other lines (titles, text, # ! %
    comments, the four numbers of an MSES grid) are skipped, but between points a line that begins
    with a number must be a point.

    Raises:
        UnsoundOutlineError: if the ends are so far apart that points must be missing.
        ValueError: if there are no points, a line between them is not a point, the counts do not
            match, a point is far from the others, or points are out of order.
    """
    rows = _read_rows(text)
    points = np.array([row.values for row in rows], dtype=np.float64).reshape(-1, 2)
    if len(points) < 3:
        raise ValueError(
            f"it has {len(points)} lines with two numbers, x and y; an airfoil needs at least 3"
        )
    counts = _counts(rows, points)
    if counts is not None:
        rows, points = rows[1:], points[1:]
    _check_points(rows, points)
    surfaces = _surfaces(rows, points, counts)
    outline = points if surfaces is None else _join(*surfaces)
    _check_order(outline)
    return outline


def _read_rows(text: str) -> list[_Row]:
    """Return the lines that hold points; check that no other line between them has numbers."""
    rows: list[_Row] = []
    others: list[tuple[int, str]] = []  # lines that begin with a number but are not points
    block, blank = 0, False
    for number, line in enumerate(text.splitlines(), start=1):
        line = _COMMENT.sub("", line).strip()
        if not line:
            blank = True
            continue
        values = _numbers(line)
        if values is None:
            continue
        if len(values) != 2:
            others.append((number, line))
            continue
        block += blank and bool(rows)
        blank = False
        rows.append(_Row(number, values, block))
    if len(rows) < 3 <= len(others):
        number, line = others[0]
        raise ValueError(f"line {number}, '{line[:60]}', is not a point: two numbers, x and y")
    for number, line in others:
        if rows and rows[0].line < number < rows[-1].line:
            raise ValueError(
                f"line {number} is between points, but '{line[:60]}' is not two numbers, x and y"
            )
    return rows


def _numbers(line: str) -> list[float] | None:
    """Return the numbers in a line; None for text or a missing ordinate; [] if mixed with text."""
    try:  # fast path: most lines are two plain numbers
        x, y = line.split()
        return [float(x), float(y)]
    except ValueError:
        pass
    tokens = line.replace("(", " ").replace(")", " ").split()
    if len(tokens) == 1:
        tokens = tokens[0].split(";")
    tokens = [token.rstrip(",;") for token in tokens]
    if len(tokens) == 2 and all(_DECIMAL_COMMA.fullmatch(token) for token in tokens):
        tokens = [token.replace(",", ".") for token in tokens]
    else:
        tokens = [part for token in tokens for part in re.split("[,;]", token) if part]
    if not tokens or not _NUMBER.fullmatch(tokens[0]):
        return None
    if len(tokens) == 2 and _NO_VALUE.fullmatch(tokens[1]):
        return None
    if not all(_NUMBER.fullmatch(token) for token in tokens):
        return []
    return [float(token.lower().replace("d", "e")) for token in tokens]


def _counts(rows: list[_Row], points: Loop) -> tuple[int, int] | None:
    """Return the number of points of each surface, if the first row gives them; else None."""
    first, rest = points[0], points[1:]
    if not (np.isfinite(first).all() and (first == first.round()).all() and first.min() >= 2):
        return None
    counts = int(first[0]), int(first[1])
    with np.errstate(invalid="ignore"):
        beyond = (first > np.nanmax(rest, axis=0) + np.ptp(rest, axis=0).max()).all()
    if sum(counts) == len(rest) or beyond:
        if sum(counts) != len(rest) and _split_at_blank(rows[1:]) is None:
            raise ValueError(
                f"line {rows[0].line} announces {counts[0]} and {counts[1]} points, but "
                f"{len(rest)} follow"
            )
        return counts
    return None


def _check_points(rows: list[_Row], points: Loop) -> None:
    finite = np.isfinite(points).all(axis=1)
    if not finite.all():
        raise ValueError(f"line {rows[int(np.argmin(finite))].line} has a non-finite number")
    low, middle, high = np.percentile(points, [5, 50, 95], axis=0)
    away = np.abs(points - middle).max(axis=1)
    far = away > _MAX_DISTANCE * max(float((high - low).max()), np.finfo(float).tiny)
    if len(points) >= 10 and far.any():
        row = rows[int(np.argmax(far))]
        raise ValueError(
            f"line {row.line} has the point ({row.values[0]:g}, {row.values[1]:g}), far away "
            "from the others"
        )


def _surfaces(
    rows: list[_Row], points: Loop, counts: tuple[int, int] | None
) -> tuple[Loop, Loop] | None:
    """Return both surfaces if the file lists them from the same end (Lednicer), else None."""
    if counts is not None:
        at_blank = _split_at_blank(rows)
        cut = counts[0] if sum(counts) == len(points) or at_blank is None else at_blank
        return points[:cut], points[cut:]
    # the largest step along x is from the end of one surface to the beginning of the other
    step = np.diff(points[:, 0])
    cut = int(np.argmax(np.abs(step))) + 1
    one, other = points[:cut], points[cut:]
    least = _MIN_SPAN * float(np.ptp(points[:, 0]))
    back = -np.sign(step[cut - 1])
    runs = [back * (part[-1, 0] - part[0, 0]) for part in (one, other)]
    return (one, other) if min(abs(step[cut - 1]), *runs) >= least else None


def _split_at_blank(rows: list[_Row]) -> int | None:
    """Return the index at which the second of two blocks begins; None unless there are two."""
    blocks = [row.block for row in rows]
    if len(set(blocks)) != 2:
        return None
    return blocks.index(blocks[-1])


def _join(one: Loop, other: Loop) -> Loop:
    """Join two surfaces, which usually start at the same end, into one loop."""
    same_start = math.dist(one[0], other[0]) <= math.dist(one[-1], other[0])
    return np.concatenate([one[::-1] if same_start else one, other])


def _check_order(outline: Loop) -> None:
    """Check that the ends are close along the chord, and that the outline does not turn back.

    Raises:
        UnsoundOutlineError: if the ends are too far apart.
        ValueError: if it turns back.
    """
    start, end = outline[0], outline[-1]
    chord = outline[np.argmax(np.linalg.norm(outline - start, axis=1))] - start
    length = float(np.linalg.norm(chord))
    if length == 0 or len(np.unique(outline, axis=0)) < 3:
        return  # too few distinct points: reported elsewhere
    along = (outline - start) @ chord / length**2
    if abs(along[-1]) > _MAX_GAP:
        raise UnsoundOutlineError(
            f"the outline begins at ({start[0]:g}, {start[1]:g}) and ends at ({end[0]:g}, "
            f"{end[1]:g}), {abs(along[-1]):.1%} of the chord from there: points are missing",
            *lines_of([outline], closed=False),
        )
    repeats = np.r_[False, (np.diff(outline, axis=0) == 0).all(axis=1)]
    outline, along = outline[~repeats], along[~repeats]
    edge = np.diff(outline, axis=0)
    angle = np.arctan2(edge[:, 1], edge[:, 0])
    turn = np.degrees(np.abs((np.diff(angle) + np.pi) % (2 * np.pi) - np.pi))
    between = (along[1:-1] > _ENDS) & (along[1:-1] < 1 - _ENDS)
    worst = int(np.argmax(turn * between))
    if turn[worst] * between[worst] > _MAX_TURN or turn.sum() > _MAX_TOTAL_TURN:
        x, y = outline[worst + 1]
        raise ValueError(
            f"the outline turns by {turn[worst]:.0f} degrees at ({x:g}, {y:g}), between its "
            f"leading and trailing edge, and by {turn.sum():.0f} in all: points are out of order "
            "or mistyped there"
        )
