"""Reconstruction: latents fitted to unseen shapes with frozen weights, and meshes of latents."""

from inr.reconstruct.fit import fit_latents
from inr.reconstruct.meshes import (
    POINTS_PER_CALL_CPU,
    POINTS_PER_CALL_GPU,
    decode_mesh,
    decode_parts,
    field_of,
    points_per_call,
)
from inr.reconstruct.parts import PartFit

__all__ = [
    "POINTS_PER_CALL_CPU",
    "POINTS_PER_CALL_GPU",
    "PartFit",
    "decode_mesh",
    "decode_parts",
    "field_of",
    "fit_latents",
    "points_per_call",
]
