"""The model: latents and the decoder that decodes them."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from inr.models.latents import Latents

# what the first channel may say of a point
OUTPUTS = ("sdf", "occupancy")


class Field(NamedTuple):
    """Hold what a model says at some points.

    Args:
        value: (B, N, C); channel 0 is the signed distance in box units, negative inside, or the
            logit of being inside.
        parts: (B, N, P) for models made of parts, else None.
    """

    value: Tensor
    parts: Tensor | None


class INR(nn.Module):
    """Join a decoder with the latents of the shapes that it represents.

    Args:
        decoder: maps points (B, N, D) and latents (B, L) to values (B, N, C); one of shapes made of
            parts maps them and latents (B, P, L + K) to a Field.
        latents: the look-up from a shape's index to its latents.
        output: what channel 0 is: `sdf`, or `occupancy` (logits, positive inside: Mescheder et
            al., Occupancy Networks, CVPR 2019).
    """

    def __init__(self, decoder: nn.Module, latents: Latents, *, output: str) -> None:
        super().__init__()
        assert output in OUTPUTS, output
        self.decoder = decoder
        self.latents = latents
        self.output = output

    def forward(self, x: Tensor, index: Tensor) -> Field:
        """Return the field at x (B, N, D) of the shapes index (B,)."""
        return self.decode(x, self.latents(index))

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
