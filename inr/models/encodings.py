"""Encodings of points; each declares its width as `out_dim`."""

import math

import torch
from torch import Tensor, nn


class Positional(nn.Module):
    """Append sines and cosines of the point (NeRF: Mildenhall et al., ECCV 2020, eq. 4).

    Args:
        dim: D.
        num_octaves: frequencies pi, 2 pi, 4 pi, ... a coordinate.
    """

    frequencies: Tensor

    def __init__(self, *, dim: int, num_octaves: int) -> None:
        super().__init__()
        if num_octaves < 1:
            raise ValueError(f"num_octaves is {num_octaves}; it has to be at least 1")
        octaves = math.pi * 2.0 ** torch.arange(num_octaves)
        self.register_buffer("frequencies", octaves, persistent=False)
        self.out_dim = dim * (1 + 2 * num_octaves)

    def forward(self, x: Tensor) -> Tensor:
        """Return (..., out_dim): the point, all sines, then all cosines, for x (..., D)."""
        phase = (x[..., None, :] * self.frequencies[:, None]).flatten(-2)
        return torch.cat([x, phase.sin(), phase.cos()], dim=-1)
