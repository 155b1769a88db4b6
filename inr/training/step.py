"""One optimizer step, and the loss of a batch."""

import math

import torch
from torch import Tensor, nn

from inr.data.batch import Batch
from inr.losses import Losses, TrainProgress
from inr.training.settings import Train

NOT_FINITE = (
    "the loss is no longer a finite number, and the weights are as before this step; lower "
    "optimizer.lr, or resume from an earlier checkpoint, if there is one"
)


def train_step(
    model: nn.Module,
    losses: Losses,
    optimizer: torch.optim.Optimizer,
    batch: Batch,
    index: Tensor,
    progress: TrainProgress,
    settings: Train,
) -> dict[str, Tensor]:
    """Take one optimizer step, and return the loss and each term's mean, detached.

    Args:
        model: an INR, or a wrapper of one (DistributedDataParallel).
        losses: losses to minimise; their mean over shapes is taken.
        optimizer: optimizer of the model's parameters.
        batch: points of B shapes.
        index: (B,), shapes of the batch.
        progress: progress of training.
        settings: settings of training.

    Raises:
        FloatingPointError: if the loss is not finite; the weights are then unchanged.
    """
    loss, values = batch_loss(model, losses, batch, index, progress)
    check = FiniteCheck(loss)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    check.wait()
    if settings.clip_gradient_norm is not None:
        nn.utils.clip_grad_norm_(model.parameters(), settings.clip_gradient_norm)
    optimizer.step()
    return {"loss": loss.detach(), **values}


def batch_loss(
    model: nn.Module, losses: Losses, batch: Batch, index: Tensor, progress: TrainProgress
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the mean loss over the shapes of a batch, and each term's unweighted mean, detached.

    All of it is computed in one call of the model, see `INR.forward`.
    """
    total, values = model(lambda inr, latents: losses(inr, batch, latents, progress), index)
    return total.mean(), {name: value.mean() for name, value in values.items()}


class FiniteCheck:
    """Check that a loss is finite, without idling the GPU.

    The loss is copied to the CPU asynchronously. `wait` is called after the backward pass has been
    queued, so the GPU has work while the CPU waits. On a CPU this costs nothing.

    Args:
        loss: (), loss of a step.
    """

    def __init__(self, loss: Tensor) -> None:
        self.value = loss.detach()
        self.copied: torch.cuda.Event | None = None
        if loss.is_cuda:
            self.value = self.value.to("cpu", non_blocking=True)
            self.copied = torch.cuda.Event()
            self.copied.record()

    def wait(self) -> None:
        """Wait for the value; a sync point.

        Raises:
            FloatingPointError: if the loss is not finite.
        """
        if self.copied is not None:
            self.copied.synchronize()
        if not math.isfinite(self.value.item()):
            raise FloatingPointError(NOT_FINITE)
