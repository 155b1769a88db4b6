"""Interface of decoders: networks from points and latents to the values of a field."""

from abc import ABC, abstractmethod
from typing import NamedTuple

from torch import Tensor, nn


class Field(NamedTuple):
    """Values of a field at some points.

    Args:
        value: (B, N, C) values; channel 0 is the signed distance in box units, negative inside, or
            the occupancy logit, positive inside.
        parts: (B, N, P) signed distances to the parts, for shapes made of parts; else None.
    """

    value: Tensor
    parts: Tensor | None


class Decoder(nn.Module, ABC):
    """Network from points and latents to field values: the base class of every `model`.

    The constructor is called with the keys of the YAML and with those of the following that it
    has as parameters: `dim` (D), `latent_dim` (L), `out_dim` (C) and `num_parts` (P). A decoder
    computes on the device of its input, and works for any D.
    """

    @abstractmethod
    def forward(self, x: Tensor, latents: Tensor) -> Tensor | Field:
        """Return values (B, N, C) at points x (B, N, D) for latents (B, L).

        A decoder of shapes made of parts takes latents and poses (B, P, L + K), and returns a
        `Field`.
        """


class PartDecoder(Decoder):
    """Decoder of shapes that are made of parts.

    Attributes:
        num_parts: P, number of parts.
    """

    num_parts: int

    @property
    def parts_are_independent(self) -> bool:
        """Return whether a part's values do not depend on the other parts.

        If so, a single part can be decoded by itself at 1 / P of the cost.
        """
        return False

    @abstractmethod
    def forward(self, x: Tensor, latents: Tensor, left_out: Tensor | None = None) -> Field:
        """Return the field (B, N, C) and the parts' distances (B, N, P).

        Args:
            x: (B, N, D) points.
            latents: (B, P, L + K) latents and poses, see inr.models.parts.poses.
            left_out: (B, P) bool, parts to leave out of the union; the values of the other parts
                still depend on them.
        """


class OwnLearningRate:
    """Mixin for modules that have a learning rate other than the network's.

    Attributes:
        lr_factor: factor on the network's learning rate, for this module's own parameters.
    """

    lr_factor: float = 1.0
