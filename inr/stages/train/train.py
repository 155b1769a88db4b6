"""stage=train: fit the network and the latents of the training shapes."""

import logging
import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import torch

from inr.config.factories import (
    build_logger,
    build_losses,
    build_model,
    build_optimizer,
    build_renderer,
    build_schedule,
    training_store,
)
from inr.config.job import Job, check_resume, merge_with_run
from inr.data.layout import Layout
from inr.data.store import SampleStore
from inr.losses import Losses
from inr.models.inr import INR
from inr.reconstruct.latent_fitting import part_poses
from inr.render import ShapeRenderer
from inr.runs.dataset import is_prepared, layout_of
from inr.runs.directory import Run, create_run, find_run, git_commit, log_to, new_run_path
from inr.stages.prepare.locate import assign_splits, find_sources
from inr.stages.prepare.manifest import adopt_settings
from inr.stages.prepare.prepare import ensure_prepared
from inr.stages.train.pictures import Album, PicturedValidation, TrainingPictures
from inr.stages.train.resume import ResumeState, find_state, restore_run, training_names
from inr.stages.train.validation import Validation, validation_names
from inr.training.allocator import keep_freed_memory
from inr.training.cadence import format_seconds
from inr.training.checkpoint import Checkpoints, Progress
from inr.training.devices import pick_device
from inr.training.estimate import estimate
from inr.training.fit import fit
from inr.training.interrupt import Interrupt, Interrupted
from inr.training.schedules import Schedule
from inr.training.tracking import Logger, Tracker

log = logging.getLogger(__name__)

# on a CPU, longer estimates come with a hint at experiment=small_cpu
LONG_SECONDS = 3600


@dataclass(frozen=True)
class TrainComponents:
    """Components that need no data; built first, so that an error leaves no files behind."""

    losses: Losses
    schedule: Schedule
    renderer: ShapeRenderer
    logger: Logger


def train(job: Job) -> Run:
    """Run the stage and return the run.

    Raises:
        ValueError: for wrong input.
        FloatingPointError: if the loss is not finite.
        Interrupted: after a signal, once last.pt is written.
    """
    with ExitStack() as locks:
        resumed, state = None, ResumeState(0, None)
        if job.raw["resume"] is not None:
            resumed = find_run(job.raw["resume"], key="resume")
            locks.enter_context(resumed.lock())
            stored = resumed.config()
            job = merge_with_run(job, stored, resumed.path)
            check_resume(job, stored)
        config = job.config
        device = pick_device(config.device)
        if device.type == "cpu":
            keep_freed_memory()
        components = TrainComponents(
            losses=build_losses(config),
            schedule=build_schedule(config),
            renderer=build_renderer(config),
            logger=build_logger(config),
        )
        if resumed is not None:
            state = find_state(resumed, config.train.epochs)
        estimate_run(job, device, state, job.name if resumed is None else str(resumed.path))
        layout = ensure_prepared(job)
        job = adopt_settings(job, layout)
        config = job.config
        names = training_names(layout, state)
        validation_names(layout)  # fails, if at all, before a run directory exists
        store = training_store(config, layout, names, components.losses, device)
        poses = None
        if resumed is None and config.num_parts is not None:
            poses = part_poses(layout, names, config.data.dim, config.num_parts)
        model = build_model(config, names, device, fresh=resumed is None, poses=poses)
        optimizer = build_optimizer(config, model)
        if resumed is not None:
            progress = restore_run(resumed, model, optimizer, names)
            run = resumed
        else:
            progress = Progress()
            run = create_run(job.folder or new_run_path(job.name))
            locks.enter_context(run.lock())
        run.write_config(job.raw, job.overrides.lines)
        with log_to(run.path / "inr.log"):
            run.write_status("running", seed=config.seed, commit=git_commit())
            log.info("run directory: %s", run.path)
            try:
                _fit(job, run, layout, store, model, optimizer, progress, components)
            except (Exception, KeyboardInterrupt) as error:
                run.write_status("failed", f"{type(error).__name__}: {error}")
                raise
    return run


def _fit(
    job: Job,
    run: Run,
    layout: Layout,
    store: SampleStore,
    model: INR,
    optimizer: torch.optim.Optimizer,
    progress: Progress,
    components: TrainComponents,
) -> None:
    config = job.config
    settings = config.train
    exit_code = 1
    try:
        group = run.path.parent.name if job.folder else ""
        components.logger.start(run.path, name=run.path.name, group=group, config=job.raw)
        tracker = Tracker(run.path, components.logger)
        with Interrupt() as interrupt:
            album = partial(
                Album, renderer=components.renderer, folder=run.renders, tracker=tracker
            )
            validation = Validation(
                config,
                layout,
                store,
                components.losses,
                stopped=lambda: interrupt.number != 0,
            )
            started = time.monotonic()
            fit(
                model,
                store,
                components.losses,
                optimizer,
                components.schedule,
                settings,
                seed=config.seed,
                progress=progress,
                checkpoints=Checkpoints(
                    run.checkpoints,
                    store.names,
                    every=settings.checkpoint_every,
                    epochs=settings.checkpoint_epochs,
                    keep=settings.keep_checkpoints,
                ),
                tracker=tracker,
                validate=PicturedValidation(validation, layout, album("valid")),
                draw=TrainingPictures(config, layout, store, album("train")),
                interrupt=interrupt,
            )
        if interrupt.number and progress.epoch < settings.epochs:
            why = f"stopped by a signal in epoch {progress.epoch + 1}; last.pt is written"
            run.write_status("failed", why)
            again = f"stage={job.raw['stage']} resume={run.path}"
            raise Interrupted(interrupt.number, f"{why}; continue with: {again}")
        seconds = round(time.monotonic() - started, 3)
        log.info("trained in %s", format_seconds(seconds))
        run.write_status("done", train_seconds=seconds)
        exit_code = 0
    finally:
        components.logger.finish(exit_code)


def estimate_run(job: Job, device: torch.device, state: ResumeState, title: str) -> None:
    """Log the estimated size, memory and time of training, with a hint if a CPU is slow.

    A data set that is prepared on first use need not exist yet.

    Raises:
        ValueError: if there is no training shape, if there are several but latent=none, or if
            settings of the model or the optimizer do not fit together.
    """
    config = job.config
    layout = layout_of(job)
    made_on_use = config.data.family is not None or config.data.root is None
    if made_on_use and not is_prepared(layout):
        names = assign_splits(config.data, find_sources(config)[0])["train"]
        if not names:
            raise ValueError(
                f"data.splits.train={config.data.splits.train} leaves no shape to train on"
            )
    else:
        names = training_names(layout, state)
    num_shapes = len(names)
    if config.latent["dim"] == 0 and num_shapes > 1 and config.num_parts is None:
        raise ValueError(
            f"latent=none (a latent of width 0) fits one shape; the training split has "
            f"{num_shapes}: use latent=default, or data.splits.train=1"
        )
    model = build_model(config, names, device, fresh=False, poses=None)
    build_optimizer(config, model)
    sampling = config.data.sampling
    per_shape = 4 * (config.data.dim + 1) * (sum(sampling.near_counts) + sampling.num_uniform)
    found = estimate(
        model,
        build_losses(config),
        config.train,
        dim=config.data.dim,
        num_shapes=num_shapes,
        num_channels=config.model["num_channels"],
        epochs_done=state.epochs,
        sample_bytes=num_shapes * per_shape,
        device=device,
    )
    hint = ""
    if device.type == "cpu" and found.seconds > LONG_SECONDS:
        hint = (
            "; for a small network that trains on a CPU in minutes use experiment=small_cpu "
            "(Ctrl-C stops with a checkpoint)"
        )
    log.info("%s on %s: %s%s", title, device, found, hint)
