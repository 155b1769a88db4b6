"""Periodic activations (SIREN, FINER) with their initialisations."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from inr.models.activations import Activation
from inr.models.layers import Layer


class Sine(Activation):
    """sin(omega x), with SIREN's initialisation (Sitzmann et al., NeurIPS 2020, section 3.2).

    The first layer's weight is drawn from U(-1/n, 1/n), the others' from U(-c, c) with c =
    sqrt(6 / n) / omega, for n inputs besides the latent: then the phases of a hidden layer are
    N(0, 1). Biases of hidden layers are drawn from U(-1, 1) / (omega sqrt(n)), narrow enough to
    preserve this; the published code keeps torch's, wider by the factor omega. The columns of the
    latent have the variance 1 / omega^2, so that a latent of norm 1 shifts the phases by N(0, 1)
    whatever its width.

    Args:
        omega: frequency after a hidden layer other than the first.
        first_omega: frequency after the first layer.
    """

    def __init__(self, *, omega: float, first_omega: float) -> None:
        super().__init__()
        if omega <= 0 or first_omega <= 0:
            raise ValueError(
                f"model.activation.omega is {omega} and model.activation.first_omega is "
                f"{first_omega}; both have to be positive"
            )
        self.omega = omega
        self.first_omega = first_omega

    def for_layer(self, first: bool) -> tuple[nn.Module, float]:
        """Return the sine of a phase, and the factor omega."""
        return Sin(), self.first_omega if first else self.omega

    def initialize(self, layer: Layer, *, first: bool, last: bool) -> None:
        """Draw weight and bias as in SIREN; see the class."""
        omega = self.first_omega if first else self.omega
        fan_in = max(1, layer.in_dims.point + layer.in_dims.hidden)
        bound = 1 / fan_in if first else math.sqrt(6 / fan_in) / omega
        drawn = torch.empty(layer.weight.shape[-2:]).uniform_(-bound, bound)
        if not last:
            drawn[:, : layer.in_dims.latent].normal_(std=1 / omega)
        with torch.no_grad():
            layer.weight.copy_(drawn)
            wide = fan_in**-0.5 if first else fan_in**-0.5 / omega
            layer.bias.uniform_(-wide, wide)

    def forward(self, x: Tensor) -> Tensor:
        """Return values in [-1, 1] of x's shape, as after a hidden layer."""
        return (x * self.omega).sin()


class Sin(nn.Module):
    """Sine of phases, which include the factor omega."""

    def forward(self, phase: Tensor) -> Tensor:
        """Return values in [-1, 1] of the phase's shape."""
        return phase.sin()


class Finer(Sine):
    """sin(omega (|x| + 1) x): frequencies grow with |x| (Liu et al., FINER, CVPR 2024, eq. 5).

    Args:
        omega: frequency after a hidden layer other than the first.
        first_omega: frequency after the first layer.
        first_bias: k; the first layer's biases are drawn from U(-k, k). A larger k gives higher
            frequencies (section 3.3).
    """

    def __init__(self, *, omega: float, first_omega: float, first_bias: float) -> None:
        super().__init__(omega=omega, first_omega=first_omega)
        if first_bias <= 0:
            raise ValueError(f"model.activation.first_bias is {first_bias}; it has to be positive")
        self.first_bias = first_bias

    def for_layer(self, first: bool) -> tuple[nn.Module, float]:
        """Return the activation as a function of the phase omega x, and the factor omega."""
        omega = self.first_omega if first else self.omega
        return FinerSin(1 / omega), omega

    def initialize(self, layer: Layer, *, first: bool, last: bool) -> None:
        """Draw weight and bias as in SIREN, except for the bias of the first layer."""
        super().initialize(layer, first=first, last=last)
        if first:
            with torch.no_grad():
                layer.bias.uniform_(-self.first_bias, self.first_bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return values in [-1, 1] of x's shape, as after a hidden layer."""
        return (self.omega * (x.abs() + 1) * x).sin()


class FinerSin(nn.Module):
    """sin((|p| / omega + 1) p) for the phase p = omega x.

    Args:
        slope: factor 1 / omega on |p|.
    """

    def __init__(self, slope: float) -> None:
        super().__init__()
        self.slope = slope

    def forward(self, phase: Tensor) -> Tensor:
        """Return values in [-1, 1] of the phase's shape."""
        wave: Tensor = _FinerWave.apply(phase, self.slope)
        return wave


class _FinerWave(torch.autograd.Function):
    """sin(u) for u = p + s p |p|, with du/dp = 1 + 2 s |p|.

    Autograd would need twice as many passes over p. Forward-mode derivatives are not defined:
    torch returns zeros when those of a custom function are nested.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(phase: Tensor, slope: float) -> Tensor:
        """Return sin(u) for phases p and the slope s."""
        return torch.addcmul(phase, phase, phase.abs(), value=slope).sin_()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float], output: Tensor) -> None:
        """Save the phase."""
        phase, ctx.slope = inputs
        ctx.save_for_backward(phase)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """Return the gradient with respect to the phase, itself differentiable."""
        (phase,) = ctx.saved_tensors
        size = phase.abs()
        cosine = torch.addcmul(phase, phase, size, value=ctx.slope).cos_()
        return gradient * torch.addcmul(cosine, cosine, size, value=2 * ctx.slope), None
