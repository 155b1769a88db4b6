"""Resume a run: its state, its training shapes, its newest checkpoint."""

from dataclasses import dataclass

import torch

from inr.data.layout import Layout, read_split, read_trained_split
from inr.models.inr import INR
from inr.runs.directory import Run
from inr.training.checkpoint import Progress, find_checkpoint, load_checkpoint, restore_model


@dataclass(frozen=True)
class ResumeState:
    """State of a run that is resumed.

    Args:
        epochs: number of finished epochs.
        names: names of its training shapes; None for a new run.
    """

    epochs: int
    names: list[str] | None


def find_state(run: Run, num_epochs: int) -> ResumeState:
    """Return the state of a run that is to be resumed.

    Args:
        run: run to be resumed.
        num_epochs: number of epochs to train in total.

    Raises:
        ValueError: if it has finished that many epochs, or has no checkpoint.
    """
    content = load_checkpoint(find_checkpoint(run.checkpoints, "latest"))
    epochs = Progress(**content["progress"]).epoch
    if epochs >= num_epochs:
        raise ValueError(
            f"the run '{run.path}' has finished its {epochs} epochs; add train.epochs=<more> to "
            "continue"
        )
    return ResumeState(epochs, list(content["latents"]))


def training_names(layout: Layout, state: ResumeState) -> list[str]:
    """Return the names of the training shapes: of the split, or of the run that is resumed.

    Raises:
        ValueError: see `inr.data.layout.read_split`.
    """
    if state.names is None:
        return read_split(layout, "train")
    return read_trained_split(layout, "train", state.names)


def restore_run(
    run: Run, model: INR, optimizer: torch.optim.Optimizer, names: list[str]
) -> Progress:
    """Load the newest checkpoint into a model and an optimizer, and return its progress.

    Raises:
        ValueError: if it has other shapes, or does not fit the model.
    """
    path = find_checkpoint(run.checkpoints, "latest")
    content = load_checkpoint(path)
    restore_model(content, model, names, path)
    if list(content["latents"]) != names:
        raise ValueError(
            f"the training split has changed since '{path}' was written: the run cannot be "
            "resumed; restore splits/train.json, or train a new run"
        )
    base_rates = [group["base_lr"] for group in optimizer.param_groups]
    optimizer.load_state_dict(content["optimizer"])
    for group, rate in zip(optimizer.param_groups, base_rates, strict=True):
        group["base_lr"] = rate  # the configuration's, which may be overridden on resuming
    return Progress(**content["progress"])
