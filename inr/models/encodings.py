"""Encodings of points.

None of those here has a bounded domain: points outside the box are encoded like any others. (The
hash grid, `inr.models.hash_grid`, clamps to the box, and says so.)
"""

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn


class Encoding(nn.Module, ABC):
    """Features of a point that a network is given in its place: the base class of encodings.

    A subclass is built with the keys of `model.encoding` and, where its constructor names it,
    `dim` (D).

    Attributes:
        out_dim: E, width of the features; set by the constructor.
        includes_point: whether the point itself is the first D features.
    """

    out_dim: int
    includes_point: bool = False

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Return features (..., E) of points x (..., D)."""


class Identity(Encoding):
    """The point itself.

    Args:
        dim: D.
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

    The encoding is periodic, of period 2, but for the point itself.

    Args:
        dim: D.
        num_octaves: frequencies pi, 2 pi, 4 pi, ... a coordinate.
        include_point: whether the point itself comes first; the paper leaves it out, its
            published code does not.

    Raises:
        ValueError: if there is no octave.
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
        """Return (..., out_dim): [the point,] all sines, then all cosines, for x (..., D)."""
        phase = (x[..., None, :] * self.frequencies[:, None]).flatten(-2)
        waves = [phase.sin(), phase.cos()]
        return torch.cat([x, *waves] if self.includes_point else waves, dim=-1)


class Fourier(Encoding):
    """Gaussian Fourier features (Tancik et al., NeurIPS 2020, section 6.1).

    [sin(2 pi B x), cos(2 pi B x)], where the frequencies B (K, D) are drawn once from
    N(0, scale^2) and kept with the weights, untrained.

    Args:
        dim: D.
        num_frequencies: K.
        scale: standard deviation of the frequencies, in cycles a box unit.

    Raises:
        ValueError: if there is no frequency, or the scale is not positive.
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
        """Return (..., 2 K): all sines, then all cosines, for x (..., D)."""
        # the factor belongs to the small matrix, not to a pass over all phases
        phase = nn.functional.linear(x, 2 * math.pi * self.frequencies)
        return torch.cat([phase.sin(), phase.cos()], dim=-1)
