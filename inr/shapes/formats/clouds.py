"""Tables of points, with or without normals: .ply, .npy and text."""

import io
import re

import numpy as np

from inr.files import open_arrays
from inr.shapes.formats.triangulate import Floats

_AXES = ("x", "y", "z")
_PLY_TYPES = {
    **{"char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4"},
    **{"int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4"},
    **{"float": "f4", "float32": "f4", "double": "f8", "float64": "f8"},
}


def read_ply(data: bytes, dim: int) -> Floats:
    """Return the vertex properties x, y, ... and, if all are present, nx, ny, ..., as columns."""
    columns = _ply_vertices(data)
    axes = list(_AXES[:dim])
    missing = [axis for axis in axes if axis not in columns]
    if missing:
        raise ValueError(f"its vertices have no {missing[0]}; they have {', '.join(columns)}")
    if any(np.ptp(columns[axis]) > 0 for axis in _AXES[dim:] if axis in columns):
        raise ValueError(f"its points are not flat (z varies), but data.dim={dim}")
    normal = [f"n{axis}" for axis in axes]
    wanted = axes + (normal if all(name in columns for name in normal) else [])
    return np.stack([columns[name] for name in wanted], axis=1)


def _ply_vertices(data: bytes) -> dict[str, Floats]:
    """Return vertex property name to values; needed because trimesh drops normals of clouds."""
    head, mark, _ = data.partition(b"end_header")
    body = data.find(b"\n", len(head)) + 1
    if not head.startswith(b"ply") or not mark or body == 0:
        raise ValueError("it is not a .ply file: it does not begin with 'ply' and a header")
    order, num, before = "", -1, True
    types: list[tuple[str, str]] = []
    for line in head.decode("ascii", errors="replace").splitlines():
        match line.split():
            case ["format", kind, *_]:
                order = {"binary_little_endian": "<", "binary_big_endian": ">"}.get(kind, "")
            case ["element", "vertex", count] if before and count.isdigit():
                num, before = int(count), False
            case ["element", *_] if before:
                raise ValueError("its header has another element before the vertices")
            case ["element", *_]:
                break
            case ["property", kind, name] if kind in _PLY_TYPES:
                types.append((name, order + _PLY_TYPES[kind]))
            case ["property", *_]:
                raise ValueError(f"its header has '{line.strip()[:60]}', which cannot be read")
    kinds = np.dtype(types)
    if order:
        if num < 0 or len(data) - body < num * kinds.itemsize:
            raise ValueError(f"it is cut off: its header announces {num} vertices")
        table = np.frombuffer(data, kinds, count=num, offset=body)
        return {name: table[name].astype(np.float64) for name, _ in types}
    rows = read_table(b"\n".join(data[body:].splitlines()[: max(num, 0)]), 3)
    if len(rows) != num or rows.shape[1] != len(types):
        raise ValueError(
            f"it holds {len(rows)} rows of {rows.shape[1]} numbers; its header announces {num} of "
            f"{len(types)}"
        )
    return {name: rows[:, i] for i, (name, _) in enumerate(types)}


def read_array(data: bytes, _: int) -> Floats:
    """Return the array of an .npy."""
    try:
        with open_arrays(io.BytesIO(data)) as array:
            return np.asarray(array, dtype=np.float64)
    # numpy raises various errors for a file of another kind
    except Exception as error:
        raise ValueError(f"it cannot be read: {error}") from error


def read_table(data: bytes, _: int) -> Floats:
    """Return the rows of numbers in a text, (K, columns).

    Raises:
        ValueError: if a line after the first row does not have the same number of columns.
    """
    rows: list[list[float]] = []
    width = 0
    for number, line in enumerate(data.decode("utf-8-sig", errors="replace").splitlines(), start=1):
        words = re.split(r"[\s,;]+", line.partition("#")[0].strip(" \t,;"))
        if words == [""]:
            continue
        try:
            row = [float(word) for word in words]
        except ValueError as error:
            if not rows:
                continue
            raise ValueError(f"line {number}, '{line.strip()[:60]}', is not numbers") from error
        if len(rows) == 1 and width == 1:
            rows.clear()  # a first line with the number of points
        if rows and len(row) != width:
            raise ValueError(
                f"line {number} has {len(row)} numbers where those before have {width}"
            )
        width = len(row)
        rows.append(row)
    return np.array(rows, dtype=np.float64).reshape(len(rows), width)
