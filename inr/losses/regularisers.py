"""Regularisers of latents and of weights."""

from torch import Tensor

from inr.losses.base import Loss, LossInputs, TrainProgress


class LatentRegularisation(Loss):
    """Squared norm of the latents (Park et al., DeepSDF, CVPR 2019, eq. 9).

    Args:
        weight: the paper's 1 / sigma^2, for a data term that is a mean over points.
        ramp_epochs: number of epochs over which the weight rises linearly from 0, as in the
            published code; 0 for none.
    """

    def __init__(self, *, weight: float, ramp_epochs: int) -> None:
        super().__init__(weight=weight)
        self.ramp_epochs = ramp_epochs

    def scale(self, progress: TrainProgress | None) -> float:
        """Return the weight, ramped up in training."""
        if progress is None or self.ramp_epochs == 0:
            return self.weight
        return self.weight * min(1.0, (progress.epoch + 1) / self.ramp_epochs)

    def forward(self, inputs: LossInputs) -> Tensor:
        """Return the squared norms, (B,)."""
        return inputs.latents.square().sum(dim=-1)


class WeightDecay(Loss):
    """Squared norm of the network's weights; biases are not penalised.

    In a layer with weight norm, it is that of the effective weight, which equals the norm of the
    gains. The term is 0 when latents are fitted, as the weights are then constant.

    Args:
        weight: factor of this term.
    """

    def scale(self, progress: TrainProgress | None) -> float:
        """Return the weight in training, and 0 when latents are fitted."""
        return 0.0 if progress is None else self.weight

    def forward(self, inputs: LossInputs) -> Tensor:
        """Return the squared norm, (B,), equal for all shapes."""
        norm = inputs.latents.new_zeros(())
        for module in inputs.decoder.modules():
            # the effective weight, also if a parametrization computes it
            weight = getattr(module, "weight", None)
            if isinstance(weight, Tensor) and weight.dim() > 1:
                norm = norm + weight.square().sum()
        return norm.expand(inputs.latents.shape[0])
