"""Output files and pictures of the parts of a shape."""

import torch

from inr.models.parts.poses import split
from inr.reconstruct import decode_parts
from inr.render import ShapeRenderer
from inr.render.interface import Image
from inr.render.parts import part_colors
from inr.runs.shape_folder import ShapeFolder
from inr.runs.trained import TrainedRun
from inr.shapes.mesh import Mesh, empty_mesh


def write_parts(
    trained: TrainedRun, shapes: ShapeFolder, name: str, latent: torch.Tensor
) -> list[Mesh | None]:
    """Write and return the meshes of the parts of a latent (P, L + K); write their poses.

    An absent part, or one whose field has the same sign everywhere, has no mesh file. The poses are
    quaternions (P, 4), w first, or in 2-D angles (P,), translations and scales (P, D), and
    present (P,).
    """
    config = trained.job.config
    dim = config.data.dim
    meshes = decode_parts(
        trained.model,
        latent,
        dim=dim,
        resolution=config.eval.resolution,
        coarse_to_fine=config.eval.coarse_to_fine,
    )
    pose = split(latent, dim)[1]
    arrays = {
        "angles" if dim == 2 else "quaternions": pose.rotation[:, 0] if dim == 2 else pose.rotation,
        "translations": pose.translation,
        "scales": pose.scale,
        "present": pose.present,
    }
    shapes.write_parts(name, meshes, {key: value.cpu().numpy() for key, value in arrays.items()})
    return meshes


def draw_parts(shapes: ShapeFolder, name: str, num_parts: int, renderer: ShapeRenderer) -> Image:
    """Draw the parts written by `write_parts`, each in the colour of its number."""
    meshes = shapes.read_parts(name, num_parts)
    shown = [empty_mesh(shapes.dim) if mesh is None else mesh for mesh in meshes]
    return renderer.render_parts(shown, part_colors(num_parts))
