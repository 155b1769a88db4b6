"""Colors of parts, and joining of meshes."""

from collections.abc import Sequence

import numpy as np

from inr.render.interface import Color
from inr.shapes.mesh import Floats, Ints, Mesh

# easy to distinguish side by side; part i has color i in every picture
PART_COLORS: tuple[Color, ...] = (
    (0.86, 0.47, 0.34),
    (0.45, 0.62, 0.82),
    (0.55, 0.72, 0.42),
    (0.93, 0.77, 0.36),
    (0.63, 0.52, 0.76),
    (0.42, 0.71, 0.70),
    (0.85, 0.56, 0.69),
    (0.66, 0.58, 0.47),
    (0.40, 0.48, 0.60),
    (0.75, 0.80, 0.50),
)


def part_colors(num_parts: int) -> list[Color]:
    """Return a color for each part; the ten colors repeat."""
    return [PART_COLORS[part % len(PART_COLORS)] for part in range(num_parts)]


def join_meshes(meshes: Sequence[Mesh]) -> tuple[Mesh, Ints]:
    """Join meshes into one; return it and the index (F,) of the mesh of each face.

    Raises:
        ValueError: if there is no mesh.
    """
    if not meshes:
        raise ValueError("there is no mesh to draw")
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    faces = [mesh.faces + start for mesh, start in zip(meshes, starts, strict=False)]
    vertices: Floats = np.concatenate([mesh.vertices for mesh in meshes])
    owner = np.repeat(np.arange(len(meshes)), [len(mesh.faces) for mesh in meshes])
    return Mesh(vertices, np.concatenate(faces)), owner
