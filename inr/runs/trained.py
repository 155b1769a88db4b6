"""A trained run, opened for what comes after."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from inr.config.factories import build_model
from inr.config.job import Job
from inr.config.overrides import Overrides
from inr.config.validate import check_config
from inr.data.layout import Layout
from inr.metrics.pair import FieldEvaluator
from inr.models.derivatives import decode_with_gradient
from inr.models.inr import INR
from inr.reconstruct import decode_mesh, field_of, points_a_call
from inr.runs.dataset import layout_of
from inr.runs.directory import Run, find_run
from inr.shapes.mesh import Floats, Mesh
from inr.stages.prepare.prepare import ensure_prepared
from inr.training.allocator import keep_freed_memory
from inr.training.checkpoint import (
    Progress,
    epoch_label,
    find_checkpoint,
    load_checkpoint,
    restore_model,
)
from inr.training.devices import pick_device


@dataclass(frozen=True)
class TrainedRun:
    """Hold a trained run, opened for a later stage.

    Args:
        command: the run's own configuration with what the command line sets for this stage.
        run: its directory.
        layout: its data set.
        model: with the weights and the training shapes' latents.
        names: the training shapes, in the order of their codes.
        epoch: of the checkpoint.
        step: of the checkpoint; an interrupted epoch has others of the same epoch.
        device: that the model is on.
    """

    command: Job
    run: Run
    layout: Layout
    model: INR
    names: list[str]
    epoch: int
    step: int
    device: torch.device

    @property
    def label(self) -> str:
        """Return the name of the checkpoint's epoch in folders."""
        return epoch_label(self.epoch)

    def extract(self, latent: torch.Tensor) -> Mesh:
        """Return the mesh of a latent (L,) at the settings of `eval`, in the box frame."""
        config = self.command.config
        return decode_mesh(
            self.model,
            latent,
            dim=config.data.dim,
            resolution=config.eval.resolution,
            coarse_to_fine=config.eval.coarse_to_fine,
        )

    def evaluator(self, latent: torch.Tensor) -> FieldEvaluator:
        """Return the field of a latent (L,), for metrics that ask it."""
        field = field_of(self.model, latent)
        chunk = points_a_call(latent.device) // (self.model.latents.num_parts or 1)

        def gradient_norms(points: Floats) -> Floats:
            x = torch.from_numpy(points.astype(np.float32)).to(latent.device)
            with torch.no_grad():
                parts = [
                    decode_with_gradient(self.model, part[None], latent[None])[1][0].norm(dim=1)
                    for part in x.split(chunk)
                ]
            return torch.cat(parts).cpu().numpy()

        def values(points: Floats) -> Floats:
            starts = range(0, len(points), chunk)
            return np.concatenate([field(points[start : start + chunk]) for start in starts])

        return FieldEvaluator(values, gradient_norms, is_distance=self.model.output == "sdf")


def open_model(
    run: str = "latest",
    *,
    epoch: int | str = "latest",
    device: str = "auto",
    allow: Sequence[str] = (),
) -> TrainedRun:
    """Open a run from Python, for one's own analysis; its data set need not be there.

    Args:
        run: a run directory, or `latest` under ./outputs.
        epoch: latest, best, or a number.
        device: auto, cpu, cuda, ...
        allow: packages outside inr and torch whose classes the run may name; what the run itself
            allows counts for nothing.

    Raises:
        ValueError: if there is no such run, checkpoint or device.
    """
    found = find_run(run)
    changes: dict[str, Any] = {"run": run, "resume": None, "epoch": epoch, "device": device}
    changes["allow"] = list(allow)
    raw = {**found.config(), **changes}
    check_config(raw)
    return load_run(Job(raw, overrides=Overrides(), name="", folder=None), found)


def open_run(command: Job, run: Run) -> TrainedRun:
    """Load a run's checkpoint, and make sure that its data set is there.

    Raises:
        ValueError: if either is missing or they do not fit.
    """
    trained = load_run(command, run)
    if trained.device.type == "cpu":
        keep_freed_memory()
    ensure_prepared(command)
    return trained


def load_run(command: Job, run: Run) -> TrainedRun:
    """Load a run's checkpoint, for what needs no data.

    Raises:
        ValueError: if it is missing or does not fit.
    """
    config = command.config
    device = pick_device(config.device)
    path = find_checkpoint(run.checkpoints, config.epoch)
    content = load_checkpoint(path)
    names = list(content["latents"])
    model = build_model(config, names, device, fresh=False, poses=None)
    restore_model(content, model, names, path)
    model.eval()
    layout = layout_of(command)
    progress = Progress(**content["progress"])
    return TrainedRun(command, run, layout, model, names, progress.epoch, progress.step, device)
