"""Layers that the bodies are made of."""

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm


class CodeLinear(nn.Module):
    """Apply one linear layer to [code, h] without repeating the code for every point.

    W [z; h] + b = W_h h + (W_z z + b): the bracket is computed once a shape and broadcast.

    Args:
        code_dim: L, 0 for no code.
        in_dim: width of h.
        out_dim: width of the result.
        normalized: reparametrise each row of [W_z, W_h] as g v / |v| (weight norm).
    """

    def __init__(self, code_dim: int, in_dim: int, out_dim: int, *, normalized: bool) -> None:
        super().__init__()
        linear = nn.Linear(code_dim + in_dim, out_dim)
        self.linear = weight_norm(linear) if normalized else linear
        self.code_dim = code_dim

    def forward(self, codes: Tensor, h: Tensor) -> Tensor:
        """Return (B, N, out_dim) for codes (B, L) and h (B, N, in_dim)."""
        weight, bias = self.linear.weight, self.linear.bias
        if self.code_dim == 0:
            return F.linear(h, weight, bias)
        shift = F.linear(codes, weight[:, : self.code_dim], bias)
        return F.linear(h, weight[:, self.code_dim :]) + shift[:, None]
