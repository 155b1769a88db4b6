"""Meshes in archives (.zip)."""

import io
import zipfile
from pathlib import PurePosixPath

from inr.hints import shorten
from inr.shapes.formats.base import SURFACE
from inr.shapes.formats.meshes import ReadCompanion, read_bytes
from inr.shapes.formats.scenes import check_sizes
from inr.shapes.formats.table import suffixes
from inr.shapes.formats.triangulate import Floats, Ints

_MESHES = tuple(suffix for suffix in suffixes(SURFACE) if suffix != ".zip")


def read_zip(data: bytes, _: ReadCompanion) -> tuple[Floats, Ints]:
    """Read the only mesh in an archive, of any surface format except .zip.

    Raises:
        ValueError: if there is no mesh or more than one, or the archive is truncated.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except zipfile.BadZipFile as error:
        raise ValueError(f"it is cut off, or not a .zip: {error}") from error
    with archive:
        check_sizes(archive)
        members = {info.filename: info for info in archive.infolist() if not info.is_dir()}
        meshes = [name for name in members if _is_mesh(name)]
        if len(meshes) != 1:
            shown = shorten([f"'{name[:60]}'" for name in meshes], 3)
            found = f"{len(meshes)} ({shown})" if meshes else "none"
            raise ValueError(f"a .zip must hold one mesh, and this one holds {found}; unpack it")

        def member(name: str) -> bytes:
            if name not in members:
                raise FileNotFoundError(name)
            return archive.read(name)

        path = PurePosixPath(meshes[0])
        return read_bytes(
            member(meshes[0]), path.suffix.lower(), lambda name: member(str(path.parent / name))
        )


def _is_mesh(name: str) -> bool:
    """Return whether a member of a .zip is a mesh, not metadata added by an archiver."""
    path = PurePosixPath(name)
    hidden = path.name.startswith(".") or "__MACOSX" in path.parts
    return path.suffix.lower() in _MESHES and not hidden
