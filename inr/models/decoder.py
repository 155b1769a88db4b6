"""What every decoder is: a network from points and latents to the values of a field."""

from abc import ABC, abstractmethod
from typing import NamedTuple

from torch import Tensor, nn


class Field(NamedTuple):
    """Values of a field at some points.

    Args:
        value: (B, N, C); channel 0 is the signed distance in box units, negative inside, or the
            logit of being inside.
        parts: (B, N, P) for models made of parts, else None.
    """

    value: Tensor
    parts: Tensor | None


class Decoder(nn.Module, ABC):
    """Network from points and latents to field values: the base class of every `model`.

    A subclass is built with the keys of its YAML and, of what the configuration knows, whichever
    of these its constructor names: `dim` (D), `latent_dim` (L), `out_dim` (C) and `num_parts` (P).
    It follows the device of its input, and holds for any D.
    """

    @abstractmethod
    def forward(self, x: Tensor, latents: Tensor) -> Tensor | Field:
        """Return values (B, N, C) at points x (B, N, D) for latents (B, L).

        A decoder of shapes made of parts takes latents (B, P, L + K) and returns a `Field`.
        """


class PartDecoder(Decoder):
    """Decoder of shapes that are made of parts.

    Attributes:
        num_parts: P.
    """

    num_parts: int

    @property
    def parts_are_independent(self) -> bool:
        """Return whether a part's values do not depend on the other parts.

        A single part is then decoded alone, which costs 1 / P.
        """
        return False

    @abstractmethod
    def forward(self, x: Tensor, latents: Tensor, left_out: Tensor | None = None) -> Field:
        """Return the field (B, N, C) and the parts' distances (B, N, P).

        Args:
            x: (B, N, D).
            latents: (B, P, L + K), see inr.models.parts.poses.
            left_out: (B, P) bool, parts left out of the union; others still depend on them.
        """


class OwnLearningRate:
    """Mixin of modules whose own parameters have a learning rate other than the network's.

    Attributes:
        lr_factor: factor on the network's learning rate.
    """

    lr_factor: float = 1.0
