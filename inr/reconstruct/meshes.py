"""Extraction of meshes from latents."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from inr.models.decoder import PartDecoder
from inr.models.inr import INR
from inr.models.parts.poses import is_present
from inr.shapes.extract import extract_mesh
from inr.shapes.mesh import Floats, Mesh

# points decoded per call of the network: few enough for a CPU's cache, enough to fill a GPU
POINTS_PER_CALL_CPU = 8192
POINTS_PER_CALL_GPU = 262144


def points_per_call(device: torch.device) -> int:
    """Return the number of points to decode per call of the network."""
    return POINTS_PER_CALL_CPU if device.type == "cpu" else POINTS_PER_CALL_GPU


def decode_mesh(
    model: INR, latent: Tensor, *, dim: int, resolution: int, coarse_to_fine: bool
) -> Mesh:
    """Extract the zero level set of one shape's field.

    Args:
        model: the model to decode with.
        latent: (L,), or (P, L + K) for a shape made of parts.
        dim: D, dimension of space.
        resolution: points per side of the grid over [-1, 1]^D.
        coarse_to_fine: whether to skip cells far from the surface, see inr.shapes.extract; ignored
            for an occupancy, which has no distances.

    Returns:
        A mesh in the box frame, without faces if the field has no zero.

    Raises:
        FloatingPointError: if the field is not finite.
    """
    return extract_mesh(
        field_of(model, latent),
        dim=dim,
        resolution=resolution,
        coarse_to_fine=coarse_to_fine and model.output == "sdf",
        chunk_size=points_per_call(latent.device) // (model.latents.num_parts or 1),
    )


def decode_parts(
    model: INR, latent: Tensor, *, dim: int, resolution: int, coarse_to_fine: bool
) -> list[Mesh | None]:
    """Extract the zero level set of each part of a shape.

    Args:
        model: the model to decode with.
        latent: (P, L + K), latent of the shape.
        dim: D, dimension of space.
        resolution: points per side of the grid over [-1, 1]^D.
        coarse_to_fine: whether to skip cells far from the surface, see inr.shapes.extract.

    Returns:
        P meshes in the box frame, whole also where parts overlap; None for parts that the shape
        lacks.

    Raises:
        FloatingPointError: if a value is not finite.
    """
    assert isinstance(model.decoder, PartDecoder)
    meshes: list[Mesh | None] = []
    for part, there in enumerate(is_present(latent)):
        if not there:
            meshes.append(None)
            continue
        needed, num_decoded = latent, len(latent)
        if model.decoder.parts_are_independent:  # the others need not be decoded
            needed, num_decoded = latent.clone(), 1
            needed[:, -1] = (torch.arange(len(latent)) == part).to(latent)
        mesh = extract_mesh(
            _part_field(model, needed, part),
            dim=dim,
            resolution=resolution,
            coarse_to_fine=coarse_to_fine,
            chunk_size=points_per_call(latent.device) // num_decoded,
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
    """Return one shape's field as a function from numpy points (N, D) to values (N,).

    It is negative inside; for an occupancy it is the negated logit.
    """
    sign = -1 if model.output == "occupancy" else 1

    @torch.inference_mode()
    def field(points: Floats) -> Floats:
        x = torch.from_numpy(points.astype(np.float32)).to(latent.device)
        values: Floats = model.decode(x[None], latent[None]).value[0, :, 0].cpu().numpy()
        return sign * values

    return field
