"""Read triangle meshes from files, by suffix, with one-line error messages."""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from inr.shapes.formats.base import SURFACE
from inr.shapes.formats.table import reader, suffixes
from inr.shapes.formats.triangulate import Floats, Ints

# reads a companion of a mesh file, a file in its folder such as the buffers of a .gltf, given its
# name; raises OSError if it does not exist
ReadCompanion = Callable[[str], bytes]

_MAGIC = (
    (re.compile(rb"ply\s"), ".ply"),
    (re.compile(rb"glTF"), ".glb"),
    (re.compile(rb"PK[\x03\x05\x07]"), ".zip"),
    (re.compile(rb"\x89PNG|\xff\xd8\xff|GIF8|BM.{4}\0\0\0\0", re.DOTALL), "a picture"),
    (re.compile(rb"%PDF"), ".pdf"),
    (re.compile(rb"\s*(#[^\n]*\n\s*)*(ST)?C?N?4?n?OFF"), ".off"),
    (re.compile(rb"\s*\{"), ".gltf"),
    (re.compile(rb"\s*(?=<)(?=.{0,2000}[<:]COLLADA)", re.DOTALL), ".dae"),
    (re.compile(rb"\s*<[?!\w]"), "XML or HTML"),
    (re.compile(rb"\s*solid\b.{0,1000}\bfacet\b", re.DOTALL | re.IGNORECASE), ".stl"),
    (re.compile(rb"(?m:^)\s*(v|vn|vt|f|o|g|mtllib)\s+\S", re.MULTILINE), ".obj"),
)
# formats that have a signature; an .obj and a binary .stl may begin with anything
_SIGNED = {".ply": ".ply", ".glb": ".glb", ".off": ".off", ".gltf": ".gltf", ".dae": ".dae"} | {
    ".zip": ".zip",
    ".3mf": ".zip",
}
# formats whose content _MAGIC knows; the reader of any other is the judge of it
_KNOWN = frozenset({*_SIGNED, ".obj", ".stl"})


class NoFacesError(ValueError):
    """Error for a valid file without faces.

    Args:
        text: message.
        num_points: number of points in the file.
    """

    def __init__(self, text: str, num_points: int) -> None:
        super().__init__(text)
        self.num_points = num_points


def read_triangles(path: Path) -> tuple[Floats, Ints]:
    """Read the triangles of a mesh file; a scene is joined, and polygons are triangulated.

    A .zip must hold one mesh; it is read in memory, and other members only if the mesh needs them
    (the buffers of a .gltf). Materials and textures are ignored.

    Args:
        path: file with a suffix of a surface (see table.py).

    Returns:
        vertices (V, 3) float64 and faces (F, 3) int64.

    Raises:
        ValueError: with the file and the reason in one line: it is missing, empty, truncated,
            damaged, of another format than its suffix, or has no faces (NoFacesError).
    """
    try:
        data = path.read_bytes()
        vertices, faces = read_bytes(
            data, path.suffix.lower(), lambda name: _read_companion(path, name)
        )
        if len(faces) == 0:
            raise NoFacesError(_without_faces(vertices), len(vertices))
    except OSError as error:
        raise ValueError(f"cannot read '{path}': {error.strerror or error}") from error
    except ValueError as error:
        text = f"cannot read '{path}' as a mesh: {error}"
        if isinstance(error, NoFacesError):
            raise NoFacesError(text, error.num_points) from error
        raise ValueError(text) from error
    return vertices, faces


def _without_faces(vertices: Floats) -> str:
    if len(vertices) == 0:
        return "it has no faces and no vertices"
    return f"it has {len(vertices)} points and no faces; to learn from points, set data=points"


def read_bytes(data: bytes, suffix: str, read_companion: ReadCompanion) -> tuple[Floats, Ints]:
    """Read the triangles in the bytes of a mesh file.

    Args:
        data: content of the file.
        suffix: suffix of its name, lower case.
        read_companion: reads a file beside it, as .gltf may need.

    Raises:
        ValueError: with the reason in one line.
    """
    read = reader(suffix, SURFACE)
    _check_content(data, suffix)
    try:
        vertices, faces = read(data, read_companion)
        return vertices, faces
    except (ValueError, MemoryError) as error:
        raise ValueError(_one_line(error)) from error
    except zipfile.BadZipFile as error:
        raise ValueError(f"it is cut off, or its archive is damaged: {error}") from error
    # third-party parsers raise errors of many kinds, such as struct.error and KeyError
    except Exception as error:
        raise ValueError(
            f"it is damaged or cut off ({type(error).__name__}: {_one_line(error)})"
        ) from error


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:240] or type(error).__name__


def _check_content(data: bytes, suffix: str) -> None:
    """Raise ValueError if data are empty, or evidently of another format than the suffix."""
    if not data.strip(b"\0\t\n\r "):
        raise ValueError("the file is empty" if not data else "the file holds only blanks or zeros")
    if suffix not in _KNOWN:
        return
    head = data[:4000].removeprefix(b"\xef\xbb\xbf")
    kind = next((kind for pattern, kind in _MAGIC if pattern.match(head)), "")
    if kind == "" and _MAGIC[-1][0].search(head):
        kind = ".obj"
    expected = _SIGNED.get(suffix)
    if kind == expected or (expected is None and kind in ("", suffix)):
        return
    if expected is None and suffix == ".stl" and _is_binary_stl(data):
        return
    if kind == "":
        raise ValueError(f"it does not begin as a {suffix} does: damaged, or something else")
    raise ValueError(
        f"its name ends in {suffix}, its content is {_with_article(kind)}; rename it"
        if kind in suffixes(SURFACE)
        else f"it is no mesh but {_with_article(kind)}"
    )


def _is_binary_stl(data: bytes) -> bool:
    return len(data) >= 84 and len(data) >= 84 + 50 * int.from_bytes(data[80:84], "little")


def _with_article(kind: str) -> str:
    if not kind.startswith("."):
        return kind
    return f"an {kind}" if kind in (".obj", ".off", ".stl") else f"a {kind}"


def _read_companion(path: Path, name: str) -> bytes:
    """Return the bytes of a file in the folder of a mesh, or below it."""
    if not _is_plain(name):
        raise FileNotFoundError(name)
    return (path.parent / name).read_bytes()


def _is_plain(name: str) -> bool:
    """Return whether a name stays below the folder it is relative to."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return bool(parts) and ".." not in parts and parts[0] != "/" and ":" not in parts[0]
