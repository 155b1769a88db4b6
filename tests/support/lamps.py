"""Shapes of parts, as folders of files: a foot, a pole, and for some a shade."""

from pathlib import Path

import numpy as np
import trimesh
from scipy.spatial.transform import Rotation

from inr.shapes.mesh import Mesh, write_mesh
from inr.shapes.procedural.chairs import unite
from tests.support.cli import TINY

SMALL = [s for s in TINY if s.startswith("data.sampling")]
SMALL += ["data.splits.train=1.0", "data.splits.test=0", "workers=1"]
# half-extents and middles of the three parts, in a native frame far from the box
HALVES = np.array([[6.0, 1.0, 4.0], [0.8, 8.0, 0.8], [4.0, 2.0, 3.0]])
MIDDLES = np.array([[0.0, 0.0, 0.0], [0.0, 8.0, 0.0], [0.0, 16.0, 0.0]])
MIDDLES += np.array([100.0, 50.0, 0.0])
TURN = Rotation.from_euler("y", 0.2)  # of the foot


def lamp_parts(*, height: float = 1.0, has_shade: bool = True) -> list[Mesh | None]:
    parts: list[Mesh | None] = []
    for number, (half, middle) in enumerate(zip(HALVES, MIDDLES, strict=True)):
        made = trimesh.creation.box(2 * half * [1, height if number == 1 else 1, 1])
        vertices = np.asarray(made.vertices)
        vertices = TURN.apply(vertices) if number == 0 else vertices
        parts.append(Mesh(vertices + middle, np.asarray(made.faces, np.int64)))
    return parts if has_shade else [*parts[:2], None]


def write_lamps(folder: Path, *, nested: bool = True) -> Path:
    """Write three lamps, the second without a shade.

    Args:
        folder: the source.
        nested: whether files lie in meshes/ and parts/meshes/, or at the top and in parts/.
    """
    for number in range(3):
        height = 1 + 0.05 * number
        write_lamp(folder, f"lamp{number}", height=height, has_shade=number != 1, nested=nested)
    return folder


def write_lamp(
    folder: Path, name: str, *, height: float = 1.0, has_shade: bool = True, nested: bool = True
) -> None:
    """Write the mesh of a lamp, and of its parts."""
    parts = lamp_parts(height=height, has_shade=has_shade)
    whole = unite([part for part in parts if part is not None])
    write_mesh(whole, whole_of(folder, name, nested))
    for index, part in enumerate(parts):
        if part is not None:
            write_mesh(part, parts_of(folder, name, nested) / f"part{index}.obj")


def whole_of(folder: Path, name: str, nested: bool = True) -> Path:
    return (folder / "meshes" if nested else folder) / f"{name}.ply"


def parts_of(folder: Path, name: str, nested: bool = True) -> Path:
    return (folder / "parts" / "meshes" if nested else folder / "parts") / name


def write_poses(folder: Path, name: str, num_parts: int = 3, **changed) -> None:
    """Write the exact poses in the native frame."""
    half_turn = np.roll(TURN.as_quat(), 1)
    quaternions = np.array([half_turn, [1, 0, 0, 0], [1, 0, 0, 0]], dtype=float)
    poses = {"quaternions": quaternions, "translations": MIDDLES, "scales": HALVES} | changed
    target = folder / "parts" / "parameters" / name
    target.mkdir(parents=True, exist_ok=True)
    for file, array in poses.items():
        if array is not None:
            np.save(target / f"{file}.npy", np.asarray(array, dtype=float)[:num_parts])
