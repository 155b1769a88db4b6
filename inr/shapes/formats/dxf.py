"""Closed outlines from DXF drawings, text or binary, read with ezdxf."""

import io
import logging
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from inr.shapes.formats.dxf_curves import READERS
from inr.shapes.polygon import Edges, Loop, UnsoundOutlineError, chain_edges, join_loops

# maximum distance of a chord from its curve, and of ends that are joined, relative to the extent of
# the drawing
FLATNESS = 2e-5
JOINED = 1e-6

_NOTES = {"TEXT", "MTEXT", "DIMENSION", "LEADER", "POINT", "HATCH", "ATTDEF", "ATTRIB", "VIEWPORT"}
_MARKERS = {b"LWPOLYLINE": b"AcDbPolyline", b"SPLINE": b"AcDbSpline"}
# codes of handle and owner, which come before all markers
_COMMON = (5, 102, 330, 360)
_R2000 = b"AC1015"
_HEADER = (b"0", b"SECTION", b"2", b"HEADER", b"9", b"$ACADVER", b"1", _R2000, b"0", b"ENDSEC")


def read_dxf(data: bytes) -> tuple[Loop, Edges]:
    """Return the closed outlines of a drawing's model space.

    Lines, polylines with bulges, arcs, circles, ellipses and splines are read, including those of
    inserted blocks; those that meet end to end form one outline. Heights (z), texts, dimensions,
    points and hatches are ignored. Curves are flattened to within 2e-5 of the drawing's extent.

    Returns:
        vertices (V, 2) in the drawing's units and edges (E, 2), the inside to the left.

    Raises:
        ValueError: if the file is not a DXF, an outline is open, or an entity cannot be read.
    """
    with _quiet():
        try:
            drawn = list(_entities(_load(data).modelspace()))
            makers = [READERS[entity.dxftype()](entity) for entity in drawn]
            rough = [maker(math.inf) for maker in makers]
        except ValueError:
            raise
        # ezdxf raises whatever a malformed file leads to, AttributeError and KeyError among others
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            raise ValueError(f"the drawing cannot be read ({text})") from error
    if not all(np.isfinite(points).all() for points in rough):
        raise ValueError("it has points that are not finite numbers")
    if not rough:
        return join_loops([], [])
    extent = float(np.ptp(np.concatenate(rough), axis=0).max()) or 1.0
    pieces = [maker(FLATNESS * extent) for maker in makers]
    closed = [float(np.abs(p[0] - p[-1]).max()) <= JOINED * extent for p in pieces]
    loops = [p[:-1] for p, shut in zip(pieces, closed, strict=True) if shut]
    rest = [p for p, shut in zip(pieces, closed, strict=True) if not shut]
    try:
        loops += chain_edges(*_join_ends(rest, JOINED * extent), noun="line") if rest else []
    except UnsoundOutlineError as error:
        raise error.beside(loops) from error
    return join_loops(loops, [f"outline {k + 1}" for k in range(len(loops))])


def _load(data: bytes) -> Any:
    """Return an ezdxf document."""
    try:
        from ezdxf import recover
    except ImportError as error:
        raise ValueError("reading .dxf needs another package: pip install ezdxf") from error
    document, auditor = recover.read(io.BytesIO(_with_markers(data)))
    for entry in auditor.errors:
        raise ValueError(f"it is damaged: {entry.message}")
    for entry in auditor.fixes:
        found = re.match(
            r"(?:Deleted|Removed)(?: invalid DXF)?(?: entity)? ([A-Z0-9_]+)\b", entry.message
        )
        if found and found[1] not in _NOTES:
            raise ValueError(f"it has an entity {found[1]}, which cannot be read: {entry.message}")
    return document


def _with_markers(data: bytes) -> bytes:
    """Return the text of a drawing with a subclass marker in each LWPOLYLINE and SPLINE.

    Minimal writers omit these markers (code 100) and declare version R12, which has neither entity;
    ezdxf, like AutoCAD, then rejects the entities.
    """
    from ezdxf.lldxf.tagger import binary_tags_loader
    from ezdxf.recover import bytes_loader

    if data.startswith(b"AutoCAD Binary DXF"):
        data = "".join(tag.dxfstr() for tag in binary_tags_loader(data)).encode()
    lines: list[bytes] = []
    begun = variable = b""  # kind of the current entity without marker yet; header variable
    version, has_new_kinds = -1, False
    for code, value in bytes_loader(io.BytesIO(data)):
        if code == 0:
            begun, variable = value.strip(), b""
            has_new_kinds |= begun in _MARKERS
        elif begun in _MARKERS and code not in _COMMON:
            if code != 100:
                lines += [b"100", b"AcDbEntity", b"100", _MARKERS[begun]]
            begun = b""
        elif code == 9:
            variable = value.strip()
        elif code == 1 and variable == b"$ACADVER":
            version = len(lines) + 1
        lines += [b"%d" % code, value]
    if has_new_kinds and version < 0:
        lines = [*_HEADER, *lines]
    elif has_new_kinds and lines[version].strip() < _R2000:
        lines[version] = _R2000
    return b"\n".join([*lines, b""])


def _entities(entities: Any) -> Iterator[Any]:
    """Yield the drawn entities, with inserted blocks expanded."""
    for entity in entities:
        kind = entity.dxftype()
        if kind in _NOTES:
            continue
        if kind == "INSERT":
            yield from _content(entity)
        elif kind not in READERS:
            raise ValueError(f"it has an entity {kind}, which cannot be read; explode it")
        else:
            _check_flat(entity, kind)
            yield entity


def _content(insert: Any) -> Iterator[Any]:
    """Yield the entities of an INSERT; ezdxf has already rejected recursive blocks."""

    def refuse(entity: Any, reason: str) -> None:
        if entity.dxftype() not in _NOTES:
            raise ValueError(
                f"the {entity.dxftype()} in its block '{insert.dxf.name}' cannot be placed "
                f"({reason}); explode it"
            )

    for one in insert.multi_insert() if insert.mcount > 1 else [insert]:
        yield from _entities(one.virtual_entities(skipped_entity_callback=refuse))


def _check_flat(entity: Any, kind: str) -> None:
    """Raise ValueError for an entity that is not in a plane parallel to the drawing's."""
    if kind == "POLYLINE" and (entity.is_polygon_mesh or entity.is_poly_face_mesh):
        raise ValueError("it has a POLYLINE that is a 3-D mesh, which cannot be read; remove it")
    if kind in ("ARC", "CIRCLE", "ELLIPSE", "LWPOLYLINE", "POLYLINE"):
        x, y, z = entity.dxf.extrusion
        if math.hypot(x, y) > 1e-9 * abs(z):
            raise ValueError(f"it has a {kind} tilted out of the plane (code 210); flatten it")


def _join_ends(pieces: list[Loop], reach: float) -> tuple[Loop, Edges]:
    """Return the vertices and edges of open pieces, merging ends within a distance `reach`."""
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


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence ezdxf's messages about repaired details."""
    log = logging.getLogger("ezdxf")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(level)
