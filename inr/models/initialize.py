"""Initialisations of a whole decoder that belong to no activation."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from inr.models.encodings import Encoding
from inr.models.layers import Layer

# of the value on the distance, before it is made 1; about 1 where the theorem holds
LEAST_SLOPE = 0.2


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
            decode: the decoder for a latent of zeros, from x (1, N, D) to (1, N, C).
            encoding: of the points.
            dim: D.
        """


class Sphere(Initialization):
    """Start as the distance to a sphere (Atzmon and Lipman, SAL, CVPR 2020, theorem 1).

    Hidden weights N(0, 2 / width) and equal output weights give a multiple of |x| in the mean: the
    wider, the closer. It holds after ReLU, and nearly after softplus of a large beta, as IGR has
    (Gropp et al., ICML 2020). Output weight and bias, sqrt(pi / width) and -radius in the
    theorem, are chosen for a mean slope of 1 in the box and a mean of 0 on the sphere, since
    softplus(0) is not 0, which values as small as the hidden ones feel. A layer that the point
    enters again takes [point, hidden] over sqrt(2), as published, here by its weight. Columns of
    latents and of an encoding's waves start from 0, so that they do not disturb the sphere. It is
    channel 0.

    Args:
        radius: of the sphere, in box units.
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
            ValueError: if the encoding does not give the point itself.
        """
        if encoding is not None and not encoding.includes_point:
            raise ValueError(
                "model.initialize starts from a sphere, which needs the point itself; set "
                "model.encoding.include_point=true or model.encoding=null"
            )
        for layer in hidden:
            latent, point, before = layer.in_dims
            both = point > 0 and before > 0
            std = math.sqrt((1 if both else 2) / layer.bias.shape[-1])
            drawn = torch.randn(layer.weight.shape[-2:]) * std
            drawn[:, :latent] = 0
            if point:  # the point comes first, and waves after it
                drawn[:, latent + dim : latent + point] = 0
            layer.weight.copy_(drawn)
            layer.bias.zero_()
        latent, point, before = output.in_dims
        output.weight[..., 0, : latent + point] = 0
        output.weight[..., 0, latent + point :] = math.sqrt(math.pi / before)
        output.bias[0] = 0
        x = torch.rand(1, 4096, dim) * 2 - 1
        distance = x.norm(dim=-1).flatten()
        value = decode(x)[..., 0].flatten()
        slope = torch.stack([distance, value]).cov()[0, 1] / distance.var()
        surface = self.radius * nn.functional.normalize(x, dim=-1)
        if not slope > LEAST_SLOPE:
            raise ValueError(
                "model.initialize: this decoder does not grow with the distance from the origin, "
                "as a sphere's does; use an activation like torch.nn.Softplus, and "
                "model.layer_norm=false, or model.initialize=null"
            )
        output.weight[..., 0, :] /= slope
        output.bias[0] = -decode(surface)[..., 0].mean()
