"""The table of file formats: suffix to kinds of shape and the functions that read them.

A new format is a module in this folder and a row in the table. A user-defined format needs neither:
it is a subclass of `inr.shapes.formats.base.Format`.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from inr.shapes.formats.base import KINDS, NO_FORMATS, OUTLINE, POINTS, SURFACE, Formats

_PICTURE = {OUTLINE: "masks.read_mask"}

# suffix to kind to module.function in this folder, imported on first use:
# - surface: data, read_companion (see meshes.py) -> vertices (V, 3), triangles (F, 3)
# - outline: data -> vertices (V, 2), edges (E, 2)
# - points: data, dim -> (K, D), or (K, 2 D) with normals
FORMATS: dict[str, dict[str, str]] = {
    ".obj": {SURFACE: "text_meshes.read_obj"},
    ".ply": {SURFACE: "ply.read_ply", POINTS: "clouds.read_ply"},
    ".off": {SURFACE: "text_meshes.read_off"},
    ".stl": {SURFACE: "text_meshes.read_stl"},
    ".glb": {SURFACE: "scenes.read_glb"},
    ".gltf": {SURFACE: "scenes.read_gltf"},
    ".3mf": {SURFACE: "scenes.read_3mf"},
    ".dae": {SURFACE: "scenes.read_dae"},
    ".zip": {SURFACE: "archives.read_zip"},
    ".npz": {OUTLINE: "arrays.read_edges"},
    ".dat": {OUTLINE: "airfoil.read_dat"},
    ".svg": {OUTLINE: "svg.read_svg"},
    ".dxf": {OUTLINE: "dxf.read_dxf"},
    ".xyz": {POINTS: "clouds.read_table"},
    ".txt": {POINTS: "clouds.read_table"},
    ".npy": {OUTLINE: "arrays.read_loop_or_mask", POINTS: "clouds.read_array"},
    ".png": _PICTURE,
    ".bmp": _PICTURE,
    ".gif": _PICTURE,
    ".jpg": _PICTURE,
    ".jpeg": _PICTURE,
    ".tif": _PICTURE,
    ".tiff": _PICTURE,
    ".webp": _PICTURE,
}


def suffixes(kind: str, own: Formats = NO_FORMATS) -> tuple[str, ...]:
    """Return the suffixes of files with a kind of shape, one of KINDS.

    A user-defined format replaces the built-in one of its suffix.
    """
    assert kind in KINDS, kind
    ours = [suffix for suffix, row in FORMATS.items() if kind in row and suffix not in own]
    return (*ours, *(suffix for suffix, each in own.items() if each.gives == kind))


def reader(suffix: str, kind: str) -> Callable[..., Any]:
    """Return the function that reads the content of a file.

    Raises:
        ValueError: if files with this suffix do not hold this kind of shape.
    """
    path = FORMATS.get(suffix, {}).get(kind)
    if path is None:
        raise ValueError(f"'{suffix}' is none of the suffixes {', '.join(suffixes(kind))}")
    module, _, name = path.partition(".")
    found: Callable[..., Any] = getattr(import_module(f"inr.shapes.formats.{module}"), name)
    return found
