"""Mesh formats with scenes (.glb, .gltf, .3mf and .dae), joined with their node transforms."""

import io
import json
import logging
import struct
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

import numpy as np
import trimesh
from trimesh.exchange.load import mesh_loaders

from inr.shapes.formats.meshes import ReadCompanion
from inr.shapes.formats.triangulate import Floats, Ints

# maximum unpacked size of a .zip or .3mf, in bytes
LARGEST_ARCHIVE = 1 << 33

_COMPRESSED = ("KHR_draco_mesh_compression", "EXT_meshopt_compression")


def read_glb(data: bytes, read_companion: ReadCompanion) -> tuple[Floats, Ints]:
    """Read a binary glTF scene; see `_read_scene`."""
    return _read_scene(data, "glb", _gltf_buffers(_glb_tree(data), read_companion))


def read_gltf(data: bytes, read_companion: ReadCompanion) -> tuple[Floats, Ints]:
    """Read a text glTF scene, whose buffers may be in separate files; see `_read_scene`."""
    return _read_scene(data, "gltf", _gltf_buffers(_gltf_tree(data), read_companion))


def read_3mf(data: bytes, _: ReadCompanion) -> tuple[Floats, Ints]:
    """Read a 3MF scene; see `_read_scene`."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        check_sizes(archive)
    return _read_scene(data, "3mf", {})


def read_dae(data: bytes, _: ReadCompanion) -> tuple[Floats, Ints]:
    """Read a COLLADA scene; see `_read_scene`."""
    if b"<!ENTITY" in data:
        raise ValueError("it declares XML entities, which are refused as a risk (entity expansion)")
    return _read_scene(data, "dae", {})


def check_sizes(archive: zipfile.ZipFile) -> None:
    """Raise ValueError if an archive unpacks to too much, by the sizes it declares."""
    size = sum(info.file_size for info in archive.infolist())
    if size > LARGEST_ARCHIVE:
        raise ValueError(f"it unpacks to {size} bytes, more than {LARGEST_ARCHIVE} allowed")


def _read_scene(data: bytes, kind: str, resolver: dict[str, bytes]) -> tuple[Floats, Ints]:
    """Read all mesh instances of a scene, with their node transforms applied.

    Lines, points, cameras, materials and images are ignored. Units and up axis are kept; faces of a
    mirrored instance are flipped to stay outward.

    Args:
        data: content of the file.
        kind: glb, gltf, 3mf or dae.
        resolver: URI to content of each external buffer.

    Returns:
        vertices (V, 3) and triangles (F, 3).

    Raises:
        ValueError: if the data are damaged.
    """
    with _quiet():
        raw = mesh_loaders[kind](
            file_obj=io.BytesIO(data), file_type=kind, resolver=resolver, skip_materials=True
        )
        pieces = list(_placed(raw))
    if not pieces:
        return np.zeros((0, 3)), np.zeros((0, 3), np.int64)
    starts = np.cumsum([0] + [len(vertices) for vertices, _ in pieces])
    return (
        np.concatenate([vertices for vertices, _ in pieces]),
        np.concatenate([faces + start for (_, faces), start in zip(pieces, starts, strict=False)]),
    )


def _placed(raw: dict[str, Any]) -> Iterator[tuple[Floats, Ints]]:
    """Yield the vertices and faces of each mesh instance in the scene."""
    geometry = raw.get("geometry", {"": raw})
    scene = trimesh.Scene()
    if "base_frame" in raw:
        scene.graph.base_frame = raw["base_frame"]
    for edge in raw.get("graph") or [{"frame_to": name, "geometry": name} for name in geometry]:
        scene.graph.update(**edge)
    for node in scene.graph.nodes_geometry:
        matrix, name = scene.graph[node]
        piece = geometry.get(name, {})
        if piece.get("vertices") is None:
            continue
        vertices = np.asarray(piece["vertices"], np.float64).reshape(-1, 3)
        faces = np.zeros((0, 3), np.int64)
        if piece.get("faces") is not None and len(piece["faces"]):
            faces = trimesh.geometry.triangulate_quads(piece["faces"]).reshape(-1, 3)
        if len(faces) and (faces.min() < 0 or faces.max() >= len(vertices)):
            raise ValueError("a face names a vertex that the file does not have")
        if np.linalg.det(matrix[:3, :3]) < 0:
            faces = faces[:, ::-1]
        yield vertices @ matrix[:3, :3].T + matrix[:3, 3], faces


def _gltf_tree(data: bytes) -> dict[str, Any]:
    try:
        tree = json.loads(data)
    except ValueError as error:
        raise ValueError(f"it is cut off, or no JSON: {error}") from error
    if not isinstance(tree, dict):
        raise ValueError("its JSON is not that of a .gltf")
    return tree


def _glb_tree(data: bytes) -> dict[str, Any]:
    header = struct.unpack_from("<4sII", data) if len(data) >= 20 else (b"", 0, 0)
    if header[0] != b"glTF" or header[2] > len(data):
        raise ValueError(
            f"it is cut off: its header announces {header[2]} bytes, it has {len(data)}"
        )
    size = int.from_bytes(data[12:16], "little")
    return _gltf_tree(data[20 : 20 + size])


def _gltf_buffers(tree: dict[str, Any], read_companion: ReadCompanion) -> dict[str, bytes]:
    """Return URI to content, of the external buffers of a .gltf."""
    extensions = [name for name in tree.get("extensionsRequired", []) if name in _COMPRESSED]
    if extensions:
        raise ValueError(f"it is compressed with {extensions[0]}; export it without compression")
    found: dict[str, bytes] = {}
    for buffer in tree.get("buffers", []):
        uri = buffer.get("uri", "data:")
        if not uri.startswith("data:"):
            try:
                found[uri] = read_companion(unquote(uri))
            except OSError as error:
                raise ValueError(
                    f"its buffer '{uri[:60]}' is not beside it; keep both together, or save as .glb"
                ) from error
            if len(found[uri]) < buffer.get("byteLength", 0):
                raise ValueError(f"its buffer '{uri[:60]}' is cut off")
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the readers' messages about materials and the like."""
    log = logging.getLogger("trimesh")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # numpy only warns about text it cannot parse
            warnings.filterwarnings("error", message="string or file could not be read")
            yield
    finally:
        log.setLevel(level)
