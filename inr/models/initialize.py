"""Initialisations of a whole decoder, not tied to one activation."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from inr.models.encodings import Encoding
from inr.models.layers import Layer

# smallest accepted regression slope of the decoder's value on |x|, before it is scaled to 1;
# about 1 where the theorem holds
MIN_SLOPE = 0.2


class Initialization(ABC):
    """Initialisation of all weights of a decoder."""

    @abstractmethod
    def __call__(
        self,
        hidden: Sequence[Layer],
        output: Layer,
        *,
        decode: Callable[[Tensor], Tensor],
        encoding: Encoding | None,
        dim: int,
    ) -> None:
        """Draw the weights of hidden and output layers in place.

        Args:
            hidden: the hidden layers in order.
            output: the output layer.
            decode: the decoder at latent zero, from x (1, N, D) to (1, N, C).
            encoding: the encoding of the points; None for none.
            dim: D, dimension of space.
        """


class GeometricInit(Initialization):
    """Geometric initialisation: the signed distance to a sphere.

    Atzmon and Lipman, SAL, CVPR 2020, theorem 1. Hidden weights drawn from N(0, 2 / width) and
    equal output weights approximate a multiple of |x|, the better the wider the network. This
    holds for ReLU, and approximately for softplus with a large beta as in IGR (Gropp et al., ICML
    2020). The theorem sets the output weight to sqrt(pi / width) and the bias to -radius. Here
    both are instead calibrated on random points, to a mean slope of 1 in the box and a mean of 0
    on the sphere, because softplus(0) > 0 shifts the small hidden values. At a skip connection the
    published 1 / sqrt(2) on [point, hidden] is folded into the weight. Columns of the latent and
    of the encoding's sines and cosines start at 0. Only output channel 0 is initialised.

    Args:
        radius: radius of the sphere, in box units.
    """

    def __init__(self, *, radius: float) -> None:
        if radius <= 0:
            raise ValueError(f"model.initialize.radius is {radius}; it has to be positive")
        self.radius = radius

    @torch.no_grad()
    def __call__(
        self,
        hidden: Sequence[Layer],
        output: Layer,
        *,
        decode: Callable[[Tensor], Tensor],
        encoding: Encoding | None,
        dim: int,
    ) -> None:
        """Draw the weights.

        Raises:
            ValueError: if the encoding does not include the coordinates themselves, or the
                decoder's value does not grow with |x|.
        """
        if encoding is not None and not encoding.includes_point:
            raise ValueError(
                "model.initialize needs the coordinates themselves among the decoder's inputs; set "
                "model.encoding.include_point=true or model.encoding=null"
            )
        for layer in hidden:
            latent_dim, point_dim, hidden_dim = layer.in_dims
            both = point_dim > 0 and hidden_dim > 0
            std = math.sqrt((1 if both else 2) / layer.bias.shape[-1])
            drawn = torch.randn(layer.weight.shape[-2:]) * std
            drawn[:, :latent_dim] = 0
            if point_dim:  # the first D features are the point itself; the others start at 0
                drawn[:, latent_dim + dim : latent_dim + point_dim] = 0
            layer.weight.copy_(drawn)
            layer.bias.zero_()
        latent_dim, point_dim, hidden_dim = output.in_dims
        output.weight[..., 0, : latent_dim + point_dim] = 0
        output.weight[..., 0, latent_dim + point_dim :] = math.sqrt(math.pi / hidden_dim)
        output.bias[0] = 0
        x = torch.rand(1, 4096, dim) * 2 - 1
        distance = x.norm(dim=-1).flatten()
        value = decode(x)[..., 0].flatten()
        slope = torch.stack([distance, value]).cov()[0, 1] / distance.var()
        surface = self.radius * nn.functional.normalize(x, dim=-1)
        if not slope > MIN_SLOPE:
            raise ValueError(
                "model.initialize: the value of this decoder does not grow with the distance from "
                "the origin, as that of a sphere does; use an activation like torch.nn.Softplus, "
                "and model.layer_norm=false, or model.initialize=null"
            )
        output.weight[..., 0, :] /= slope
        output.bias[0] = -decode(surface)[..., 0].mean()
