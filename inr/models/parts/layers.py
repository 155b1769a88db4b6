"""Layers on rows of (shape, part) pairs."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inr.models.activations import Activation
from inr.models.layers import InputDims, LayerInput, Linear, affine


class PartLinear(Linear):
    """Linear layer W [latent, point, hidden] + b with an additional bias per part.

    Args:
        in_dims: widths of the inputs.
        out_dim: width of the output.
        num_parts: P, number of parts; None for no bias per part.
    """

    def __init__(self, in_dims: InputDims, out_dim: int, num_parts: int | None) -> None:
        super().__init__(in_dims, out_dim)
        self.part_bias = (
            None if num_parts is None else nn.Parameter(torch.zeros(num_parts, out_dim))
        )

    def forward(self, inputs: LayerInput, part: Tensor | None = None) -> Tensor:
        """Return the output (R, N, out_dim) of R rows; part (R,) is the part index of each."""
        weight, bias = self.scaled()
        latent_weight, *other_weights = self.columns(weight)
        shift = bias if latent_weight is None else F.linear(inputs.latents, latent_weight, bias)
        if self.part_bias is not None:
            assert part is not None
            shift = shift + self.gain * self.part_bias[part]
        return affine(other_weights, (inputs.point, inputs.hidden), shift)


class PartNorm(nn.Module):
    """Layer norm (Ba et al., 2016) with scale and shift per part.

    Args:
        num_parts: P, number of parts.
        width: W, width of the values.
    """

    def __init__(self, num_parts: int, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(num_parts, width))
        self.shift = nn.Parameter(torch.zeros(num_parts, width))

    def forward(self, value: Tensor, part: Tensor) -> Tensor:
        """Return normalised values (R, N, W); part (R,) is the part index of each row."""
        normal = F.layer_norm(value, value.shape[-1:])
        return torch.addcmul(self.shift[part, None], normal, self.scale[part, None])


class PartConv(nn.Module):
    """1x1 convolution over the parts of a shape with a residual: h + activation(C h + c).

    Parts that a shape lacks do not contribute.

    Args:
        num_parts: P, number of parts.
        kind: the activation.
        width: W, width of the values.

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
        # a random bias would dominate the small initial values, and ReLUs could stay at 0
        self.bias = nn.Parameter(torch.zeros(num_parts))

    def forward(self, value: Tensor, present: Tensor) -> Tensor:
        """Return values (B P, N, W) of value (B P, N, W), for present (B, P) bool."""
        shapes, parts = present.shape
        weight = self.gain * self.weight * present[:, None].to(value.dtype)
        bias = (self.gain * self.bias)[:, None].expand(shapes, -1, 1)
        change = torch.baddbmm(bias, weight, value.reshape(shapes, parts, -1))
        mixed: Tensor = value + self.activation(change).view(value.shape)
        return mixed
