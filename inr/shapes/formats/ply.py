"""The .ply format: text or binary, of either byte order, polygons of any size."""

from dataclasses import dataclass

import numpy as np

from inr.shapes.formats.meshes import ReadCompanion
from inr.shapes.formats.triangulate import Floats, Ints, triangulate

_TYPES = {
    **{"char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4"},
    **{"int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4"},
    **{"float": "f4", "float32": "f4", "double": "f8", "float64": "f8"},
}
_INDICES = ("vertex_indices", "vertex_index")
_AXES = ("x", "y", "z")


@dataclass(frozen=True)
class _Property:
    name: str
    kind: np.dtype
    count: np.dtype | None  # type of a list's length; None for a scalar


@dataclass(frozen=True)
class _Element:
    name: str
    num: int
    properties: list[_Property]

    def least_size(self) -> int:
        """Return the minimum size of its rows in bytes."""
        return self.num * sum((p.count or p.kind).itemsize for p in self.properties)


# a column of numbers (num,), or of lists: their counts (num,) and their values (sum of counts,)
_Column = Floats | tuple[Ints, Floats]


def read_ply(data: bytes, _: ReadCompanion) -> tuple[Floats, Ints]:
    """Read the vertices and faces of a .ply; colours, normals and edges are ignored.

    Returns:
        vertices (V, 3) and triangles (F, 3).

    Raises:
        ValueError: if the header cannot be read, or the data are shorter than it declares.
    """
    kind, elements, start = _read_header(data)
    if kind == "ascii":
        tables = _read_text(data[start:], elements)
    else:
        order = {"binary_little_endian": "<", "binary_big_endian": ">"}.get(kind)
        if order is None:
            raise ValueError(f"its header says 'format {kind}', which is not known")
        tables = _read_binary(data, elements, start, order)
    points = [tables.get("vertex", {}).get(axis) for axis in _AXES]
    if not all(isinstance(axis, np.ndarray) for axis in points):
        raise ValueError("it has no vertices with x, y and z")
    vertices = np.stack([np.asarray(axis, np.float64) for axis in points], axis=1)
    faces = tables.get("face", {})
    lists = next((faces[name] for name in _INDICES if name in faces), None)
    if "tristrips" in tables:
        raise ValueError("its faces are triangle strips; save it with triangles")
    if not isinstance(lists, tuple):
        return vertices, np.zeros((0, 3), np.int64)
    counts, corners = lists
    return vertices, triangulate(vertices, counts, corners.astype(np.int64))


def _read_header(data: bytes) -> tuple[str, list[_Element], int]:
    end = data.find(b"end_header")
    body = data.find(b"\n", end) + 1
    if end < 0 or body == 0:
        raise ValueError("it is cut off: its header has no end_header")
    kind, elements = "", list[_Element]()
    for line in data[:end].decode("latin-1").splitlines():
        try:
            match line.split():
                case ["format", word, *_]:
                    kind = word
                case ["element", name, num]:
                    elements.append(_Element(name, _count(num), []))
                case ["property", "list", count, word, name]:
                    column = _Property(name, np.dtype(_TYPES[word]), np.dtype(_TYPES[count]))
                    elements[-1].properties.append(column)
                case ["property", word, name]:
                    elements[-1].properties.append(_Property(name, np.dtype(_TYPES[word]), None))
                case ["element" | "property", *_]:
                    raise ValueError(line)
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(f"its header has '{line[:60]}', which cannot be read") from error
    return kind, elements, body


def _count(word: str) -> int:
    if not word.isdecimal():
        raise ValueError(word)
    return int(word)


def _cut_off(element: _Element) -> ValueError:
    return ValueError(f"it is cut off: {element.num} of '{element.name}' are announced")


def _read_text(data: bytes, elements: list[_Element]) -> dict[str, dict[str, _Column]]:
    lines = [line for line in data.decode("latin-1").split("\n") if line.strip()]
    tables: dict[str, dict[str, _Column]] = {}
    start = 0
    for element in elements:
        rows = lines[start : start + element.num]
        if len(rows) < element.num:
            raise _cut_off(element)
        start += element.num
        values: list[list[str]] = [[] for _ in element.properties]
        counts: list[list[int]] = [[] for _ in element.properties]
        for row in rows:
            words = row.split()
            at = 0
            for i, column in enumerate(element.properties):
                num = 1
                if column.count is not None:
                    num = int(words[at]) if at < len(words) and words[at].isdecimal() else 0
                    counts[i].append(num)
                    at += 1
                at += num
                if at > len(words):
                    raise ValueError(f"the {element.name} '{row.strip()[:60]}' is not whole")
                values[i] += words[at - num : at]
        tables[element.name] = {
            column.name: _column(values[i], counts[i], column)
            for i, column in enumerate(element.properties)
        }
    return tables


def _column(values: list[str], counts: list[int], column: _Property) -> _Column:
    try:
        numbers = np.fromiter(map(float, values), np.float64, count=len(values))
    except ValueError as error:
        raise ValueError(f"{error} (its '{column.name}')") from error
    return numbers if column.count is None else (np.asarray(counts, np.int64), numbers)


def _read_binary(
    data: bytes, elements: list[_Element], start: int, order: str
) -> dict[str, dict[str, _Column]]:
    tables: dict[str, dict[str, _Column]] = {}
    for element in elements:
        # before allocating: a damaged header may declare billions of rows
        if len(data) - start < element.least_size():
            raise _cut_off(element)
        if element.num == 0 or not element.properties:
            continue
        tables[element.name], start = _read_rows(data, element, start, order)
    return tables


def _read_rows(
    data: bytes, element: _Element, start: int, order: str
) -> tuple[dict[str, _Column], int]:
    """Return the columns of an element, and the offset of the next one."""
    first = _row_type(data, element, start, order)
    if first is not None and len(data) - start >= element.num * first.itemsize:
        table = np.frombuffer(data, first, count=element.num, offset=start)
        lists = [p.name for p in element.properties if p.count is not None]
        if all((table["#" + name] == table["#" + name][0]).all() for name in lists):
            columns: dict[str, _Column] = {}
            for p in element.properties:
                if p.count is None:
                    columns[p.name] = table[p.name]
                else:
                    columns[p.name] = (table["#" + p.name].astype(np.int64), table[p.name].ravel())
            return columns, start + element.num * first.itemsize
    return _read_uneven_rows(data, element, start, order)


def _row_type(data: bytes, element: _Element, start: int, order: str) -> np.dtype | None:
    """Return the type of the first row, which is that of all rows if list lengths are equal."""
    fields: list[tuple[str, str] | tuple[str, str, tuple[int]]] = []
    at = start
    for p in element.properties:
        kind = order + p.kind.str[1:]
        if p.count is None:
            fields.append((p.name, kind))
            at += p.kind.itemsize
            continue
        num = _list_length(data, at, order, p)
        if num is None:
            return None
        fields += [("#" + p.name, order + p.count.str[1:]), (p.name, kind, (num,))]
        at += p.count.itemsize + num * p.kind.itemsize
    return np.dtype(fields)


def _list_length(data: bytes, at: int, order: str, column: _Property) -> int | None:
    """Return the length of the list at an offset; None if the data end within it."""
    assert column.count is not None
    head = data[at : at + column.count.itemsize]
    if len(head) < column.count.itemsize:
        return None
    num = int(np.frombuffer(head, order + column.count.str[1:])[0])
    rest = len(data) - at - len(head)
    return num if 0 <= num * column.kind.itemsize <= rest else None


def _read_uneven_rows(
    data: bytes, element: _Element, start: int, order: str
) -> tuple[dict[str, _Column], int]:
    pieces: list[list[bytes]] = [[] for _ in element.properties]
    counts: list[list[int]] = [[] for _ in element.properties]
    at = start
    for _ in range(element.num):
        for i, p in enumerate(element.properties):
            num: int | None = 1
            if p.count is not None:
                num = _list_length(data, at, order, p)
                at += p.count.itemsize
            if num is None or at + num * p.kind.itemsize > len(data):
                raise _cut_off(element)
            counts[i].append(num)
            pieces[i].append(data[at : at + num * p.kind.itemsize])
            at += num * p.kind.itemsize
    columns: dict[str, _Column] = {}
    for i, p in enumerate(element.properties):
        values = np.frombuffer(b"".join(pieces[i]), order + p.kind.str[1:])
        columns[p.name] = values if p.count is None else (np.asarray(counts[i], np.int64), values)
    return columns, at
