"""Encodings of points.

Those in this file have an unbounded domain: points outside the box are encoded like any others.
The hash grid, `inr.models.hash_grid`, clamps points to the box.
"""

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn


class Encoding(nn.Module, ABC):
    """Features of a point, the network's input in its place: the base class of encodings.

    The constructor is called with the keys of `model.encoding`, and with `dim` (D) if it has that
    parameter.

    Attributes:
        out_dim: E, width of the features; the constructor sets it.
        includes_point: whether the first D features are the point itself.
    """

    out_dim: int
    includes_point: bool = False

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Return the features (..., E) of points x (..., D)."""


class Identity(Encoding):
    """The point itself.

    Args:
        dim: D, dimension of space.
    """

    includes_point = True

    def __init__(self, *, dim: int) -> None:
        super().__init__()
        self.out_dim = dim

    def forward(self, x: Tensor) -> Tensor:
        """Return x (..., D)."""
        return x


class Positional(Encoding):
    """Sines and cosines of the point (NeRF: Mildenhall et al., ECCV 2020, eq. 4).

    The sines and cosines are periodic with period 2.

    Args:
        dim: D, dimension of space.
        num_octaves: number of frequencies pi, 2 pi, 4 pi, ... per coordinate.
        include_point: whether the first features are the point itself; the paper leaves it out,
            its published code does not.

    Raises:
        ValueError: if num_octaves is below 1.
    """

    frequencies: Tensor

    def __init__(self, *, dim: int, num_octaves: int, include_point: bool) -> None:
        super().__init__()
        if num_octaves < 1:
            raise ValueError(
                f"model.encoding.num_octaves is {num_octaves}; it has to be at least 1"
            )
        octaves = math.pi * 2.0 ** torch.arange(num_octaves)
        self.register_buffer("frequencies", octaves, persistent=False)
        self.includes_point = include_point
        self.out_dim = dim * (include_point + 2 * num_octaves)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features (..., E) of x (..., D): [the point,] all sines, then all cosines."""
        phase = (x[..., None, :] * self.frequencies[:, None]).flatten(-2)
        waves = [phase.sin(), phase.cos()]
        return torch.cat([x, *waves] if self.includes_point else waves, dim=-1)


class Fourier(Encoding):
    """Gaussian Fourier features (Tancik et al., NeurIPS 2020, section 6.1).

    [sin(2 pi B x), cos(2 pi B x)], where the frequencies B (K, D) are drawn once from
    N(0, scale^2). They are saved with the weights, but not trained.

    Args:
        dim: D, dimension of space.
        num_frequencies: K, number of frequencies.
        scale: standard deviation of the frequencies, in cycles per box unit.

    Raises:
        ValueError: if num_frequencies is below 1, or the scale is not positive.
    """

    frequencies: Tensor

    def __init__(self, *, dim: int, num_frequencies: int, scale: float) -> None:
        super().__init__()
        if num_frequencies < 1 or scale <= 0:
            raise ValueError(
                f"model.encoding.num_frequencies is {num_frequencies} and model.encoding.scale is "
                f"{scale}; the first has to be at least 1, the second positive"
            )
        self.register_buffer("frequencies", scale * torch.randn(num_frequencies, dim))
        self.out_dim = 2 * num_frequencies

    def forward(self, x: Tensor) -> Tensor:
        """Return the features (..., 2 K) of x (..., D): all sines, then all cosines."""
        # scaling the small matrix is cheaper than scaling the phases
        phase = nn.functional.linear(x, 2 * math.pi * self.frequencies)
        return torch.cat([phase.sin(), phase.cos()], dim=-1)
