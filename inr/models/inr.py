"""The model: codes and the body that decodes them."""

from typing import NamedTuple

from torch import Tensor, nn

from inr.models.latents import Codes


class Field(NamedTuple):
    """Hold what a model says at some points.

    Args:
        value: (B, N, C); C = 1 for a signed distance in box units, negative inside.
        parts: (B, N, P) for models made of parts, else None.
    """

    value: Tensor
    parts: Tensor | None


class INR(nn.Module):
    """Join a body with the codes of the shapes that it represents.

    Args:
        body: maps points (B, N, D) and codes (B, L) to values (B, N, C).
        latents: the look-up from a shape's index to its code.
    """

    def __init__(self, body: nn.Module, latents: Codes) -> None:
        super().__init__()
        self.body = body
        self.latents = latents

    def forward(self, x: Tensor, index: Tensor) -> Field:
        """Return the field at x (B, N, D) of the shapes index (B,)."""
        return self.decode(x, self.latents(index))

    def decode(self, x: Tensor, codes: Tensor, poses: Tensor | None = None) -> Field:
        """Return the field at x (B, N, D) for explicit codes (B, L).

        Raises:
            ValueError: if poses are given to a model that has no parts.
        """
        if poses is not None:
            raise ValueError("this model has no parts, so it takes no poses")
        return Field(self.body(x, codes), None)
