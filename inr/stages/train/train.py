"""Fit the network and the latents of the training shapes."""

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import torch

from inr.config.factories import (
    build_logger,
    build_losses,
    build_model,
    build_optimizer,
    build_renderer,
    build_schedule,
    training_draws,
    training_store,
)
from inr.config.job import Job, check_resume, merge_with_run
from inr.config.validate_parts import has_parts
from inr.data.layout import Layout
from inr.data.store import SampleStore
from inr.losses import Losses
from inr.models.inr import INR
from inr.reconstruct.latent_fitting import part_poses
from inr.render import ByDimension
from inr.runs.dataset import is_prepared, layout_of
from inr.runs.directory import Run, create_run, find_run, git_commit, log_to, new_run_path
from inr.stages.prepare.locate import assign_splits, find_sources
from inr.stages.prepare.manifest import adopt_settings
from inr.stages.prepare.prepare import ensure_prepared
from inr.stages.train.resume import ResumeState, find_done, restore_run, training_names
from inr.stages.train.validation import Validation, validation_names
from inr.training.allocator import keep_freed_memory
from inr.training.cadence import count_due
from inr.training.checkpoint import Checkpoints, Progress
from inr.training.devices import pick_device
from inr.training.estimate import estimate, format_seconds
from inr.training.interrupt import Interrupt, Interrupted
from inr.training.schedules import Schedule
from inr.training.tracking import Logger, Tracker
from inr.training.trainer import fit

log = logging.getLogger(__name__)

# from here on a CPU's user is told of the small preset
LONG_SECONDS = 3600
# validation metrics that an empty reconstruction has as well
DEFINED_IF_EMPTY = ("valid/loss", "valid/iou", "valid/f_score")


@dataclass(frozen=True)
class Parts:
    """Hold what needs no data: built first, so that a mistake in it leaves nothing behind."""

    losses: Losses
    schedule: Schedule
    renderer: ByDimension
    logger: Logger


def train(command: Job) -> Run:
    """Run the stage and return the run.

    Raises:
        ValueError: for wrong input.
        FloatingPointError: if the loss is no longer a number.
        Interrupted: after a signal, with last.pt to go on from.
    """
    with ExitStack() as held:
        resumed, done = None, ResumeState(0, None)
        if command.raw["resume"] is not None:
            resumed = find_run(command.raw["resume"], key="resume")
            held.enter_context(resumed.lock())
            stored = resumed.config()
            command = merge_with_run(command, stored, resumed.path)
            check_resume(command, stored)
        config = command.config
        device = pick_device(config.device)
        if device.type == "cpu":
            keep_freed_memory()
        parts = Parts(
            losses=build_losses(config),
            schedule=build_schedule(config),
            renderer=build_renderer(config),
            logger=build_logger(config),
        )
        if resumed is not None:
            done = find_done(resumed, config.train.epochs)
        estimate_run(command, device, done, command.name if resumed is None else str(resumed.path))
        layout = ensure_prepared(command)
        command = adopt_settings(command, layout)
        config = command.config
        names = training_names(layout, done)
        validation_names(layout)  # what is wrong with it shows before there is a directory
        store = training_store(config, layout, names, parts.losses, device)
        poses = None
        if resumed is None and has_parts(command.raw):
            num_parts = config.latent.get("num_parts")
            poses = part_poses(layout, names, config.data.dim, num_parts)
        model = build_model(config, names, device, fresh=resumed is None, poses=poses)
        optimizer = build_optimizer(config, model)
        if resumed is not None:
            progress = restore_run(resumed, model, optimizer, names)
            run = resumed
        else:
            progress = Progress()
            run = create_run(command.folder or new_run_path(command.name))
            held.enter_context(run.lock())
        run.write_config(command.raw, command.overrides.lines)
        with log_to(run.path / "inr.log"):
            run.write_status("running", seed=config.seed, commit=git_commit())
            log.info("run directory: %s", run.path)
            try:
                _fit(command, run, layout, store, model, optimizer, progress, parts)
            except (Exception, KeyboardInterrupt) as error:
                run.write_status("failed", f"{type(error).__name__}: {error}")
                raise
    return run


def _fit(
    command: Job,
    run: Run,
    layout: Layout,
    store: SampleStore,
    model: INR,
    optimizer: torch.optim.Optimizer,
    progress: Progress,
    parts: Parts,
) -> None:
    config = command.config
    settings = config.train
    exit_code = 1
    try:
        group = run.path.parent.name if command.folder else ""
        parts.logger.start(run.path, name=run.path.name, group=group, config=command.raw)
        tracker = Tracker(run.path, parts.logger)
        with Interrupt() as interrupt:
            validation = Validation(
                config,
                layout,
                store,
                parts.losses,
                parts.renderer,
                run.renders,
                tracker,
                stopped=lambda: interrupt.number != 0,
            )
            started = time.monotonic()
            fit(
                model,
                store,
                parts.losses,
                optimizer,
                parts.schedule,
                progress=progress,
                num_epochs=settings.epochs,
                shapes_per_batch=settings.shapes_per_batch,
                draws=training_draws(config),
                seed=config.seed,
                checkpoints=Checkpoints(
                    run.checkpoints,
                    store.names,
                    every=settings.checkpoint_every,
                    epochs=settings.checkpoint_epochs,
                    keep=settings.keep_checkpoints,
                ),
                tracker=tracker,
                validate=validation.measure,
                validate_every=settings.validate_every,
                is_better=improves(settings.best_metric, settings.best_mode),
                render=validation.draw,
                render_every=settings.render_every,
                log_every=settings.log_every,
                save_every_seconds=60 * settings.checkpoint_minutes,
                interrupt=interrupt,
            )
        if interrupt.number and progress.epoch < settings.epochs:
            why = f"stopped by a signal in epoch {progress.epoch + 1}; last.pt is written"
            run.write_status("failed", why)
            again = f"stage={command.raw['stage']} resume={run.path}"
            raise Interrupted(interrupt.number, f"{why}; go on with: {again}")
        seconds = round(time.monotonic() - started, 3)
        log.info("trained in %s", format_seconds(seconds))
        run.write_status("done", train_seconds=seconds)
        exit_code = 0
    finally:
        parts.logger.finish(exit_code)


def estimate_run(command: Job, device: torch.device, done: ResumeState, title: str) -> None:
    """Log what training will take; on a slow device, name the preset that takes minutes.

    Data that will be made on first use need not exist for it.

    Raises:
        ValueError: if there is no training shape, there are several and no latents, or settings of
            the model or the optimizer do not fit together.
    """
    config = command.config
    layout = layout_of(command)
    made_on_use = config.data.family is not None or config.data.root is None
    if made_on_use and not is_prepared(layout):
        names = assign_splits(config.data, list(find_sources(config)[0]))["train"]
        if not names:
            raise ValueError(
                f"data.splits.train={config.data.splits.train} leaves no shape to train on"
            )
    else:
        names = training_names(layout, done)
    num_shapes = len(names)
    if config.latent["dim"] == 0 and num_shapes > 1 and not has_parts(command.raw):
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
        dim=config.data.dim,
        num_shapes=num_shapes,
        shapes_per_batch=config.train.shapes_per_batch,
        draws=training_draws(config),
        num_channels=config.model["num_channels"],
        num_epochs=config.train.epochs - done.epochs,
        num_validations=count_due(config.train.validate_every, done.epochs, config.train.epochs),
        num_pictures=count_due(config.train.render_every, done.epochs, config.train.epochs),
        sample_bytes=num_shapes * per_shape,
        device=device,
    )
    hint = ""
    if device.type == "cpu" and found.seconds > LONG_SECONDS:
        hint = (
            "; on this CPU that is long: experiment=small_cpu is a small network that trains in "
            "minutes (Ctrl-C stops with a checkpoint)"
        )
    log.info("%s on %s: %s%s", title, device, found, hint)


def improves(metric: str, mode: str) -> Callable[[dict[str, float], float | None], float | None]:
    """Return a function that gives the metric where it beats the best so far, else None.

    A mean distance counts only where every validation shape has one: a model must not win by
    leaving the hard shapes empty.
    """

    def is_better(metrics: dict[str, float], best: float | None) -> float | None:
        value = metrics[metric]
        if value != value or (metrics["valid/num_empty"] and metric not in DEFINED_IF_EMPTY):
            return None
        if best is None or (value < best if mode == "min" else value > best):
            return value
        return None

    return is_better
