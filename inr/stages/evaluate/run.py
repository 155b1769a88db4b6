"""Metrics of a split's reconstructed shapes, under a named protocol."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from inr.config.factories import (
    build_logger,
    build_protocol,
    build_renderer,
    build_set_metrics,
)
from inr.config.job import Job, merge_with_run
from inr.config.overrides import Overrides
from inr.config.schema import Config
from inr.data.layout import Layout, read_trained_split
from inr.metrics.pair import FieldEvaluator, Pair
from inr.metrics.protocol import Protocol
from inr.models.latents import read_latent
from inr.progress import show_progress
from inr.runs.directory import Run, find_run, log_to, next_log, run_argument
from inr.runs.finished import FinishedShapes
from inr.runs.ground_truth import (
    ground_truth_mesh,
    ground_truth_stamp,
    has_ground_truth,
    open_pair,
    warn_missing_ground_truth,
)
from inr.runs.part_outputs import read_part_meshes
from inr.runs.pictures import draw_worst
from inr.runs.trained import load_run
from inr.shapes.mesh import Mesh, empty_mesh, mesh_suffix, read_mesh
from inr.stages.evaluate.generation import evaluate_samples
from inr.stages.evaluate.results import Row, made_at, measure_row, record_settings, write_results
from inr.stages.prepare.prepare import ensure_prepared
from inr.training.checkpoint import epoch_label, find_checkpoint, load_checkpoint
from inr.training.tracking import Tracker

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Evaluated:
    """Hold what the evaluation of one split gave.

    Args:
        protocol: its name.
        rows: one a shape.
        summary: of them.
        table: the same for a terminal.
        settings: what the numbers depend on.
    """

    protocol: str
    rows: list[Row]
    summary: dict[str, Any]
    table: str
    settings: dict[str, Any]


@dataclass(frozen=True)
class _Subject:
    """Hold what is evaluated: a run at an epoch, its data, and the shapes it was trained on."""

    config: Config
    overrides: Overrides
    run: Run
    layout: Layout
    label: str
    trained: list[str]
    evaluator: Callable[[Path], FieldEvaluator] | None


def evaluate_run(command: Job, run: Run) -> dict[str, Evaluated]:
    """Evaluate the splits of a run, and return what each gave.

    Raises:
        ValueError: for wrong input, a split that was not reconstructed among it.
    """
    command = merge_with_run(command, run.config(), run.path)
    config = command.config
    with run.lock(), log_to(next_log(run, "evaluate")):
        path = find_checkpoint(run.checkpoints, config.epoch)
        checkpoint = load_checkpoint(path)
        progress, trained = checkpoint["progress"], list(checkpoint["latents"])
        epoch = int(progress["epoch"])
        layout = ensure_prepared(command)
        if build_set_metrics(config):
            found = {s: _evaluate_sets(config, run, layout, s, epoch) for s in command.splits}
            _mirror(command, run, found, epoch, int(progress["step"]))
            return found
        evaluator = _open_evaluator(command, run) if build_protocol(config).needs_field else None
        subject = _Subject(
            config, command.overrides, run, layout, epoch_label(epoch), trained, evaluator
        )
        found = {split: _evaluate_split(subject, split, epoch) for split in command.splits}
        _mirror(command, run, found, epoch, int(progress["step"]))
    return found


def evaluate_one(command: Job) -> None:
    """Evaluate the splits of a run, and print each one's table."""
    found = evaluate_run(command, find_run(command.raw["run"]))
    print("\n" + "\n\n".join(one.table for one in found.values()), flush=True)


def _evaluate_sets(config: Config, run: Run, layout: Layout, split: str, epoch: int) -> Evaluated:
    summary, table = evaluate_samples(
        config, run, layout, label=epoch_label(epoch), split=split, epoch=epoch
    )
    return Evaluated(config.eval.protocol, [], summary, table, record_settings(config.eval))


def _evaluate_split(subject: _Subject, split: str, epoch: int) -> Evaluated:
    config, run = subject.config, subject.run
    names = read_trained_split(subject.layout, split, subject.trained)
    made = _reconstructed(subject, split, epoch)
    warn_missing_ground_truth(subject.layout, names, "they have no metrics")
    protocol = build_protocol(config)
    folder = run.evaluation(subject.label, split, protocol.name)
    settings = record_settings(config.eval)
    record = FinishedShapes(folder, settings)
    if not config.overwrite:
        record.check_settings()
    with record:
        for name in show_progress(names, f"evaluate {split}", len(names)):
            of = [made.get(name, {}).get("time"), ground_truth_stamp(subject.layout, name)]
            finished = record.shapes.get(name)
            # one whose sides are others since, and one that had no metrics, is not finished
            is_finished = (
                finished is not None
                and finished["made"] == of
                and finished["row"]["status"] in ("ok", "empty")
            )
            if config.overwrite or not is_finished:
                row = _evaluate_shape(subject, split, name, protocol, made.get(name))
                record.add(name, {"row": row, "made": of})
    rows = [record.shapes[name]["row"] for name in names]
    summary, table = write_results(
        rows,
        protocol,
        folder,
        settings=config.eval,
        about={"split": split, "epoch": epoch, "resolution": made_at(made, config.eval)},
        title=f"{split} split, epoch {epoch}",
    )
    _draw_worst(subject, split, rows, protocol)
    return Evaluated(protocol.name, rows, summary, table, settings)


def _reconstructed(subject: _Subject, split: str, epoch: int) -> dict[str, Any]:
    """Return what stage=reconstruct made of a split.

    Raises:
        ValueError: if it made nothing, or with other settings than are asked for.
    """
    asked = {
        f"eval.{key}": getattr(subject.config.eval, key)
        for key in ("resolution", "coarse_to_fine")
        if subject.overrides(f"eval.{key}")
    }
    record = FinishedShapes(subject.run.reconstruction(subject.label, split), asked)
    record.check_settings("stage=reconstruct with overwrite=true makes")
    if not record.shapes:
        raise ValueError(
            f"the {split} split of epoch {epoch} is not reconstructed; run stage=reconstruct "
            f"{run_argument(subject.run.path)} split={split}"
        )
    return record.shapes


def _evaluate_shape(
    subject: _Subject, split: str, name: str, protocol: Protocol, made: Mapping[str, Any] | None
) -> Row:
    """Return a shape's row: its metrics, or why it has none."""
    dim = subject.config.data.dim
    folder = subject.run.reconstruction(subject.label, split)
    path = folder / "meshes" / f"{name}{mesh_suffix(dim)}"
    if made is None or (made["status"] == "ok" and not path.exists()):
        reason = "not reconstructed" if made is None else f"'{path}' is gone"
        return {"name": name, "status": "missing", "reason": reason, "seconds": 0.0}
    if not has_ground_truth(subject.layout, name):  # which was said, once for all
        reason = "the data set has neither its mesh nor its surface points"
        return {"name": name, "status": "failed", "reason": reason, "seconds": made["seconds"]}
    settings = subject.config.eval
    num_parts = subject.config.latent.get("num_parts")

    def pair() -> Pair:
        return open_pair(
            read_mesh(path) if made["status"] == "ok" else empty_mesh(dim),
            subject.layout,
            name,
            frame=settings.frame,
            num_points=settings.num_points,
            seed=settings.seed,
            evaluator=subject.evaluator(folder / "latents" / f"{name}.npy")
            if subject.evaluator
            else None,
            parts=partial(read_part_meshes, folder, name, num_parts, dim) if num_parts else None,
        )

    return measure_row(name, protocol, pair, seconds=made["seconds"], reason=made["reason"])


def _draw_worst(subject: _Subject, split: str, rows: list[Row], protocol: Protocol) -> None:
    config, dim = subject.config, subject.config.data.dim
    meshes = subject.run.reconstruction(subject.label, split) / "meshes"

    def read(name: str) -> tuple[Mesh, Mesh]:
        path = meshes / f"{name}{mesh_suffix(dim)}"
        mesh = read_mesh(path) if path.exists() else empty_mesh(dim)
        return ground_truth_mesh(subject.layout, name, dim), mesh

    metric = protocol.deciding
    is_higher_better = protocol.metrics[metric].higher_is_better
    name = f"evaluation_{subject.label}_{split}_{protocol.name}.png"
    path, renderer = subject.run.renders / name, build_renderer(config)
    draw_worst(rows, metric, is_higher_better, read, renderer, path)


def _open_evaluator(command: Job, run: Run) -> Callable[[Path], FieldEvaluator]:
    """Return a function that opens the field of a latent's file."""
    trained = load_run(command, run)

    def evaluator(path: Path) -> FieldEvaluator:
        return trained.evaluator(read_latent(path).to(trained.device))

    return evaluator


def _mirror(command: Job, run: Run, found: Mapping[str, Evaluated], epoch: int, step: int) -> None:
    """Log the means to metrics.jsonl and the dashboard."""
    logger = build_logger(command.config)
    logger.start(run.path, name=run.path.name, group="", config=command.raw)
    protocol = command.config.eval.protocol
    prefix = "" if protocol == "default" else f"{protocol}/"
    values = {
        f"{prefix}{split}/{metric}": entry["mean"]
        for split, one in found.items()
        for metric, entry in one.summary["metrics"].items()
        if entry["mean"] is not None
    }
    Tracker(run.path, logger).log(values, epoch=epoch, step=step)
    logger.finish(0)
