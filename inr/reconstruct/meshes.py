"""Meshes of latents."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from inr.models.decoder import PartDecoder
from inr.models.inr import INR
from inr.models.parts.poses import is_present
from inr.shapes.extract import extract_mesh
from inr.shapes.mesh import Floats, Mesh

# points handed to the network at once: what fits a cache on a CPU, what fills a GPU
POINTS_A_CALL_CPU = 8192
POINTS_A_CALL_GPU = 262144


def points_a_call(device: torch.device) -> int:
    """Return how many points to hand the network at once."""
    return POINTS_A_CALL_CPU if device.type == "cpu" else POINTS_A_CALL_GPU


def decode_mesh(
    model: INR, latent: Tensor, *, dim: int, resolution: int, coarse_to_fine: bool
) -> Mesh:
    """Extract the zero level of one shape's field.

    Args:
        model: decodes the latent.
        latent: (L,).
        dim: D.
        resolution: points a side of the grid over [-1, 1]^D.
        coarse_to_fine: see inr.shapes.extract; an occupancy, which is no distance, is sampled on
            the whole grid.

    Returns:
        A mesh in the box frame, with no faces where the field has no zero.

    Raises:
        FloatingPointError: if the field is not finite.
    """
    return extract_mesh(
        field_of(model, latent),
        dim=dim,
        resolution=resolution,
        coarse_to_fine=coarse_to_fine and model.output == "sdf",
        chunk_size=points_a_call(latent.device) // (model.latents.num_parts or 1),
    )


def decode_parts(
    model: INR, latent: Tensor, *, dim: int, resolution: int, coarse_to_fine: bool
) -> list[Mesh | None]:
    """Extract the zero level of each part of a shape; None for parts that it lacks.

    Args:
        model: decodes the latent.
        latent: (P, L + K).
        dim: D.
        resolution: as of `decode_mesh`; coarse_to_fine as well.
        coarse_to_fine: see there.

    Returns:
        P meshes in the box frame, not cut by other parts.

    Raises:
        FloatingPointError: if a value is not finite.
    """
    assert isinstance(model.decoder, PartDecoder)
    meshes: list[Mesh | None] = []
    for part, there in enumerate(is_present(latent)):
        if not there:
            meshes.append(None)
            continue
        asked, num_decoded = latent, len(latent)
        if model.decoder.parts_are_independent:  # the others need not be decoded
            asked, num_decoded = latent.clone(), 1
            asked[:, -1] = (torch.arange(len(latent)) == part).to(latent)
        mesh = extract_mesh(
            _part_field(model, asked, part),
            dim=dim,
            resolution=resolution,
            coarse_to_fine=coarse_to_fine,
            chunk_size=points_a_call(latent.device) // num_decoded,
        )
        meshes.append(mesh)
    return meshes


def _part_field(model: INR, latent: Tensor, part: int) -> Callable[[Floats], Floats]:
    @torch.inference_mode()
    def field(points: Floats) -> Floats:
        x = torch.from_numpy(points.astype(np.float32)).to(latent.device)
        parts = model.decode(x[None], latent[None]).parts
        assert parts is not None
        values: Floats = parts[0, :, part].cpu().numpy()
        return values

    return field


def field_of(model: INR, latent: Tensor) -> Callable[[Floats], Floats]:
    """Return one shape's field as a function of numpy points (N, D), giving (N,).

    It is negative inside: of an occupancy it is the logit of being outside.
    """
    sign = -1 if model.output == "occupancy" else 1

    @torch.inference_mode()
    def field(points: Floats) -> Floats:
        x = torch.from_numpy(points.astype(np.float32)).to(latent.device)
        values: Floats = model.decode(x[None], latent[None]).value[0, :, 0].cpu().numpy()
        return sign * values

    return field
