"""Point clouds, with or without normals, from files."""

import io
import re
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from inr.files import numbers_in
from inr.shapes.mesh import Floats

LEAST_POINTS = 16
_AXES = ("x", "y", "z")
_PLY_TYPES = {
    **{"char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4"},
    **{"int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4"},
    **{"float": "f4", "float32": "f4", "double": "f8", "float64": "f8"},
}


def read_points(path: Path, dim: int) -> tuple[Floats, Floats | None]:
    """Read points of a surface, and their normals if the file has them.

    Args:
        path: .ply (its vertices, with nx, ny, nz or without; faces are left aside), .xyz or .txt (a
            point a line, coordinates then normal, between them blanks, tabs, commas or semicolons;
            # comments and a title line are passed over), or .npy (K, D) or (K, 2 D).
        dim: dimension of space D, 2 or 3.

    Returns:
        points (K, D), and outward normals (K, D) made of unit length, or None: float64, in the
        file's frame.

    Raises:
        ValueError: if the file cannot be read, has neither D nor 2 D columns, values that are not
            finite, fewer than 16 distinct points, a normal of length zero, or colours in place of
            normals; it names the file.
    """
    suffix = path.suffix.lower()
    try:
        data = path.read_bytes()
        if suffix == ".ply":
            table = _read_ply(data, dim)
        elif suffix == ".npy":
            table = _read_array(data)
        elif suffix in (".xyz", ".txt"):
            table = _read_table(data)
        else:
            raise ValueError(f"'{suffix}' is no suffix of point clouds: .ply, .xyz, .txt or .npy")
        return _split(table, dim)
    except (OSError, ValueError) as error:
        raise ValueError(f"'{path}': {error}") from error


def nearest_distance(cloud: Floats, points: Floats) -> Floats:
    """Return the distance of each point (N, D) to the nearest of a cloud (K, D), (N,) float64."""
    distance: Floats = cKDTree(cloud).query(points)[0]
    return distance


def _split(table: Floats, dim: int) -> tuple[Floats, Floats | None]:
    if table.ndim != 2 or table.shape[1] not in (dim, 2 * dim):
        raise ValueError(
            f"it holds an array of shape {table.shape}; points in {dim}-D need {dim} columns, or "
            f"{2 * dim} with normals (data.dim={dim})"
        )
    finite = np.isfinite(table).all(axis=1)
    if not finite.all():
        bad = int(np.argmin(finite))
        raise ValueError(
            f"point {bad + 1} has values that are not finite numbers: {table[bad].tolist()} "
            f"({np.sum(~finite)} such points)"
        )
    points = table[:, :dim]
    distinct = len(np.unique(points, axis=0))
    if distinct < LEAST_POINTS:
        raise ValueError(f"it has {distinct} distinct points; a cloud needs at least 16")
    if table.shape[1] == dim:
        return points, None
    normals = table[:, dim:]
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    if not length.all():
        bad = int(np.argmin(length))
        raise ValueError(
            f"the normal of point {bad + 1} has length zero ({np.sum(length == 0)} such points); "
            "mend the normals, or leave them all out"
        )
    if (normals >= 0).all() and normals.max() > 1 and (normals == normals.round()).all():
        raise ValueError(
            f"its last {dim} columns are whole numbers up to {normals.max():g}: colours, not "
            "normals; leave them out"
        )
    return points, normals / length


def _read_ply(data: bytes, dim: int) -> Floats:
    """Return the columns x, y, ... and, if all are there, nx, ny, ... of a file's vertices."""
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
    """Return the properties of a file's vertices by name; trimesh keeps no normals of clouds."""
    head, mark, _ = data.partition(b"end_header")
    body = data.find(b"\n", len(head)) + 1
    if not head.startswith(b"ply") or not mark or body == 0:
        raise ValueError("it is no .ply file: it does not begin with 'ply' and a header")
    order, num, before = "", -1, True
    types: list[tuple[str, str]] = []
    for line in head.decode("ascii", errors="replace").splitlines():
        match line.split():
            case ["format", kind, *_]:
                order = {"binary_little_endian": "<", "binary_big_endian": ">"}.get(kind, "")
            case ["element", "vertex", count] if before and count.isdigit():
                num, before = int(count), False
            case ["element", *_] if before:
                raise ValueError("its header names something else before the vertices")
            case ["element", *_]:
                break
            case ["property", kind, name] if kind in _PLY_TYPES:
                types.append((name, order + _PLY_TYPES[kind]))
            case ["property", *_]:
                raise ValueError(f"its header has '{line.strip()[:60]}', which cannot be read")
    kinds = np.dtype(types)
    if order:
        if num < 0 or len(data) - body < num * kinds.itemsize:
            raise ValueError(f"it is cut off: {num} vertices announced")
        table = np.frombuffer(data, kinds, count=num, offset=body)
        return {name: table[name].astype(np.float64) for name, _ in types}
    rows = _read_table(b"\n".join(data[body:].splitlines()[: max(num, 0)]))
    if len(rows) != num or rows.shape[1] != len(types):
        raise ValueError(
            f"it holds {len(rows)} rows of {rows.shape[1]} numbers; its header announces {num} of "
            f"{len(types)}"
        )
    return {name: rows[:, i] for i, (name, _) in enumerate(types)}


def _read_array(data: bytes) -> Floats:
    try:
        with numbers_in(io.BytesIO(data)) as array:
            return np.asarray(array, dtype=np.float64)
    # a file of something else raises by what it looks like
    except Exception as error:
        raise ValueError(f"it cannot be read: {error}") from error


def _read_table(data: bytes) -> Floats:
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
            rows.clear()  # the number of points, which some programs write first
        if rows and len(row) != width:
            raise ValueError(
                f"line {number} has {len(row)} numbers where those before have {width}"
            )
        width = len(row)
        rows.append(row)
    return np.array(rows, dtype=np.float64).reshape(len(rows), width)
