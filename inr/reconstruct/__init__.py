"""Latents of unseen shapes, fitted under frozen weights; and meshes from latents."""

from inr.reconstruct.fit import fit_latents
from inr.reconstruct.meshes import (
    POINTS_A_CALL_CPU,
    POINTS_A_CALL_GPU,
    decode_mesh,
    decode_parts,
    field_of,
    points_a_call,
)
from inr.reconstruct.parts import PartFit

__all__ = [
    "POINTS_A_CALL_CPU",
    "POINTS_A_CALL_GPU",
    "PartFit",
    "decode_mesh",
    "decode_parts",
    "field_of",
    "fit_latents",
    "points_a_call",
]
