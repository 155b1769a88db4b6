"""A run that is gone on with."""

from dataclasses import dataclass

import torch

from inr.data.layout import Layout, read_split, read_trained_split
from inr.models.inr import INR
from inr.runs.directory import Run
from inr.training.checkpoint import Progress, find_checkpoint, load_checkpoint, restore_model


@dataclass(frozen=True)
class ResumeState:
    """Say what a run that is resumed has done.

    Args:
        epochs: so many.
        names: its training shapes, None if it is a new run.
    """

    epochs: int
    names: list[str] | None


def find_done(run: Run, num_epochs: int) -> ResumeState:
    """Return what a run has done.

    Args:
        run: to be resumed.
        num_epochs: that it is to have.

    Raises:
        ValueError: if it has them, or has no checkpoint.
    """
    content = load_checkpoint(find_checkpoint(run.checkpoints, "latest"))
    epochs = Progress(**content["progress"]).epoch
    if epochs >= num_epochs:
        raise ValueError(
            f"the run '{run.path}' has finished its {epochs} epochs; add train.epochs=<more> to "
            "go on"
        )
    return ResumeState(epochs, list(content["latents"]))


def training_names(layout: Layout, done: ResumeState) -> list[str]:
    """Return the shapes to train on: those of the split, or of the run that is resumed.

    Raises:
        ValueError: see `inr.data.layout.read_split`.
    """
    if done.names is None:
        return read_split(layout, "train")
    return read_trained_split(layout, "train", done.names)


def restore_run(
    run: Run, model: INR, optimizer: torch.optim.Optimizer, names: list[str]
) -> Progress:
    """Load the newest checkpoint into a model and an optimizer, and return how far it was.

    Raises:
        ValueError: if it is of other shapes, or does not fit.
    """
    path = find_checkpoint(run.checkpoints, "latest")
    content = load_checkpoint(path)
    restore_model(content, model, names, path)
    if list(content["latents"]) != names:
        raise ValueError(
            f"the training split has changed since '{path}' was written: the run cannot go on "
            "where it stopped; restore splits/train.json, or train anew"
        )
    base_rates = [group["base_lr"] for group in optimizer.param_groups]
    optimizer.load_state_dict(content["optimizer"])
    for group, rate in zip(optimizer.param_groups, base_rates, strict=True):
        group["base_lr"] = rate  # the configuration's, which may be overridden on resuming
    return Progress(**content["progress"])
