"""The model: a decoder and the latents of the training shapes."""

from collections.abc import Callable
from typing import TypeVar, overload

import torch
from torch import Tensor, nn

from inr.models.decoder import Decoder, Field
from inr.models.latents import Latents

T = TypeVar("T")

# meanings of channel 0
OUTPUTS = ("sdf", "occupancy")


class INR(nn.Module):
    """Decoder together with the latents of the training shapes.

    Args:
        decoder: network from points (B, N, D) and latents (B, L) to values (B, N, C); for shapes
            made of parts, from points and latents (B, P, L + K) to a Field.
        latents: the latents, looked up by the index of the shape.
        output: meaning of channel 0: `sdf`, or `occupancy` (logits, positive inside: Mescheder et
            al., Occupancy Networks, CVPR 2019).
    """

    def __init__(self, decoder: Decoder, latents: Latents, *, output: str) -> None:
        super().__init__()
        assert output in OUTPUTS, output
        self.decoder = decoder
        self.latents = latents
        self.output = output

    @property
    def has_parts(self) -> bool:
        """Return whether shapes are made of parts, each with a latent and a pose."""
        return self.latents.num_parts is not None

    @overload
    def forward(self, x: Tensor, index: Tensor) -> Field: ...

    @overload
    def forward(self, x: Callable[["INR", Tensor], T], index: Tensor) -> T: ...

    def forward(self, x: Tensor | Callable[["INR", Tensor], T], index: Tensor) -> Field | T:
        """Return the field at points x of some shapes, or the result of a function x.

        A training loss decodes several sets of points, and may need gradients of the field. It is
        passed as a function so that all of this happens in one call of the module, as
        DistributedDataParallel requires.

        Args:
            x: (B, N, D) points; or a function of this model and of the shapes' constrained
                latents (B, L), or (B, P, L + K) for shapes made of parts.
            index: (B,), shapes of the batch.
        """
        latents = self.latents(index)
        return self.decode(x, latents) if isinstance(x, Tensor) else x(self, latents)

    def decode(self, x: Tensor, latents: Tensor, poses: Tensor | None = None) -> Field:
        """Return the field at points x for given latents.

        Args:
            x: (B, N, D) points.
            latents: (B, L) constrained latents. For shapes made of parts: latents and poses
                (B, P, L + K), or with `poses` the latents (B, P, L) only.
            poses: (B, P, K) poses, see inr.models.parts.poses; None if `latents` has them.

        Raises:
            ValueError: if poses are given to a model without parts.
        """
        if poses is not None:
            if not self.has_parts:
                raise ValueError("poses are given, but this model has no parts; leave them out")
            latents = torch.cat([latents, poses], dim=-1)
        result = self.decoder(x, latents)
        return result if isinstance(result, Field) else Field(result, None)
