"""Checkpoints: tensors and plain values only, latents keyed by shape name."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from inr.files import replacing
from inr.models.inr import INR
from inr.models.stored import FORMAT, migrate


@dataclass
class Progress:
    """Position of a run.

    Args:
        epoch: finished epochs.
        batch: finished batches of the epoch after those.
        step: finished optimizer steps.
        best: best validation metric so far, None before the first.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    best: float | None = None


class Checkpoints:
    """Checkpoints of a run, of which only those asked for are kept.

    Args:
        folder: where they lie.
        names: the training shapes, in the order of their latents.
        every: cadence in epochs, 0 for none but the last.
        epochs: epochs whose checkpoints are kept for good.
        keep: how many of those written at the cadence are kept, newest first.
    """

    def __init__(
        self, folder: Path, names: Sequence[str], *, every: int, epochs: Sequence[int], keep: int
    ) -> None:
        self.folder = folder
        self.names = list(names)
        self.every = every
        self.epochs = frozenset(epochs)
        self.keep = keep

    def save(
        self, label: str, model: INR, optimizer: torch.optim.Optimizer, progress: Progress
    ) -> Path:
        """Write <label>.pt; it appears whole or not at all."""
        if not all(bool(p.isfinite().all()) for p in model.parameters()):
            raise FloatingPointError(
                "the weights are no longer finite numbers, and are not saved; lower optimizer.lr, "
                "or resume from an earlier checkpoint"
            )
        content = {
            "format": FORMAT,
            "decoder": model.decoder.state_dict(),
            "latents": dict(zip(self.names, model.latents.raw(), strict=True)),
            "optimizer": optimizer.state_dict(),
            "progress": asdict(progress),
        }
        path = self.folder / f"{label}.pt"
        with replacing(path) as temporary:
            torch.save(content, temporary)
        return path

    def save_epoch(self, model: INR, optimizer: torch.optim.Optimizer, progress: Progress) -> None:
        """Write the checkpoints that are due after a finished epoch, and drop old ones."""
        due = self.every > 0 and progress.epoch % self.every == 0
        if due or progress.epoch in self.epochs:
            self.save(epoch_label(progress.epoch), model, optimizer, progress)
            self.save("last", model, optimizer, progress)
            written = sorted(self.folder.glob("epoch_*.pt"))
            passing = [path for path in written if int(path.stem[6:]) not in self.epochs]
            for path in passing[: max(0, len(passing) - self.keep)]:
                path.unlink()


def epoch_label(epoch: int) -> str:
    """Return the name of an epoch's checkpoint and folders, say epoch_000100."""
    return f"epoch_{epoch:06d}"


def find_checkpoint(folder: Path, epoch: int | str) -> Path:
    """Return the checkpoint of an epoch: a number, `latest`, or `best`.

    Raises:
        ValueError: if there is none, naming those there are.
    """
    label = {"latest": "last", "best": "best"}.get(str(epoch))
    if label is None:
        if not str(epoch).isdigit():
            raise ValueError(f"epoch is '{epoch}'; it has to be latest, best or a number")
        label = epoch_label(int(epoch))
    path = folder / f"{label}.pt"
    if not path.exists():
        there = ", ".join(sorted(p.stem for p in folder.glob("*.pt")))
        if not there:
            raise ValueError(
                f"'{folder}' has no checkpoint: the run stopped before its first; train it anew"
            )
        raise ValueError(f"no checkpoint '{label}' in '{folder}'; there: {there}")
    return path


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint to the CPU, without running anything that it may contain.

    From there `load_state_dict` moves what belongs on a GPU: were the optimizer's step counts
    moved too, each step would wait for them.

    Raises:
        ValueError: if it cannot be read, or is none of ours.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    # on a file that is no checkpoint torch raises whatever its parser stumbles over
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"cannot read the checkpoint '{path}': {reason}") from error
    content = migrate(content)
    keys = {"format", "decoder", "latents", "optimizer", "progress"}
    if not isinstance(content, dict) or not keys <= content.keys() or content["format"] != FORMAT:
        raise ValueError(f"'{path}' is no checkpoint of this program (format {FORMAT})")
    return content


def restore_model(content: dict[str, Any], model: INR, names: Sequence[str], path: Path) -> None:
    """Load weights and latents into a model whose latents stand in the order of names.

    Raises:
        ValueError: if the checkpoint does not fit the model, or lacks a shape's latent.
    """
    missing = [name for name in names if name not in content["latents"]]
    if missing:
        raise ValueError(
            f"the checkpoint '{path}' has no latent for '{missing[0]}' ({len(missing)} missing of "
            f"{len(names)}): it was trained on other shapes"
        )
    try:
        model.decoder.load_state_dict(content["decoder"])
        stacked = torch.stack([content["latents"][name] for name in names])
        model.latents.load(stacked)
    except RuntimeError as error:
        lines = str(error).splitlines()
        first = "; ".join(line.strip() for line in lines[1:3] or lines)
        raise ValueError(
            f"the checkpoint '{path}' does not fit the run's config.yaml: {first}"
        ) from error
