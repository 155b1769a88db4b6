"""Layers whose rows are parts of shapes."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inr.models.activations import Activation
from inr.models.layers import InputDims, LayerInput, Linear, multiply


class PartLinear(Linear):
    """Linear layer W [latent, point, hidden] + b with a bias of each part added.

    Args:
        in_dims: widths of its inputs.
        out_dim: width of the result.
        num_parts: P; None where parts have no bias of their own.
    """

    def __init__(self, in_dims: InputDims, out_dim: int, num_parts: int | None) -> None:
        super().__init__(in_dims, out_dim)
        self.part_bias = (
            None if num_parts is None else nn.Parameter(torch.zeros(num_parts, out_dim))
        )

    def forward(self, inputs: LayerInput, part: Tensor | None = None) -> Tensor:
        """Return (R, N, out_dim) for R rows; part (R,) says which part each is."""
        weight, bias = self.scaled()
        latent, *matrices = self.columns(weight)
        shift = bias if latent is None else F.linear(inputs.latents, latent, bias)
        if self.part_bias is not None:
            assert part is not None
            shift = shift + self.gain * self.part_bias[part]
        return multiply(matrices, (inputs.point, inputs.hidden), shift)


class PartNorm(nn.Module):
    """Normalise each point's values (Ba et al., 2016), then scale and shift as the part has it.

    Args:
        num_parts: P.
        width: of the values.
    """

    def __init__(self, num_parts: int, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(num_parts, width))
        self.shift = nn.Parameter(torch.zeros(num_parts, width))

    def forward(self, value: Tensor, part: Tensor) -> Tensor:
        """Return (R, N, W) for value (R, N, W); part (R,) says which part each row is."""
        normal = F.layer_norm(value, value.shape[-1:])
        return torch.addcmul(self.shift[part, None], normal, self.scale[part, None])


class PartConv(nn.Module):
    """1x1 convolution over the parts of a shape, with a skip: h + activation(C h + c).

    Parts that a shape lacks have no part in it.

    Args:
        num_parts: P.
        kind: the activation.
        width: of the values.

    Raises:
        ValueError: if the activation changes the width.
    """

    def __init__(self, num_parts: int, kind: Activation, width: int) -> None:
        super().__init__()
        if kind.width(width) != width:
            raise ValueError(
                f"model.part_conv=true does not go with {type(kind).__name__}, which changes the "
                "width; set it to false"
            )
        self.activation, self.gain = kind.for_layer(False)
        bound = num_parts**-0.5
        self.weight = nn.Parameter(torch.empty(num_parts, num_parts).uniform_(-bound, bound))
        # a drawn one would outweigh the small values at the start, and ReLU stay silent for good
        self.bias = nn.Parameter(torch.zeros(num_parts))

    def forward(self, value: Tensor, present: Tensor) -> Tensor:
        """Return (B P, N, W) for value (B P, N, W) and present (B, P) bool."""
        shapes, parts = present.shape
        weight = self.gain * self.weight * present[:, None].to(value.dtype)
        bias = (self.gain * self.bias)[:, None].expand(shapes, -1, 1)
        change = torch.baddbmm(bias, weight, value.reshape(shapes, parts, -1))
        mixed: Tensor = value + self.activation(change).view(value.shape)
        return mixed
