"""Open a trained run, from a stage or from Python."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from inr.config.factories import build_model
from inr.config.job import Job, merge_with_run
from inr.config.overrides import Overrides
from inr.config.validate import check_config
from inr.data.layout import Layout
from inr.metrics.pair import FieldEvaluator
from inr.models.derivatives import decode_with_gradient
from inr.models.inr import INR
from inr.reconstruct import decode_mesh, field_of, points_per_call
from inr.runs.dataset import layout_of
from inr.runs.directory import Run, find_run, log_to, next_log
from inr.shapes.mesh import Floats, Mesh
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
    """A trained run at one of its checkpoints.

    Args:
        job: configuration of the run, with the overrides of this stage.
        run: run directory.
        layout: layout of its data set, which need not exist.
        model: trained model with the latents of the training shapes, in evaluation mode.
        names: names of the training shapes, in the order of their latents.
        epoch: number of finished epochs at the checkpoint.
        step: training step of the checkpoint, which tells checkpoints within an epoch apart.
        device: device of the model.
    """

    job: Job
    run: Run
    layout: Layout
    model: INR
    names: list[str]
    epoch: int
    step: int
    device: torch.device

    @property
    def latents(self) -> torch.Tensor:
        """Return the latents of the S training shapes, (S, L) or (S, P, L + K).

        L is the latent width, P the number of parts and K the width of a pose.
        """
        every = torch.arange(len(self.names), device=self.device)
        return self.model.latents(every).detach()

    @property
    def label(self) -> str:
        """Return the folder name of the checkpoint's epoch."""
        return epoch_label(self.epoch)

    def extract(self, latent: torch.Tensor) -> Mesh:
        """Return the mesh of a latent (L,) in the box frame, with the resolution of `eval`."""
        config = self.job.config
        return decode_mesh(
            self.model,
            latent,
            dim=config.data.dim,
            resolution=config.eval.resolution,
            coarse_to_fine=config.eval.coarse_to_fine,
        )

    def evaluator(self, latent: torch.Tensor) -> FieldEvaluator:
        """Return the field of a latent (L,), for metrics that need it."""
        field = field_of(self.model, latent)
        chunk = points_per_call(latent.device) // (self.model.latents.num_parts or 1)

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


def load_run(
    run: str | Path = "latest",
    *,
    epoch: int | str = "latest",
    device: str = "auto",
    allow: Sequence[str] = (),
) -> TrainedRun:
    """Open a run from Python; its data set need not exist.

    Args:
        run: run directory, or `latest` for the newest under ./outputs.
        epoch: checkpoint to open: latest, best or an epoch number.
        device: device of the model: auto, cpu, cuda, ...
        allow: packages outside inr and torch whose classes the run may name; the `allow` stored
            in the run is ignored.

    Raises:
        ValueError: if there is no such run, checkpoint or device.
    """
    found = find_run(str(run))
    changes: dict[str, Any] = {"run": str(run), "resume": None, "epoch": epoch, "device": device}
    changes["allow"] = allow if isinstance(allow, str) else list(allow)  # a str is refused
    raw = {**found.config(), **changes}
    check_config(raw)
    return load_trained(Job(raw, overrides=Overrides(), name="", folder=None), found)


@contextmanager
def open_trained(job: Job, stage: str) -> Iterator[TrainedRun]:
    """Open the run that `run=` names for a stage, locked and logged to: see `work_in_run`.

    Raises:
        ValueError: if there is no such run, or the command line contradicts it.
    """
    run = find_run(job.raw["run"])
    with work_in_run(job, run, stage) as merged:
        yield load_trained(merged, run)


@contextmanager
def work_in_run(job: Job, run: Run, stage: str) -> Iterator[Job]:
    """Lock a run, and write the log of a stage to its logs/<stage>_<n>.log.

    Yields:
        The job with the configuration of the run, except for what the command line sets.

    Raises:
        ValueError: if the command line contradicts the run, or another process has locked it.
    """
    merged = merge_with_run(job, run.config(), run.path)
    with run.lock(), log_to(next_log(run, stage)):
        yield merged


def load_trained(job: Job, run: Run) -> TrainedRun:
    """Load a checkpoint of a run.

    Args:
        job: job merged with the configuration of the run.
        run: run directory.

    Raises:
        ValueError: if there is no such checkpoint, or it does not fit the configuration.
    """
    config = job.config
    device = pick_device(config.device)
    path = find_checkpoint(run.checkpoints, config.epoch)
    content = load_checkpoint(path)
    names = list(content["latents"])
    model = build_model(config, names, device, fresh=False, poses=None)
    restore_model(content, model, names, path)
    model.eval()
    progress = Progress(**content["progress"])
    return TrainedRun(
        job=job,
        run=run,
        layout=layout_of(job),
        model=model,
        names=names,
        epoch=progress.epoch,
        step=progress.step,
        device=device,
    )
