"""Sources of shapes: files, and families that make procedural ones."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from inr.shapes.composite import Composite

# of a shape's name; a file system takes 255, and prepare adds to it
MOST_BYTES = 200


@runtime_checkable
class Family(Protocol):
    """Procedural shapes, made by name."""

    def names(self) -> list[str]:
        """Return all names."""
        ...

    def make(self, name: str) -> Composite:
        """Return a shape in its native frame."""
        ...


def find_files(
    source: Path, suffixes: Sequence[str], *, leave_out: Sequence[Path], key: str = "data.source"
) -> tuple[dict[str, Path], dict[str, str]]:
    """Return the files under a folder by shape name, and those refused with the reason.

    A shape's name is its path under the folder without suffix, with '_' for '/'.

    Args:
        source: a folder, or one file.
        suffixes: those that can be read.
        leave_out: folders whose files are not the user's shapes.
        key: the setting that names the folder, for messages.

    Raises:
        ValueError: if there is no such folder or file, or nothing in it that can be read.
    """
    readable = ", ".join(suffixes)
    if source.is_file():
        if source.suffix.lower() not in suffixes:
            hint = "; data.dim=2|3 and data=points|meshes|outlines choose which"
            raise ValueError(
                f"{key}={source} has none of the suffixes {readable} of such shapes"
                f"{hint if key == 'data.source' else ''}"
            )
        return {shape_name(Path(source.name)): source}, {}
    if not source.is_dir():
        raise ValueError(
            f"{key}={source} does not exist; give the folder of your shapes, or one file"
        )
    hidden = [folder.resolve() for folder in leave_out]
    paths = sorted(
        path
        for path in source.rglob("*")
        if path.suffix.lower() in suffixes
        and not is_hidden(path.relative_to(source))
        and not hidden_by(path, hidden)
    )
    if not paths:
        raise ValueError(f"no shape ({readable}) under {key}={source}")
    found: dict[str, Path] = {}
    refused: dict[str, str] = {}
    for path in paths:
        relative = path.relative_to(source)
        if not is_text(relative):
            refused[ascii(str(relative))] = "its name is not UTF-8; rename it"
            continue
        name = shape_name(relative)
        if name in found:
            refused[relative.as_posix()] = (
                f"'{path}' would be named as '{found[name]}' is; rename one of them"
            )
        else:
            found[name] = path
    return found, refused


def is_hidden(path: Path) -> bool:
    """Return whether a file is hidden, or one of those that macOS adds to archives."""
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)


def hidden_by(path: Path, folders: Sequence[Path]) -> bool:
    """Return whether a file lies in one of some folders, which are absolute."""
    whole = path.resolve()
    return any(whole.is_relative_to(folder) for folder in folders)


def is_text(path: Path) -> bool:
    """Return whether a file's name is text: on Unix it may be any bytes."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def fingerprint(source: "Path | Family") -> dict[str, Any]:
    """Return size, time and hash of a file, by which a later change is found.

    A family, which has no file, gives an empty dict; a file that cannot be read has the hash None.
    """
    if not isinstance(source, Path):
        return {}
    try:
        status = source.stat()
        with source.open("rb") as file:
            digest = hashlib.file_digest(file, "blake2b").hexdigest()[:16]
    except OSError:
        return {"source": str(source.resolve()), "digest": None}
    stamp = [status.st_size, status.st_mtime_ns]
    return {"source": str(source.resolve()), "digest": digest, "stamp": stamp}


def has_changed(source: Path, record: Mapping[str, Any]) -> bool:
    """Return whether a file's content differs from what a record was made of."""
    try:
        status = source.stat()
    except OSError:
        return True
    if record.get("stamp") == [status.st_size, status.st_mtime_ns]:
        return False  # without reading it
    return bool(record.get("digest") != fingerprint(source)["digest"])


def shape_name(relative: Path) -> str:
    """Return the name of a shape from its file's path under the source folder.

    The path without suffix, with '_' for '/'; one too long for a file's name is cut and ends in a
    hash.
    """
    name = "_".join(relative.with_suffix("").parts)
    if len(name.encode()) <= MOST_BYTES:
        return name
    tail = hashlib.sha256(name.encode()).hexdigest()[:8]
    return name.encode()[: MOST_BYTES - 9].decode(errors="ignore") + "_" + tail
