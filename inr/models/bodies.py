"""Bodies: networks from a point and a code to the field's value.

Every body takes points (B, N, D) and codes (B, L), and returns (B, N, C). A new one needs a
class here and a YAML in conf/model.
"""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from inr.models.layers import CodeLinear


class ConcatMLP(nn.Module):
    """Decode the concatenation of code and point (Park et al., DeepSDF, CVPR 2019).

    Args:
        dim: D, dimension of space.
        code_dim: L, 0 for none.
        out_dim: C.
        hidden_dim: width of the hidden layers.
        num_layers: hidden layers (DeepSDF: 8), before the linear output.
        skip_layers: hidden layers, counted from 0, that are fed code and point again.
        narrow_skip: as published, the layer before a skip gives hidden_dim - (L + D), so that
            the skip layer's input stays hidden_dim wide; else that input is wider.
        activation: after each hidden layer; each layer has its own copy.
        encoding: of the points; declares its width as `out_dim`. None: the point itself.
        weight_norm: on the hidden layers (Salimans and Kingma, NeurIPS 2016).
        dropout: probability, after each activation.
        final_tanh: bound the output to (-1, 1).

    Raises:
        ValueError: where narrow_skip leaves no width, or a skip layer does not exist.
    """

    def __init__(
        self,
        *,
        dim: int,
        code_dim: int,
        out_dim: int,
        hidden_dim: int,
        num_layers: int,
        skip_layers: Sequence[int],
        narrow_skip: bool,
        activation: nn.Module,
        encoding: nn.Module | None,
        weight_norm: bool,
        dropout: float,
        final_tanh: bool,
    ) -> None:
        super().__init__()
        if hidden_dim < 1 or num_layers < 1:
            raise ValueError("model.hidden_dim and model.num_layers have to be at least 1")
        if not all(0 < layer < num_layers for layer in skip_layers):
            raise ValueError(
                f"model.skip_layers is {list(skip_layers)}; each has to lie between 1 and "
                f"{num_layers - 1} for num_layers={num_layers}"
            )
        self.encoding = encoding
        point_dim = dim if encoding is None else int(getattr(encoding, "out_dim"))  # noqa: B009
        self.skip_layers = frozenset(skip_layers)
        self.hidden = nn.ModuleList()
        width = point_dim
        for layer in range(num_layers):
            fed = layer == 0 or layer in self.skip_layers
            if layer in self.skip_layers:
                width += point_dim
            out = hidden_dim
            if narrow_skip and layer + 1 in self.skip_layers:
                out -= code_dim + point_dim
                if out < 1:
                    raise ValueError(
                        f"model.hidden_dim={hidden_dim} leaves no room before the skip layer for "
                        f"a code of {code_dim} and a point of {point_dim}; widen it, lower "
                        "latent.dim, or set model.narrow_skip=false"
                    )
            self.hidden.append(
                CodeLinear(code_dim if fed else 0, width, out, normalized=weight_norm)
            )
            width = out
        self.activations = nn.ModuleList(copy.deepcopy(activation) for _ in range(num_layers))
        self.dropout = nn.Dropout(dropout) if dropout > 0 else nn.Identity()
        self.output = nn.Linear(width, out_dim)
        self.final = nn.Tanh() if final_tanh else nn.Identity()

    def forward(self, x: Tensor, codes: Tensor) -> Tensor:
        """Return values (B, N, C) at points x (B, N, D) for codes (B, L)."""
        point = x if self.encoding is None else self.encoding(x)
        h = point
        for index, (layer, activation) in enumerate(
            zip(self.hidden, self.activations, strict=True)
        ):
            if index in self.skip_layers:
                h = torch.cat([point, h], dim=-1)
            h = self.dropout(activation(layer(codes, h)))
        value: Tensor = self.final(self.output(h))
        return value
