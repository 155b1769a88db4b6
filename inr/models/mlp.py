"""The MLP decoder: from a point and a latent to the field's value.

Nearly all models of conf/model are settings of `MLP`. A new decoder is a subclass of
`inr.models.decoder.Decoder` and a YAML in conf/model.
"""

from collections.abc import Sequence
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm as normalize_weight

from inr.models.activations import Activation, Plain
from inr.models.decoder import Decoder
from inr.models.encodings import Encoding
from inr.models.initialize import Initialization
from inr.models.layers import (
    ComplexLinear,
    Demodulation,
    InputDims,
    Layer,
    LayerFactory,
    LayerInput,
    Linear,
)
from inr.settings import AtLeast


class MLP(Decoder):
    """Multilayer perceptron on a point and a latent.

    Its settings give DeepSDF (Park et al., CVPR 2019), latent-modulated networks (Dupont et al.,
    ICML 2022), SIREN and others: see conf/model. Hidden layers are numbered from 0.

    Args:
        dim: D, dimension of space.
        latent_dim: L, width of the latent; 0 for none.
        out_dim: C, number of channels of the output.
        hidden_dim: width of the hidden layers.
        num_layers: number of hidden layers (DeepSDF: 8); a linear output layer follows.
        skip_layers: hidden layers besides the first that take the point as an input; `all` for
            every layer, the output layer included.
        latent_layers: hidden layers besides the first that take the latent as an input; null for
            the same as the point, `all` for every layer, the output layer included.
        narrow_skip: whether the layer before a skip is narrower by the widths of the point and
            latent that are concatenated there, as published, so that the skip layer's input is
            hidden_dim wide; else that input is wider.
        layer: factory of the layers; null for W h + b.
        activation: activation after each hidden layer; each layer has its own copy.
        encoding: encoding of the points; null for the point itself.
        initialize: initialisation of all weights; null for that of the activation.
        weight_norm: whether hidden layers have weight norm (Salimans and Kingma, NeurIPS 2016).
        layer_norm: whether layer norm precedes each activation (Ba et al., 2016).
        dropout: dropout probability, after each activation.
        final_tanh: whether a tanh bounds the output to (-1, 1).

    Raises:
        ValueError: if narrow_skip leaves a layer no width, a layer does not exist, or settings are
            incompatible.
    """

    def __init__(
        self,
        *,
        dim: int,
        latent_dim: int,
        out_dim: int,
        hidden_dim: Annotated[int, AtLeast(1)],
        num_layers: Annotated[int, AtLeast(1)],
        skip_layers: Sequence[int] | str,
        latent_layers: Sequence[int] | str | None,
        narrow_skip: bool,
        layer: LayerFactory | None,
        activation: nn.Module,
        encoding: Encoding | None,
        initialize: Initialization | None,
        weight_norm: bool,
        layer_norm: bool,
        dropout: float,
        final_tanh: bool,
    ) -> None:
        super().__init__()
        if hidden_dim < 1 or num_layers < 1:
            raise ValueError("model.hidden_dim and model.num_layers have to be at least 1")
        kind = activation if isinstance(activation, Activation) else Plain(activation)
        _check_compatible(
            kind,
            layer,
            initialize,
            weight_norm=weight_norm,
            layer_norm=layer_norm,
            dropout=dropout,
        )
        self.encoding = encoding
        self.is_complex = kind.is_complex
        point_dim = dim if encoding is None else encoding.out_dim
        points = _input_layers("model.skip_layers", skip_layers, num_layers)
        latents = points
        if latent_layers is not None:
            latents = _input_layers("model.latent_layers", latent_layers, num_layers)
        layers: list[Layer] = []
        self.norms = nn.ModuleList()
        self.activations = nn.ModuleList()
        width = 0
        for index in range(num_layers + 1):
            in_dims = InputDims(
                latent_dim if index in latents else 0, point_dim if index in points else 0, width
            )
            last = index == num_layers
            out = out_dim if last else hidden_dim
            if narrow_skip and not last and index + 1 in points:
                out -= point_dim + (latent_dim if index + 1 in latents else 0)
                _check_width(out, hidden_dim, latent_dim, point_dim)
            if layer is not None:
                made = layer.make(in_dims, out, dim=dim, index=index, last=last)
            else:
                made = (ComplexLinear if self.is_complex and index else Linear)(in_dims, out)
            if initialize is None:
                kind.initialize(made, first=index == 0, last=last)
            layers.append(made)
            if last:
                break
            function, made.gain = kind.for_layer(index == 0)
            self.norms.append(nn.LayerNorm(out) if layer_norm else nn.Identity())
            self.activations.append(function)
            width = kind.width(out)
        self.hidden = nn.ModuleList(layers[:-1])
        self.output = layers[-1]
        self.dropout: nn.Module = nn.Identity()
        self.final: nn.Module = nn.Identity()
        if initialize is not None:
            none = torch.zeros(1, latent_dim)
            initialize(
                layers[:-1],
                layers[-1],
                decode=lambda x: self(x, none),
                encoding=encoding,
                dim=dim,
            )
        if weight_norm:
            for made in layers[:-1]:
                normalize_weight(made)
        if dropout > 0:
            self.dropout = nn.Dropout(dropout)
        if final_tanh:
            self.final = nn.Tanh()

    def forward(self, x: Tensor, latents: Tensor) -> Tensor:
        """Return values (B, N, C) at points x (B, N, D) for latents (B, L)."""
        inputs = LayerInput(x, latents, x if self.encoding is None else self.encoding(x), None)
        for layer, norm, activation in zip(self.hidden, self.norms, self.activations, strict=True):
            inputs = inputs._replace(hidden=self.dropout(activation(norm(layer(inputs)))))
        value: Tensor = self.output(inputs)
        value = self.final(value.real if self.is_complex else value)
        return value


def _input_layers(key: str, chosen: Sequence[int] | str, num_layers: int) -> frozenset[int]:
    """Return the layers that take an input: the first, and those that the setting `key` names."""
    if chosen == "all":
        return frozenset(range(num_layers + 1))
    if isinstance(chosen, str):
        raise ValueError(f"{key} is '{chosen}'; it has to be a list of layers, or all")
    if not all(0 < layer < num_layers for layer in chosen):
        raise ValueError(
            f"{key} is {list(chosen)}; each has to lie between 1 and {num_layers - 1} for "
            f"model.num_layers={num_layers}"
        )
    return frozenset({0, *chosen})


def _check_width(out: int, hidden_dim: int, latent_dim: int, point_dim: int) -> None:
    if out < 1:
        raise ValueError(
            f"model.hidden_dim={hidden_dim} is too narrow for a skip connection with a latent of "
            f"width {latent_dim} and a point of width {point_dim}; increase it, lower latent.dim, "
            "or set model.narrow_skip=false"
        )


def _check_compatible(
    activation: Activation,
    layer: LayerFactory | None,
    initialize: Initialization | None,
    *,
    weight_norm: bool,
    layer_norm: bool,
    dropout: float,
) -> None:
    if layer is not None and weight_norm:
        raise ValueError(
            f"model.weight_norm=true does not go with the layers of {type(layer).__name__}; set "
            "model.weight_norm=false"
        )
    if isinstance(layer, Demodulation) and initialize is not None:
        raise ValueError(
            "model.initialize and the demodulation of model.layer both set the scale of the "
            "weights; set one of them to null"
        )
    others = {
        "model.layer": layer is not None,
        "model.initialize": initialize is not None,
        "model.weight_norm": weight_norm,
        "model.layer_norm": layer_norm,
        "model.dropout": dropout > 0,
    }
    if activation.is_complex and any(others.values()):
        first = next(key for key, value in others.items() if value)
        raise ValueError(
            f"{first} does not go with the complex values of {type(activation).__name__}; switch "
            "it off or choose another model.activation"
        )
