"""Activations, besides those of torch.nn, which a YAML names directly.

An activation may bring what belongs to it: the factor on its input, which the layer before folds
into its small weight; the initialisation of that weight; another width or complex values. Those of
SIREN and FINER are in `inr.models.periodic`.
"""

import copy
import math

import torch
from torch import Tensor, nn

from inr.models.layers import Layer


class Activation(nn.Module):
    """Function of each value, with the width, gain and initialisation that belong to it."""

    # whether it gives complex values and, after the first layer, takes them
    is_complex = False

    def width(self, width: int) -> int:
        """Return how wide its result is, for an input of a width."""
        return width

    def for_layer(self, first: bool) -> tuple[nn.Module, float]:
        """Return a copy for one layer, and the factor that the layer has to put on its result."""
        return copy.deepcopy(self), 1.0

    def initialize(self, layer: Layer, *, first: bool, last: bool) -> None:
        """Draw the weight of a layer, in place; `last` for the output layer, which has none after.

        A layer starts as torch.nn.Linear does, which is left as it is where nothing is known
        better.
        """


class Plain(Activation):
    """Activation of torch.nn, which brings nothing of its own.

    Args:
        function: the activation.
    """

    def __init__(self, function: nn.Module) -> None:
        super().__init__()
        self.function = function

    def for_layer(self, first: bool) -> tuple[nn.Module, float]:
        """Return a copy; ReLU and leaky ReLU in place, since no layer needs its own result."""
        function = copy.deepcopy(self.function)
        if isinstance(function, nn.ReLU) or (
            isinstance(function, nn.LeakyReLU) and function.negative_slope > 0
        ):
            function.inplace = True
        return function, 1.0


class Gaussian(Activation):
    """exp(-x^2 / (2 a^2)) (Ramasinghe and Lucey, ECCV 2022, table 1).

    Args:
        a: width of the bell, positive.
    """

    def __init__(self, *, a: float) -> None:
        super().__init__()
        if a <= 0:
            raise ValueError(f"model.activation.a is {a}; it has to be positive")
        self.factor = -0.5 / a**2

    def forward(self, x: Tensor) -> Tensor:
        """Return values in (0, 1] of x's shape."""
        return (x.square() * self.factor).exp()


class Sawtooth(Activation):
    """The piecewise linear wave of period 4 / frequency that is x on [-1, 1].

    Args:
        frequency: factor on the input.
    """

    def __init__(self, *, frequency: float) -> None:
        super().__init__()
        if frequency <= 0:
            raise ValueError(f"model.activation.frequency is {frequency}; it has to be positive")
        self.frequency = frequency

    def forward(self, x: Tensor) -> Tensor:
        """Return values in [-1, 1] of x's shape."""
        return ((x * self.frequency - 1).remainder(4) - 2).abs() - 1


class Swish(Activation):
    """x sigmoid(beta x), a smooth ReLU (Ramachandran et al., arXiv 1710.05941, section 3.3).

    On a CPU a network with it is about twice as fast to evaluate as one with Softplus.

    Args:
        beta: sharpness, positive; the curvature at 0 is beta / 2.
    """

    def __init__(self, *, beta: float) -> None:
        super().__init__()
        if beta <= 0:
            raise ValueError(f"model.activation.beta is {beta}; it has to be positive")
        self.beta = beta

    def for_layer(self, first: bool) -> tuple[nn.Module, float]:
        """Return the function of beta x, and beta."""
        return ScaledSiLU(1 / self.beta), self.beta

    def forward(self, x: Tensor) -> Tensor:
        """Return values of x's shape, none below -0.28 / beta."""
        return nn.functional.silu(x * self.beta) / self.beta


class ScaledSiLU(nn.Module):
    """s x sigmoid(x).

    Args:
        scale: s.
    """

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        """Return values of x's shape."""
        # in place: no derivative needs the result
        return nn.functional.silu(x).mul_(self.scale)


class GEGLU(Activation):
    """a GELU(b) for the halves a, b of the input (Shazeer, arXiv 2002.05202, eq. 6)."""

    def width(self, width: int) -> int:
        """Return the half.

        Raises:
            ValueError: if the width is odd.
        """
        if width % 2:
            raise ValueError(
                f"GEGLU halves the width, and a hidden layer is {width} wide, which is odd; choose "
                "an even model.hidden_dim (with model.narrow_skip=true, one that stays even less "
                "the widths of latent and point)"
            )
        return width // 2

    def forward(self, x: Tensor) -> Tensor:
        """Return (..., W / 2) for x (..., W)."""
        value, gate = x.chunk(2, dim=-1)
        return value * nn.functional.gelu(gate)


class HOSC(Activation):
    """tanh(beta sin x), which turns square as beta grows (Serrano et al., 2024, eq. 2).

    Args:
        beta: sharpness, positive.
    """

    def __init__(self, *, beta: float) -> None:
        super().__init__()
        if beta <= 0:
            raise ValueError(f"model.activation.beta is {beta}; it has to be positive")
        self.beta = beta

    def forward(self, x: Tensor) -> Tensor:
        """Return values in (-1, 1) of x's shape."""
        return (x.sin() * self.beta).tanh()


class AdaptiveHOSC(Activation):
    """tanh(beta sin x) with a learnt beta for each layer (Serrano et al., 2024, section 3).

    Args:
        beta: sharpness at the start, positive; it stays so because its logarithm is learnt.
    """

    def __init__(self, *, beta: float) -> None:
        super().__init__()
        if beta <= 0:
            raise ValueError(f"model.activation.beta is {beta}; it has to be positive")
        self.log_beta = nn.Parameter(torch.tensor(math.log(beta)))

    def forward(self, x: Tensor) -> Tensor:
        """Return values in (-1, 1) of x's shape."""
        return (x.sin() * self.log_beta.exp()).tanh()


class Gabor(Activation):
    """exp(i omega x - |sigma x|^2), a wavelet (Saragadam et al., WIRE, CVPR 2023, eq. 3).

    The first layer is real; those after it have complex weights, and the field is the real part
    of the output.

    Args:
        omega: frequency of the wave.
        sigma: inverse width of the window. Complex values grow to exp((omega / 2 sigma)^2) in each
            layer: with sigma well below omega / 2 they overflow.
    """

    is_complex = True

    def __init__(self, *, omega: float, sigma: float) -> None:
        super().__init__()
        if omega <= 0 or sigma < 0:
            raise ValueError(
                f"model.activation.omega is {omega} and model.activation.sigma is {sigma}; the "
                "first has to be positive, the second 0 or more"
            )
        self.omega = omega
        self.sigma = sigma

    def forward(self, x: Tensor) -> Tensor:
        """Return complex values of x's shape, x real or complex."""
        if x.is_complex():
            real, square = x.real, x.real.square() + x.imag.square()
            size = (square * -(self.sigma**2) - x.imag * self.omega).exp()
        else:
            real, size = x, (x.square() * -(self.sigma**2)).exp()
        phase = real * self.omega
        # several times as fast as torch's complex exponential
        return torch.complex(size * phase.cos(), size * phase.sin())
