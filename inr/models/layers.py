"""Layers that the decoders are made of."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class InputDims(NamedTuple):
    """Widths of a layer's inputs: latent, encoded point and hidden values; 0 for one not taken.

    A layer's weight has its columns in this order.
    """

    latent: int
    point: int
    hidden: int


class LayerInput(NamedTuple):
    """Inputs of a layer, for B shapes at N points.

    Args:
        x: (B, N, D), where the points are.
        latents: (B, L).
        point: (B, N, in_dims.point), the points as encoded.
        hidden: (B, N, in_dims.hidden), what the layer before gives; None for the first.
    """

    x: Tensor
    latents: Tensor
    point: Tensor
    hidden: Tensor | None


class Layer(nn.Module, ABC):
    """Linear map of [latent, point, hidden], each multiplied apart so that none is copied.

    Args:
        in_dims: widths of its inputs.
        out_dim: width of the result.

    Attributes:
        weight: (..., out_dim, sum of in_dims), drawn as torch.nn.Linear does.
        bias: (out_dim,).
        gain: factor on the result that the activation after it asks for.
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
        """Return (B, N, out_dim)."""

    def columns(self, weight: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        """Return a weight's columns for latent, point and hidden; None for those not taken."""
        given = [width for width in self.in_dims if width]
        parts = iter(weight.split(given, dim=-1) if len(given) > 1 else [weight])
        latent, point, hidden = (next(parts) if width else None for width in self.in_dims)
        return latent, point, hidden

    def scaled(self) -> tuple[Tensor, Tensor]:
        """Return weight and bias times the gain, which costs less than to scale the result."""
        if self.gain == 1.0:
            return self.weight, self.bias
        return self.weight * self.gain, self.bias * self.gain


class Linear(Layer):
    """Linear layer W [latent, point, hidden] + b.

    W [z; p; h] + b = W_p p + W_h h + (W_z z + b): the bracket is computed once a shape and
    broadcast.
    """

    def forward(self, inputs: LayerInput) -> Tensor:
        """Return (B, N, out_dim)."""
        weight, bias = self.scaled()
        latent, *matrices = self.columns(weight)
        shift = bias if latent is None else F.linear(inputs.latents, latent, bias)
        return multiply(matrices, (inputs.point, inputs.hidden), shift)


class ComplexLinear(Layer):
    """Linear layer with complex W and b (WIRE: Saragadam et al., CVPR 2023).

    Weight (2, out_dim, sum of in_dims) and bias (2, out_dim) hold real and imaginary parts, so
    that they are cast, optimised and stored as all others are.
    """

    def __init__(self, in_dims: InputDims, out_dim: int) -> None:
        super().__init__(in_dims, out_dim)
        bound = sum(in_dims) ** -0.5
        self.weight = nn.Parameter(torch.empty(2, out_dim, sum(in_dims)).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(2, out_dim).uniform_(-bound, bound))

    def forward(self, inputs: LayerInput) -> Tensor:
        """Return (B, N, out_dim), complex."""
        weight, bias = (torch.complex(part[0], part[1]) for part in self.scaled())
        latent, *matrices = self.columns(weight)
        shift = bias if latent is None else F.linear(inputs.latents.to(latent.dtype), latent, bias)
        return multiply(matrices, (inputs.point.to(weight.dtype), inputs.hidden), shift)


class Demodulated(Layer):
    """Linear layer whose weight the latent scales (Karras et al., StyleGAN2, CVPR 2020).

    w'_ij = s_j w_ij for a scale s_j of each input, affine in the latent and 1 at the start, for
    output i (eq. 1); then w'_ij / sqrt(sum_j w'_ij^2 + 1e-8), so that each output keeps the
    inputs' variance (eq. 3). The weight is made once a shape. Without a latent s = 1.

    Args:
        in_dims: what it takes; the latent makes the scales.
        out_dim: width of the result.
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
            # a latent of norm 1 scales each input by a factor of about 1 +- 0.5
            nn.init.normal_(self.scale.weight, std=0.5)
            nn.init.ones_(self.scale.bias)

    def forward(self, inputs: LayerInput) -> Tensor:
        """Return (B, N, out_dim)."""
        _, *matrices = self.columns(self.weights(inputs.latents))
        return multiply(matrices, (inputs.point, inputs.hidden), self.bias * self.gain)

    def weights(self, latents: Tensor) -> Tensor:
        """Return the weight of each shape, (B, out_dim, in), or (out_dim, in) without a latent."""
        weight, factor = self.weight, self.gain * self.amplitude
        square = weight.square()
        ones = weight.new_ones(1, weight.shape[-1])
        scale = ones if self.scale is None else self.scale(latents)
        per_output = factor * weight.new_ones(1, weight.shape[0])
        if self.normalize_over == "inputs":
            # the sum over j of (s_j w_ij)^2 is a small product: no square of (B, out, in)
            per_output = factor * (F.linear(scale.square(), square) + 1e-8).rsqrt()
        elif self.normalize_over == "outputs":
            scale = scale * (scale.square() * square.sum(dim=0) + 1e-8).rsqrt()
        return (weight * scale[:, None]) * per_output[..., None]


class LayerKind(ABC):
    """Kind of a decoder's layers, which it makes."""

    @abstractmethod
    def make(self, in_dims: InputDims, out_dim: int, *, dim: int, index: int, last: bool) -> Layer:
        """Return a layer.

        Args:
            in_dims: widths of its inputs.
            out_dim: width of its result.
            dim: D.
            index: of the layer, from 0.
            last: whether it is the output layer.
        """


class Demodulation(LayerKind):
    """`Demodulated` layers.

    Args:
        normalize_over: `inputs`, as Karras et al. do. `outputs` is a quirk of base-inr's code, by
            which the size of each scale cancels and its sign alone survives; it is there to open
            such networks.
        normalize_output: whether the output layer is normalised too; StyleGAN2's is only scaled.
        amplitude: factor on the normalised weights of hidden layers; sqrt(2) keeps the mean
            square through ReLU.

    Raises:
        ValueError: if normalize_over is another word.
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


def multiply(
    matrices: Sequence[Tensor | None], values: Sequence[Tensor | None], shift: Tensor
) -> Tensor:
    """Return the sum of matrices times values, and a shift, (B, N, out), in one pass over it.

    Args:
        matrices: each (out, W) or, one for each shape, (B, out, W); None to leave its value out.
        values: each (B, N, W).
        shift: (out,) or, one for each shape, (B, out).
    """
    pairs = []
    for matrix, value in zip(matrices, values, strict=True):
        if matrix is not None:
            assert value is not None
            alone = matrix.dim() > 2 and len(matrix) == 1
            pairs.append((matrix[0] if alone else matrix, value))
    (matrix, value), *rest = pairs
    shapes, num = value.shape[:2]
    if matrix.dim() > 2:
        result = torch.baddbmm(shift.unsqueeze(-2), value, matrix.mT)
        for matrix, value in rest:
            result = result.baddbmm_(value, matrix.mT)
        return result
    # one product for all shapes is the faster one where shapes have few points
    if shift.dim() == 1 or len(shift) == 1:
        result = F.linear(value.flatten(0, 1), matrix, shift.flatten())
    else:
        result = shift[:, None].expand(shapes, num, -1).flatten(0, 1)
        result = result.addmm_(value.flatten(0, 1), matrix.t())
    for matrix, value in rest:
        result = result.addmm_(value.flatten(0, 1), matrix.t())
    # not a view, so that an activation in place costs autograd no copies
    shaped: Tensor = torch.ops.aten._unsafe_view.default(result, (shapes, num, result.shape[-1]))
    return shaped
