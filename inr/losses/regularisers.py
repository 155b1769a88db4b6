"""Regularisers of latents and of weights, which need no points."""

from torch import Tensor

from inr.losses.base import Loss, LossInputs, TrainProgress


class LatentNorm(Loss):
    """Squared norm of the latents (Park et al., DeepSDF, CVPR 2019, eq. 9).

    Args:
        weight: 1 / sigma^2 of the paper, for a data term that is a mean over points.
        ramp_epochs: epochs over which the weight rises from 0, as the published code does.
    """

    def __init__(self, *, weight: float, ramp_epochs: int) -> None:
        super().__init__(weight=weight)
        self.ramp_epochs = ramp_epochs

    def scale(self, progress: TrainProgress | None) -> float:
        """Return the ramped weight."""
        if progress is None or self.ramp_epochs == 0:
            return self.weight
        return self.weight * min(1.0, (progress.epoch + 1) / self.ramp_epochs)

    def forward(self, inputs: LossInputs) -> Tensor:
        """Return the squared norms, (B,)."""
        return inputs.latents.square().sum(dim=-1)


class WeightNorm(Loss):
    """Squared norm of the network's weights; biases are left out.

    Of a layer with weight norm, the weights are the product of gain and direction, whose norm is
    that of the gains; the direction's own length changes nothing, so that to shrink it would be
    pointless. Where latents are fitted the weights are constants, and the term is left out.

    Args:
        weight: factor of this term.
    """

    def scale(self, progress: TrainProgress | None) -> float:
        """Return the weight, and 0 where latents are fitted."""
        return 0.0 if progress is None else self.weight

    def forward(self, inputs: LossInputs) -> Tensor:
        """Return the squared norm, the same for each shape, (B,)."""
        norm = inputs.latents.new_zeros(())
        for module in inputs.decoder.modules():
            # as the layer multiplies by it, whatever it is made of
            weight = getattr(module, "weight", None)
            if isinstance(weight, Tensor) and weight.dim() > 1:
                norm = norm + weight.square().sum()
        return norm.expand(inputs.latents.shape[0])
