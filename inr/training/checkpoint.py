"""Checkpoints: tensors and plain values only; latents by the name of their shape."""

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
    """Progress of a run.

    Args:
        epoch: number of finished epochs.
        batch: number of finished batches of the current epoch.
        step: number of finished optimizer steps.
        best: best value of the validation metric so far; None before the first validation.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    best: float | None = None


class Checkpoints:
    """Writer of a run's checkpoints; it deletes old ones.

    Args:
        folder: folder of the checkpoints.
        names: names of the training shapes, in the order of their latents.
        every: cadence in epochs; 0 for last.pt only.
        epochs: epochs whose checkpoints are never deleted.
        keep: number of the newest checkpoints at the cadence to keep.
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
        """Write <label>.pt atomically.

        Raises:
            FloatingPointError: if a parameter is not finite.
        """
        if not all(bool(p.isfinite().all()) for p in model.parameters()):
            raise FloatingPointError(
                "the weights are no longer finite numbers, and are not saved; lower optimizer.lr, "
                "or resume from an earlier checkpoint, if there is one"
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
        """Write the checkpoints that are due after a finished epoch, and delete old ones."""
        due = self.every > 0 and progress.epoch % self.every == 0
        if due or progress.epoch in self.epochs:
            self.save(epoch_label(progress.epoch), model, optimizer, progress)
            self.save("last", model, optimizer, progress)
            written = sorted(self.folder.glob("epoch_*.pt"))
            temporary = [path for path in written if int(path.stem[6:]) not in self.epochs]
            for path in temporary[: max(0, len(temporary) - self.keep)]:
                path.unlink()


def epoch_label(epoch: int) -> str:
    """Return the name of an epoch's checkpoint and folders, for example epoch_000100."""
    return f"epoch_{epoch:06d}"


def find_checkpoint(folder: Path, epoch: int | str) -> Path:
    """Return the path of a checkpoint, by `latest`, `best` or the number of an epoch.

    Raises:
        ValueError: if it does not exist; the message lists those that do.
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
                f"'{folder}' has no checkpoint: the run stopped before its first; train it again"
            )
        raise ValueError(f"no checkpoint '{label}' in '{folder}'; available: {there}")
    return path


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint to the CPU, without executing code in it.

    `load_state_dict` moves tensors to the GPU as needed. The optimizer's step counts stay on the
    CPU; on a GPU they would cause a synchronisation in each step.

    Raises:
        ValueError: if it cannot be read, or is not a checkpoint of this program.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    # on any other file torch may raise any exception
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"cannot read the checkpoint '{path}': {reason}") from error
    content = migrate(content)
    keys = {"format", "decoder", "latents", "optimizer", "progress"}
    if not isinstance(content, dict) or not keys <= content.keys() or content["format"] != FORMAT:
        raise ValueError(f"'{path}' is not a checkpoint of this program (format {FORMAT})")
    return content


def restore_model(content: dict[str, Any], model: INR, names: Sequence[str], path: Path) -> None:
    """Load weights and latents into a model whose latents are in the order of `names`.

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
