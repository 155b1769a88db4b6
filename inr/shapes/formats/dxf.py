"""Closed outlines of DXF drawings, through trimesh.path."""

import io
import math
from typing import Any

import numpy as np
import trimesh
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from inr.shapes.polygon import Edges, Loop, chain_edges

# how far a chord may leave its curve, and how near to one another ends are joined, as fractions of
# the drawing's extent
FLATNESS = 2e-5
JOINED = 1e-6

_READ = ("LINE", "LWPOLYLINE", "POLYLINE", "VERTEX", "SEQEND", "ARC", "CIRCLE", "SPLINE")
_NOTES = ("TEXT", "MTEXT", "DIMENSION", "LEADER", "POINT", "HATCH", "ATTDEF", "ATTRIB", "VIEWPORT")


def read_dxf(data: bytes) -> tuple[list[Loop], list[str]]:
    """Return the closed outlines of a drawing, and what to call them.

    Lines, polylines with bulges, arcs, circles and splines are read; those that meet end to end are
    one outline. Texts, dimensions, points and hatches are passed over. Curves
    become chords that leave them by at most 2e-5 of the drawing's extent.

    Returns:
        loops (n, 2) in the drawing's units, and names.

    Raises:
        ValueError: if it is no text DXF, an outline is open, or something drawn cannot be read.
    """
    _check_entities(data.decode("utf-8", errors="replace"))
    try:
        drawing = trimesh.load_path(io.BytesIO(data), file_type="dxf", process=False)
        vertices = np.asarray(drawing.vertices, dtype=np.float64)
        entities = [e for e in drawing.entities if type(e).__name__ != "Text"]
    # its parser raises whatever a malformed file leads to, IndexError and KeyError among others
    except Exception as error:
        raise ValueError(f"it is no drawing that can be read: {error}") from error
    if not np.isfinite(vertices).all():
        raise ValueError("it has points that are not finite numbers")
    if not entities:
        return [], []
    extent = float(np.ptp(vertices[:, :2], axis=0).max()) or 1.0
    pieces = [_chords(entity, vertices[:, :2], FLATNESS * extent) for entity in entities]
    closed = [float(np.abs(p[0] - p[-1]).max()) <= JOINED * extent for p in pieces]
    loops = [p[:-1] for p, shut in zip(pieces, closed, strict=True) if shut]
    names = [f"outline {k + 1}" for k in range(len(loops))]
    rest = [p for p, shut in zip(pieces, closed, strict=True) if not shut]
    chained = chain_edges(*_join_ends(rest, JOINED * extent), noun="line") if rest else []
    names += [f"outline {len(loops) + k + 1}" for k in range(len(chained))]
    return loops + chained, names


def _check_entities(text: str) -> None:
    """Raise ValueError if trimesh would pass over an entity, or read it as something else."""
    lines = [line.strip() for line in text.splitlines()]
    if lines and lines[0].startswith("AutoCAD Binary DXF"):
        raise ValueError("it is a binary DXF; save it as text")
    section = kind = ""
    for code, value in zip(lines[::2], lines[1::2], strict=False):
        if code == "0":
            kind = value.upper()
            section = "" if kind == "ENDSEC" else section
        elif code == "2" and kind == "SECTION":
            section = value.upper()
        if section != "ENTITIES" or kind == "SECTION" or kind in _NOTES:
            continue
        # of an inserted block it would scale the place, too
        if kind not in _READ:
            raise ValueError(f"it has an entity {kind}, which cannot be read; explode it")
        if code == "230" and _number(value) < 0:
            raise ValueError(f"it has a {kind} drawn on the reverse side (code 230); explode it")
        if code == "41" and kind == "SPLINE" and _number(value) != 1:
            raise ValueError("it has a rational SPLINE (code 41); convert it to a polyline")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _chords(entity: Any, vertices: Loop, tolerance: float) -> Loop:
    """Return points along an entity, both ends included, (n, 2)."""
    kind = type(entity).__name__
    if kind == "Line":
        return vertices[entity.points]
    if kind == "Arc":
        return _arc(vertices[entity.points], bool(entity.closed), tolerance)
    curve: Loop = np.asarray(entity.discrete(vertices, count=64 * len(entity.points)))[:, :2]
    return curve


def _arc(points: Loop, closed: bool, tolerance: float) -> Loop:
    """Return points along the arc from the first to the last of three points, or its circle."""
    middle, radius = _circle_through(points)
    if not radius > 0 or not math.isfinite(radius):
        return points
    angles = np.arctan2(*(points - middle).T[::-1])
    turn = 2 * math.pi
    # the way round on which the second point lies between the others
    to_second, to_last = (angles[1:] - angles[0]) % turn
    span = to_last if to_second <= to_last else to_last - turn
    span = turn if closed else float(span)
    count = max(math.ceil(abs(span) * math.sqrt(radius / (8 * tolerance))), 1)
    angle = angles[0] + np.linspace(0, span, min(count, 10000) + 1)
    curve = middle + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    curve[-1] = curve[0] if closed else points[-1]
    curve[0] = curve[-1] if closed else points[0]
    return curve


def _circle_through(points: Loop) -> tuple[Loop, float]:
    """Return the centre and the radius of the circle through three points, inf for a line."""
    one, other = points[1] - points[0], points[2] - points[0]
    cross = one[0] * other[1] - one[1] * other[0]
    if cross == 0:
        return points[0], math.inf
    mixed = (one @ one) * other - (other @ other) * one
    offset = np.array([mixed[1], -mixed[0]]) / (2 * cross)
    return points[0] + offset, float(np.linalg.norm(offset))


def _join_ends(pieces: list[Loop], reach: float) -> tuple[Loop, Edges]:
    """Return the edges of open pieces, whose ends are one vertex where they are within reach."""
    ends = np.concatenate([piece[[0, -1]] for piece in pieces])
    pairs = cKDTree(ends).query_pairs(reach, output_type="ndarray")
    near = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(ends), len(ends)))
    count, label = connected_components(near, directed=False)
    vertices = np.zeros((count, 2))
    vertices[label] = ends
    edges, total, all_vertices = [], count, [vertices]
    for number, piece in enumerate(pieces):
        inner = total + np.arange(len(piece) - 2)
        walk = np.concatenate([[label[2 * number]], inner, [label[2 * number + 1]]])
        edges.append(np.stack([walk[:-1], walk[1:]], axis=1))
        all_vertices.append(piece[1:-1])
        total += len(inner)
    return np.concatenate(all_vertices), np.concatenate(edges).astype(np.int64)
