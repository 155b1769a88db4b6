"""Activations that torch.nn lacks; a YAML names those of torch.nn directly.

An activation may also define a factor on its input, which the preceding layer folds into its
weight; the initialisation of that weight; another output width; or complex values. SIREN's and
FINER's activations are in `inr.models.periodic`.
"""

import copy
import math

import torch
from torch import Tensor, nn

from inr.models.layers import Layer


class Activation(nn.Module):
    """Activation with its output width, its gain and the initialisation of its layer."""

    # whether its output is complex, and so its input after the first layer
    is_complex = False

    def width(self, width: int) -> int:
        """Return the width of the output for an input of width `width`."""
        return width

    def for_layer(self, first: bool) -> tuple[nn.Module, float]:
        """Return a copy for one layer, and the factor to apply to that layer's output."""
        return copy.deepcopy(self), 1.0

    def initialize(self, layer: Layer, *, first: bool, last: bool) -> None:
        """Initialise the weight of a layer in place; the default keeps that of torch.nn.Linear.

        Args:
            layer: the layer before this activation.
            first: whether it is the first layer.
            last: whether it is the output layer, which no activation follows.
        """


class Plain(Activation):
    """Wrapper of an activation of torch.nn.

    Args:
        function: the activation of torch.nn.
    """

    def __init__(self, function: nn.Module) -> None:
        super().__init__()
        self.function = function

    def for_layer(self, first: bool) -> tuple[nn.Module, float]:
        """Return a copy, in place for ReLU and leaky ReLU: no layer's backward needs its output."""
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
    """Triangle wave of the product of frequency and x; equal to it where that is in [-1, 1].

    Args:
        frequency: factor on the input; the period is 4 / frequency.
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

    On a CPU, a network with Swish evaluates about twice as fast as one with Softplus.

    Args:
        beta: sharpness, positive; the curvature at 0 is beta / 2.
    """

    def __init__(self, *, beta: float) -> None:
        super().__init__()
        if beta <= 0:
            raise ValueError(f"model.activation.beta is {beta}; it has to be positive")
        self.beta = beta

    def for_layer(self, first: bool) -> tuple[nn.Module, float]:
        """Return the activation as a function of beta x, and the factor beta."""
        return ScaledSiLU(1 / self.beta), self.beta

    def forward(self, x: Tensor) -> Tensor:
        """Return values of x's shape, all above -0.28 / beta."""
        return nn.functional.silu(x * self.beta) / self.beta


class ScaledSiLU(nn.Module):
    """s x sigmoid(x), a scaled SiLU.

    Args:
        scale: the factor s.
    """

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        """Return values of x's shape."""
        # in place: the backward pass of SiLU needs its input only
        return nn.functional.silu(x).mul_(self.scale)


class GEGLU(Activation):
    """a GELU(b) for the halves a, b of the input (Shazeer, arXiv 2002.05202, eq. 6)."""

    def width(self, width: int) -> int:
        """Return half the width of the input.

        Raises:
            ValueError: if the width is odd.
        """
        if width % 2:
            raise ValueError(
                f"GEGLU halves the width, and a hidden layer has the odd width {width}; choose an "
                "even model.hidden_dim (with model.narrow_skip=true, one that is also even after "
                "the widths of latent and point are subtracted)"
            )
        return width // 2

    def forward(self, x: Tensor) -> Tensor:
        """Return (..., W / 2) for x (..., W)."""
        value, gate = x.chunk(2, dim=-1)
        return value * nn.functional.gelu(gate)


class HOSC(Activation):
    """tanh(beta sin x), close to a square wave for a large beta (Serrano et al., 2024, eq. 2).

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
    """tanh(beta sin x) with a learnt beta per layer (Serrano et al., 2024, section 3).

    Args:
        beta: initial sharpness, positive; its logarithm is learnt, so it stays positive.
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

    The first layer is real; the later ones have complex weights, and the field is the real part
    of the output.

    Args:
        omega: frequency of the wave.
        sigma: inverse width of the Gaussian window. A layer's values can reach
            exp((omega / 2 sigma)^2), which overflows for sigma well below omega / 2.
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
        """Return complex values of x's shape, for real or complex x."""
        if x.is_complex():
            real, square = x.real, x.real.square() + x.imag.square()
            size = (square * -(self.sigma**2) - x.imag * self.omega).exp()
        else:
            real, size = x, (x.square() * -(self.sigma**2)).exp()
        phase = real * self.omega
        # several times faster than torch's complex exponential
        return torch.complex(size * phase.cos(), size * phase.sin())
