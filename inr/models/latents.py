"""Codes: one learnt vector a shape, looked up inside the model."""

import math

import torch
from torch import Tensor, nn


class Codes(nn.Module):
    """Hold one code a shape (the auto-decoder of DeepSDF, Park et al., CVPR 2019, section 4).

    Args:
        num_shapes: number of codes.
        dim: L, width of a code; 0 for none, to fit a single shape.
        max_norm: bound on a code's Euclidean norm, applied at look-up; None for no bound.
        generator: of the initial codes, N(0, 1/L) a component.
    """

    def __init__(
        self,
        *,
        num_shapes: int,
        dim: int,
        max_norm: float | None,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        if dim < 0:
            raise ValueError(f"latent.dim is {dim}; it has to be 0 (no code) or more")
        if max_norm is not None and max_norm <= 0:
            raise ValueError(f"latent.max_norm is {max_norm}; it has to be positive, or null")
        std = 1 / math.sqrt(max(dim, 1))
        self.codes = nn.Parameter(torch.randn(num_shapes, dim, generator=generator) * std)
        self.max_norm = max_norm

    def forward(self, index: Tensor) -> Tensor:
        """Return the bounded codes (B, L) of the shapes index (B,)."""
        return bound_norm(self.codes[index], self.max_norm)


def bound_norm(codes: Tensor, max_norm: float | None) -> Tensor:
    """Scale codes (B, L) that are longer than max_norm back to it, differentiably."""
    if max_norm is None or codes.shape[-1] == 0:
        return codes
    norm = codes.norm(dim=-1, keepdim=True)
    # the floor keeps the gradient finite for a code at the origin
    return codes * (max_norm / norm.clamp(min=max_norm))
