"""The model: latents and the decoder that decodes them."""

from collections.abc import Callable
from typing import TypeVar, overload

import torch
from torch import Tensor, nn

from inr.models.decoder import Decoder, Field
from inr.models.latents import Latents

T = TypeVar("T")

# what channel 0 may be
OUTPUTS = ("sdf", "occupancy")


class INR(nn.Module):
    """Decoder together with the latents of the shapes that it represents.

    Args:
        decoder: maps points (B, N, D) and latents (B, L) to values (B, N, C); one of shapes made of
            parts maps them and latents (B, P, L + K) to a Field.
        latents: the look-up from a shape's index to its latents.
        output: what channel 0 is: `sdf`, or `occupancy` (logits, positive inside: Mescheder et
            al., Occupancy Networks, CVPR 2019).
    """

    def __init__(self, decoder: Decoder, latents: Latents, *, output: str) -> None:
        super().__init__()
        assert output in OUTPUTS, output
        self.decoder = decoder
        self.latents = latents
        self.output = output

    @overload
    def forward(self, x: Tensor, index: Tensor) -> Field: ...

    @overload
    def forward(self, x: Callable[["INR", Tensor], T], index: Tensor) -> T: ...

    def forward(self, x: Tensor | Callable[["INR", Tensor], T], index: Tensor) -> Field | T:
        """Return the field at points, or what a function makes of the model, of some shapes.

        A training loss decodes several sets of points, and differentiates the field with respect
        to some. It comes here as a function, so that all of it lies within one call of the module:
        what wraps the module (DistributedDataParallel) sees each parameter that the loss uses.

        Args:
            x: points (B, N, D); or a function that is given this model and the shapes'
                constrained latents (B, L), of parts (B, P, L + K).
            index: (B,) shapes.
        """
        latents = self.latents(index)
        return self.decode(x, latents) if isinstance(x, Tensor) else x(self, latents)

    def decode(self, x: Tensor, latents: Tensor, poses: Tensor | None = None) -> Field:
        """Return the field at x (B, N, D) for explicit latents (B, L).

        Args:
            x: (B, N, D).
            latents: (B, L); of shapes made of parts their latents (B, P, L + K), or with poses
                their latents (B, P, L).
            poses: (B, P, K), see inr.models.parts.poses.

        Raises:
            ValueError: if poses are given to a model that has no parts.
        """
        if poses is not None:
            if self.latents.num_parts is None:
                raise ValueError("this model has no parts, so it takes no poses")
            latents = torch.cat([latents, poses], dim=-1)
        result = self.decoder(x, latents)
        return result if isinstance(result, Field) else Field(result, None)
