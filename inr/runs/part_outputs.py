"""What stage=reconstruct writes and draws of shapes that are made of parts."""

from pathlib import Path

import torch

from inr.data.layout import write_npz
from inr.models.parts.poses import split
from inr.reconstruct import decode_parts
from inr.render import ByDimension
from inr.render.interface import Image
from inr.render.parts import part_colors
from inr.runs.trained import TrainedRun
from inr.shapes.mesh import Mesh, empty_mesh, mesh_suffix, read_mesh, write_mesh


def write_parts(
    trained: TrainedRun, name: str, latent: torch.Tensor, folder: Path
) -> list[Mesh | None]:
    """Write parts/<name>/part<i> and poses/<name>.npz of a latent (P, L + K); return the meshes.

    A part that the shape lacks, or whose field has one sign, has no mesh. The poses are
    quaternions (P, 4), w first, or in 2-D angles (P,), translations and scales (P, D), and
    present (P,).
    """
    config = trained.command.config
    dim = config.data.dim
    meshes = decode_parts(
        trained.model,
        latent,
        dim=dim,
        resolution=config.eval.resolution,
        coarse_to_fine=config.eval.coarse_to_fine,
    )
    for part, mesh in enumerate(meshes):
        path = _part_path(folder, name, part, dim)
        path.unlink(missing_ok=True)
        if mesh is not None and not mesh.is_empty:
            write_mesh(mesh, path)
    pose = split(latent, dim)[1]
    rotation = pose.rotation[:, 0] if dim == 2 else pose.rotation
    arrays = {
        "angles" if dim == 2 else "quaternions": rotation,
        "translations": pose.translation,
        "scales": pose.scale,
        "present": pose.present,
    }
    path = folder / "poses" / f"{name}.npz"
    write_npz(path, **{key: value.cpu().numpy() for key, value in arrays.items()})
    return meshes


def read_part_meshes(folder: Path, name: str, num_parts: int, dim: int) -> list[Mesh | None]:
    """Return the meshes of a shape's parts that write_parts wrote, None for what it lacks."""
    paths = [_part_path(folder, name, part, dim) for part in range(num_parts)]
    return [read_mesh(path) if path.exists() else None for path in paths]


def draw_parts(folder: Path, name: str, num_parts: int, dim: int, renderer: ByDimension) -> Image:
    """Draw the parts that write_parts wrote, each part number in its colour."""
    meshes = read_part_meshes(folder, name, num_parts, dim)
    shown = [empty_mesh(dim) if mesh is None else mesh for mesh in meshes]
    return renderer.render_parts(shown, part_colors(num_parts))


def _part_path(folder: Path, name: str, part: int, dim: int) -> Path:
    return folder / "parts" / name / f"part{part}{mesh_suffix(dim)}"
