"""Linear layers of the decoders."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class InputDims(NamedTuple):
    """Widths of a layer's inputs; 0 for an input that the layer does not take.

    The columns of the layer's weight are in this order.

    Args:
        latent: width of the latent.
        point: width of the encoded point.
        hidden: width of the previous layer's output.
    """

    latent: int
    point: int
    hidden: int


class LayerInput(NamedTuple):
    """Inputs of a layer, for B shapes at N points.

    Args:
        x: (B, N, D), coordinates of the points.
        latents: (B, L), latents of the shapes.
        point: (B, N, in_dims.point), the encoded points.
        hidden: (B, N, in_dims.hidden), output of the previous layer; None for the first.
    """

    x: Tensor
    latents: Tensor
    point: Tensor
    hidden: Tensor | None


class Layer(nn.Module, ABC):
    """Linear map of [latent, point, hidden].

    It is computed as one product per input so that nothing is concatenated.

    Args:
        in_dims: widths of the inputs.
        out_dim: width of the output.

    Attributes:
        weight: (..., out_dim, sum of in_dims), initialised like that of torch.nn.Linear.
        bias: (out_dim,), initialised like that of torch.nn.Linear.
        gain: factor on the output, set by the activation that follows.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, in_dims: InputDims, out_dim: int) -> None:
        super().__init__()
        self.in_dims = in_dims
        self.gain = 1.0
        bound = sum(in_dims) ** -0.5
        self.weight = nn.Parameter(torch.empty(out_dim, sum(in_dims)).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(out_dim).uniform_(-bound, bound))

    @abstractmethod
    def forward(self, inputs: LayerInput) -> Tensor:
        """Return the output (B, N, out_dim)."""

    def columns(self, weight: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        """Return the columns of a weight for latent, point and hidden; None for absent inputs."""
        given = [width for width in self.in_dims if width]
        parts = iter(weight.split(given, dim=-1) if len(given) > 1 else [weight])
        latent, point, hidden = (next(parts) if width else None for width in self.in_dims)
        return latent, point, hidden

    def scaled(self) -> tuple[Tensor, Tensor]:
        """Return weight and bias times the gain, which is cheaper than scaling the output."""
        if self.gain == 1.0:
            return self.weight, self.bias
        return self.weight * self.gain, self.bias * self.gain


class Linear(Layer):
    """Linear layer W [latent, point, hidden] + b.

    W [z; p; h] + b = W_p p + W_h h + (W_z z + b), where the term in brackets is computed once per
    shape.
    """

    def forward(self, inputs: LayerInput) -> Tensor:
        """Return the output (B, N, out_dim)."""
        weight, bias = self.scaled()
        latent_weight, *other_weights = self.columns(weight)
        shift = bias if latent_weight is None else F.linear(inputs.latents, latent_weight, bias)
        return affine(other_weights, (inputs.point, inputs.hidden), shift)


class ComplexLinear(Layer):
    """Linear layer with complex W and b (WIRE: Saragadam et al., CVPR 2023).

    Weight (2, out_dim, sum of in_dims) and bias (2, out_dim) are stored as real tensors (real
    part, imaginary part), so that dtype casts, optimisers and checkpoints treat them like any
    other parameter.
    """

    def __init__(self, in_dims: InputDims, out_dim: int) -> None:
        super().__init__(in_dims, out_dim)
        bound = sum(in_dims) ** -0.5
        self.weight = nn.Parameter(torch.empty(2, out_dim, sum(in_dims)).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(2, out_dim).uniform_(-bound, bound))

    def forward(self, inputs: LayerInput) -> Tensor:
        """Return the complex output (B, N, out_dim)."""
        weight, bias = (torch.complex(part[0], part[1]) for part in self.scaled())
        latent_weight, *other_weights = self.columns(weight)
        shift = bias
        if latent_weight is not None:
            shift = F.linear(inputs.latents.to(weight.dtype), latent_weight, bias)
        return affine(other_weights, (inputs.point.to(weight.dtype), inputs.hidden), shift)


class Demodulated(Layer):
    """Weight-demodulated linear layer (Karras et al., StyleGAN2, CVPR 2020).

    The weight is modulated, w'_ij = s_j w_ij with a style s_j per input that is affine in the
    latent and initially 1 at latent zero (eq. 1), then demodulated, w'_ij / sqrt(sum_j w'_ij^2 +
    1e-8), so that each output i keeps the variance of the inputs (eq. 3). This is computed once
    per shape. Without a latent, s = 1.

    Args:
        in_dims: widths of its inputs; the latent only sets the scales.
        out_dim: width of the output.
        normalize_over: `inputs`, `outputs` or `nothing`; see `Demodulation`.
        amplitude: factor on the normalised weight.
    """

    def __init__(
        self, in_dims: InputDims, out_dim: int, *, normalize_over: str, amplitude: float
    ) -> None:
        super().__init__(in_dims._replace(latent=0), out_dim)
        self.normalize_over = normalize_over
        self.amplitude = amplitude
        self.scale = None
        if in_dims.latent:
            self.scale = nn.Linear(in_dims.latent, sum(self.in_dims))
            # for a latent of norm 1, the scales are N(1, 0.5^2)
            nn.init.normal_(self.scale.weight, std=0.5)
            nn.init.ones_(self.scale.bias)

    def forward(self, inputs: LayerInput) -> Tensor:
        """Return the output (B, N, out_dim)."""
        _, *other_weights = self.columns(self.weights(inputs.latents))
        return affine(other_weights, (inputs.point, inputs.hidden), self.bias * self.gain)

    def weights(self, latents: Tensor) -> Tensor:
        """Return the weight of each shape, (B, out_dim, in), or (out_dim, in) without a latent."""
        weight, factor = self.weight, self.gain * self.amplitude
        square = weight.square()
        ones = weight.new_ones(1, weight.shape[-1])
        scale = ones if self.scale is None else self.scale(latents)
        per_output = factor * weight.new_ones(1, weight.shape[0])
        if self.normalize_over == "inputs":
            # sum_j (s_j w_ij)^2 = sum_j s_j^2 w_ij^2: avoids squaring a (B, out, in) tensor
            per_output = factor * (F.linear(scale.square(), square) + 1e-8).rsqrt()
        elif self.normalize_over == "outputs":
            scale = scale * (scale.square() * square.sum(dim=0) + 1e-8).rsqrt()
        return (weight * scale[:, None]) * per_output[..., None]


class LayerFactory(ABC):
    """Factory of a decoder's layers."""

    @abstractmethod
    def make(self, in_dims: InputDims, out_dim: int, *, dim: int, index: int, last: bool) -> Layer:
        """Return a new layer.

        Args:
            in_dims: widths of the inputs.
            out_dim: width of the output.
            dim: D, dimension of space.
            index: index of the layer, from 0.
            last: whether it is the output layer.
        """


class Demodulation(LayerFactory):
    """Factory of `Demodulated` layers.

    Args:
        normalize_over: `inputs` as in StyleGAN2. `outputs` reproduces base-inr's code, where only
            the sign of each scale has an effect; use it only to load its networks.
        normalize_output: whether the output layer is normalised too; StyleGAN2 only scales it.
        amplitude: factor on the normalised weights of hidden layers; sqrt(2) preserves the mean
            square through ReLU.

    Raises:
        ValueError: if normalize_over is neither.
    """

    def __init__(self, *, normalize_over: str, normalize_output: bool, amplitude: float) -> None:
        if normalize_over not in ("inputs", "outputs"):
            raise ValueError(
                f"model.layer.normalize_over is '{normalize_over}'; it has to be inputs or outputs"
            )
        self.normalize_over = normalize_over
        self.normalize_output = normalize_output
        self.amplitude = amplitude

    def make(self, in_dims: InputDims, out_dim: int, *, dim: int, index: int, last: bool) -> Layer:
        """Return a demodulated layer."""
        plain = last and not self.normalize_output
        return Demodulated(
            in_dims,
            out_dim,
            normalize_over="nothing" if plain else self.normalize_over,
            amplitude=1.0 if last else self.amplitude,
        )


def affine(
    matrices: Sequence[Tensor | None], values: Sequence[Tensor | None], shift: Tensor
) -> Tensor:
    """Return the sum of the matrix-value products plus a shift, (B, N, out), accumulated in place.

    Args:
        matrices: (out, W) each, or (B, out, W) for one matrix per shape; None to skip its value.
        values: (B, N, W) each.
        shift: (out,), or (B, out) for one shift per shape.
    """
    pairs = []
    for matrix, value in zip(matrices, values, strict=True):
        if matrix is not None:
            assert value is not None
            shared = matrix.dim() > 2 and len(matrix) == 1
            pairs.append((matrix[0] if shared else matrix, value))
    (matrix, value), *rest = pairs
    shapes, num = value.shape[:2]
    if matrix.dim() > 2:
        result = torch.baddbmm(shift.unsqueeze(-2), value, matrix.mT)
        for matrix, value in rest:
            result = result.baddbmm_(value, matrix.mT)
        return result
    # one matrix product over all shapes is faster when each has few points
    if shift.dim() == 1 or len(shift) == 1:
        result = F.linear(value.flatten(0, 1), matrix, shift.flatten())
    else:
        result = shift[:, None].expand(shapes, num, -1).flatten(0, 1)
        result = result.addmm_(value.flatten(0, 1), matrix.t())
    for matrix, value in rest:
        result = result.addmm_(value.flatten(0, 1), matrix.t())
    # _unsafe_view rather than a view: autograd would copy a view under an in-place activation
    shaped: Tensor = torch.ops.aten._unsafe_view.default(result, (shapes, num, result.shape[-1]))
    return shaped
