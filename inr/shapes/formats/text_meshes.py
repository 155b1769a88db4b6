"""Text mesh formats: .obj, .off and .stl (text or binary)."""

import re
from collections.abc import Sequence

import numpy as np

from inr.shapes.formats.meshes import ReadCompanion
from inr.shapes.formats.triangulate import Floats, Ints, triangulate

_STL_FACE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_STL_HEADER = 84
_OFF_HEADER = re.compile(r"^(ST)?(C)?(N)?(4)?(n)?OFF\b|^OFF(?=\d)")


def decode(data: bytes) -> str:
    """Decode text in UTF-8, UTF-16 with a byte order mark, or Latin-1."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def read_obj(data: bytes, _: ReadCompanion) -> tuple[Floats, Ints]:
    """Read a Wavefront .obj: `v` and `f` lines of all objects and groups.

    A negative index counts back from the last vertex before its line. Normals, texture coordinates,
    materials, points and lines are ignored.

    Returns:
        vertices (V, 3) and triangles (F, 3).

    Raises:
        ValueError: if a line cannot be read.
    """
    numbers: list[str] = []
    corners: list[str] = []
    counts: list[int] = []
    before: list[int] = []
    last: list[str] = []
    for line in decode(data).replace("\\\r\n", " ").replace("\\\n", " ").split("\n"):
        words = line.partition("#")[0].split()
        if not line.strip():
            continue
        last = words
        if not words:
            continue
        if words[0] == "v":
            if len(words) < 4:
                raise ValueError(f"'{line.strip()[:60]}' has fewer than 3 coordinates")
            numbers += words[1:4]
        elif words[0] == "f":
            corners += words[1:]
            counts.append(len(words) - 1)
            before.append(len(numbers) // 3)
    if last[:1] == ["f"] and len(last) < 4:
        raise ValueError("it is cut off: its last face has fewer than 3 corners")
    vertices = _floats(numbers).reshape(-1, 3)
    index = _ints([corner.partition("/")[0] for corner in corners])
    if (index == 0).any():
        raise ValueError("a face names vertex 0; .obj counts from 1")
    relative = np.repeat(np.asarray(before, np.int64), counts) + index
    index = np.where(index < 0, relative, index - 1)
    return vertices, triangulate(vertices, np.asarray(counts, np.int64), index)


def read_off(data: bytes, _: ReadCompanion) -> tuple[Floats, Ints]:
    """Read a text .off, with or without colours, normals and texture coordinates.

    Returns:
        vertices (V, 3) and triangles (F, 3).

    Raises:
        ValueError: if the header is not that of a 3-D text .off, or lines are missing.
    """
    lines = [line.partition("#")[0].strip() for line in decode(data).split("\n")]
    lines = [line for line in lines if line]
    found = _OFF_HEADER.match(lines[0]) if lines else None
    if found is None or found[4] or found[5] or "BINARY" in lines[0]:
        raise ValueError("it does not begin with OFF, as a 3-D .off of text does")
    lines[0] = lines[0][found.end() :].strip()
    if not lines[0]:
        lines.pop(0)
    announced = lines[0].split()[:2] if lines else []
    if len(announced) < 2 or not all(word.isdecimal() for word in announced):
        raise ValueError("it has no line with its numbers of vertices and faces")
    num_vertices, num_faces = map(int, announced)
    if len(lines) - 1 < num_vertices + num_faces:
        raise ValueError(
            f"it is cut off: {num_vertices} vertices and {num_faces} faces are announced, "
            f"{len(lines) - 1} lines follow"
        )
    numbers: list[str] = []
    for line in lines[1 : num_vertices + 1]:
        words = line.split()[:3]
        if len(words) < 3:
            raise ValueError(f"'{line[:60]}' has fewer than 3 coordinates")
        numbers += words
    vertices = _floats(numbers).reshape(-1, 3)
    counts: list[int] = []
    corners: list[str] = []
    for line in lines[num_vertices + 1 : num_vertices + num_faces + 1]:
        count, *rest = line.split()
        if not count.isdecimal() or len(rest) < int(count):
            raise ValueError(f"the face '{line[:60]}' has fewer corners than it announces")
        counts.append(int(count))
        corners += rest[: int(count)]
    return vertices, triangulate(vertices, np.asarray(counts, np.int64), _ints(corners))


def read_stl(data: bytes, _: ReadCompanion) -> tuple[Floats, Ints]:
    """Read an .stl, binary or text; each triangle has its own vertices.

    Returns:
        vertices (3 F, 3) and triangles (F, 3).

    Raises:
        ValueError: if the file is truncated, or neither.
    """
    # a binary header may be any text, even `solid`: decide by the length
    num = int.from_bytes(data[_STL_HEADER - 4 : _STL_HEADER], "little")
    size = _STL_HEADER + num * _STL_FACE.itemsize
    whole = len(data) >= _STL_HEADER and len(data) == size
    if not whole and data.lstrip()[:5].lower() == b"solid":
        return _read_stl_text(decode(data))
    if len(data) < max(size, _STL_HEADER):
        if all(byte >= 32 or byte in b"\t\n\r" for byte in data[:_STL_HEADER]):
            raise ValueError("it is text, and no .stl, which would begin with 'solid'")
        raise ValueError(
            f"it is cut off, or no .stl: its header announces {num} triangles, {size} bytes; it "
            f"has {len(data)} bytes"
        )
    table = np.frombuffer(data, _STL_FACE, count=num, offset=_STL_HEADER)
    vertices = table["corners"].reshape(-1, 3).astype(np.float64)
    return vertices, np.arange(len(vertices)).reshape(-1, 3)


def _read_stl_text(text: str) -> tuple[Floats, Ints]:
    lines = text.lower().split("\n")
    if not any(line.lstrip().startswith("endsolid") for line in lines[-100:]):
        raise ValueError("it is cut off: no line says endsolid")
    numbers: list[str] = []
    for line in lines:
        words = line.split()
        if words[:1] == ["vertex"]:
            if len(words) != 4:
                raise ValueError(f"'{line.strip()[:60]}' has not 3 coordinates")
            numbers += words[1:]
    vertices = _floats(numbers).reshape(-1, 3)
    if len(vertices) % 3:
        raise ValueError(f"it has {len(vertices)} corners, which do not make whole triangles")
    return vertices, np.arange(len(vertices)).reshape(-1, 3)


def _floats(words: Sequence[str]) -> Floats:
    try:
        return np.fromiter(map(float, words), np.float64, count=len(words))
    except ValueError:
        raise ValueError(f"'{_first(words, float)}' is no number") from None


def _ints(words: Sequence[str]) -> Ints:
    try:
        return np.fromiter(map(int, words), np.int64, count=len(words))
    except (ValueError, OverflowError):
        raise ValueError(f"'{_first(words, int)}' is no index of a vertex") from None


def _first(words: Sequence[str], kind: type[float] | type[int]) -> str:
    """Return the first word that is not a number of a type."""
    for word in words:
        try:
            np.int64(kind(word)) if kind is int else kind(word)
        except (ValueError, OverflowError):
            return word[:40]
    return ""
