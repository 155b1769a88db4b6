"""Activations that torch.nn does not have."""

from torch import Tensor, nn


class Sine(nn.Module):
    """Apply sin(frequency * x) (Sitzmann et al., NeurIPS 2020, eq. 3).

    Args:
        frequency: omega_0 of the paper.
    """

    def __init__(self, *, frequency: float) -> None:
        super().__init__()
        self.frequency = frequency

    def forward(self, x: Tensor) -> Tensor:
        """Return sin(frequency * x), of any shape."""
        return (self.frequency * x).sin()
