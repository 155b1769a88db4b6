"""Folder of shapes that a run has made: paths, reading and writing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from inr.data.layout import write_npz
from inr.models.latents import read_latent
from inr.runs.finished import FinishedShapes
from inr.shapes.mesh import Mesh, empty_mesh, mesh_suffix, read_mesh, write_mesh


@dataclass(frozen=True)
class ShapeFolder:
    """Files of the shapes of one reconstruction, of one set of samples, or of one edit.

    An empty shape or part has no mesh file.

    Args:
        path: path of the folder.
        dim: D, dimension of space; decides the suffix of mesh files.
    """

    path: Path
    dim: int

    @property
    def latents(self) -> Path:
        """Return the folder of latents; it can be given as `latent.pretrained`."""
        return self.path / "latents"

    @property
    def native_meshes(self) -> Path:
        """Return the folder of meshes in the native frame, that of the user's files."""
        return self.path / "meshes_native"

    def mesh(self, name: str) -> Path:
        """Return the path of a shape's mesh, in the box frame."""
        return self.path / "meshes" / f"{name}{mesh_suffix(self.dim)}"

    def native_mesh(self, name: str) -> Path:
        """Return the path of a shape's mesh in the native frame."""
        return self.native_meshes / f"{name}{mesh_suffix(self.dim)}"

    def part(self, name: str, part: int) -> Path:
        """Return the path of the mesh of one part of a shape, in the box frame."""
        return self.path / "parts" / name / f"part{part}{mesh_suffix(self.dim)}"

    def poses(self, name: str) -> Path:
        """Return the path of the poses of a shape's parts."""
        return self.path / "poses" / f"{name}.npz"

    def latent(self, name: str) -> Path:
        """Return the path of a shape's latent."""
        return self.latents / f"{name}.npy"

    def finished(self, settings: Mapping[str, Any]) -> FinishedShapes:
        """Return the entries of shapes.json.

        Args:
            settings: settings of new entries, with which `check_settings` compares the old ones.
        """
        return FinishedShapes(self.path, settings, {"status": str, "seconds": int | float})

    def read_mesh(self, name: str) -> Mesh:
        """Read a shape's mesh; it is empty if there is no file."""
        return _read(self.mesh(name)) or empty_mesh(self.dim)

    def write_mesh(self, name: str, mesh: Mesh) -> None:
        """Write a shape's mesh, replacing an existing one."""
        _write(mesh, self.mesh(name))

    def read_latent(self, name: str) -> Tensor:
        """Read a shape's latent: (L,), or part latents (P, L + K).

        Raises:
            ValueError: if the file cannot be read.
        """
        return read_latent(self.latent(name))

    def write_latent(self, name: str, latent: Tensor) -> None:
        """Write a shape's latent: (L,), or part latents (P, L + K)."""
        self.latents.mkdir(parents=True, exist_ok=True)
        np.save(self.latent(name), latent.cpu().numpy())

    def read_parts(self, name: str, num_parts: int) -> list[Mesh | None]:
        """Read the meshes of a shape's parts; None for a part without a file."""
        return [_read(self.part(name, part)) for part in range(num_parts)]

    def write_parts(
        self, name: str, meshes: Sequence[Mesh | None], poses: Mapping[str, np.ndarray]
    ) -> None:
        """Write the meshes of a shape's parts (None for an absent part) and their poses."""
        for part, mesh in enumerate(meshes):
            _write(mesh, self.part(name, part))
        write_npz(self.poses(name), **poses)


def _read(path: Path) -> Mesh | None:
    return read_mesh(path) if path.exists() else None


def _write(mesh: Mesh | None, path: Path) -> None:
    path.unlink(missing_ok=True)
    if mesh is not None and not mesh.is_empty:
        write_mesh(mesh, path)
