"""Metrics of the reconstructions of a run under a named protocol."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from inr.config.factories import (
    build_protocol,
    build_renderer,
    build_set_metrics,
)
from inr.config.fingerprint import fingerprint
from inr.config.job import Job
from inr.config.overrides import Overrides
from inr.config.schema import Config
from inr.data.layout import Layout, read_trained_split
from inr.metrics.pair import FieldEvaluator, Pair
from inr.metrics.protocol import Protocol
from inr.progress import show_progress
from inr.runs.directory import Run, find_run, run_argument
from inr.runs.finished import FinishedShapes
from inr.runs.ground_truth import (
    check_given,
    ground_truth_mesh,
    ground_truth_stamp,
    has_ground_truth,
    open_pair,
    warn_missing_ground_truth,
)
from inr.runs.pictures import draw_worst
from inr.runs.shape_folder import ShapeFolder
from inr.runs.trained import load_trained, work_in_run
from inr.shapes.mesh import Mesh, empty_mesh
from inr.stages.evaluate.generation import evaluate_generated
from inr.stages.evaluate.results import (
    Row,
    log_means,
    measure_row,
    mesh_resolution,
    record_settings,
    write_results,
)
from inr.stages.prepare.prepare import ensure_prepared
from inr.training.checkpoint import epoch_label, find_checkpoint, load_checkpoint

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SplitResult:
    """Result of evaluating one split.

    Args:
        protocol: name of the protocol.
        rows: one row per shape.
        summary: statistics over the shapes, the content of summary.json.
        table: the summary as text.
        settings: settings that the metrics depend on.
    """

    protocol: str
    rows: list[Row]
    summary: dict[str, Any]
    table: str
    settings: dict[str, Any]


@dataclass(frozen=True)
class _OpenRun:
    """Run at an epoch whose reconstructions are evaluated.

    Args:
        config: configuration of the run, with the overrides of the command line.
        overrides: overrides on the command line.
        run: run directory.
        layout: layout of its data set.
        label: folder name of the epoch.
        trained: names of the training shapes.
        evaluator: function from a latent to its field; None if no metric needs the field.
    """

    config: Config
    overrides: Overrides
    run: Run
    layout: Layout
    label: str
    trained: list[str]
    evaluator: Callable[[torch.Tensor], FieldEvaluator] | None

    def shapes(self, split: str) -> ShapeFolder:
        """Return the folder of the reconstructions of a split."""
        return ShapeFolder(self.run.reconstruction(self.label, split), self.config.data.dim)


def evaluate_run(job: Job, run: Run) -> dict[str, SplitResult]:
    """Evaluate the splits of a run, and return the result of each.

    Raises:
        ValueError: for wrong input, such as a split that is not reconstructed.
    """
    with work_in_run(job, run, "evaluate") as job:
        config = job.config
        path = find_checkpoint(run.checkpoints, config.epoch)
        checkpoint = load_checkpoint(path)
        progress, trained = checkpoint["progress"], list(checkpoint["latents"])
        epoch = int(progress["epoch"])
        layout = ensure_prepared(job)
        if build_set_metrics(config):
            found = {s: _evaluate_sets(config, run, layout, s, epoch) for s in job.splits}
        else:
            needs_field = build_protocol(config).needs_field
            evaluator = _open_evaluator(job, run) if needs_field else None
            opened = _OpenRun(
                config, job.overrides, run, layout, epoch_label(epoch), trained, evaluator
            )
            found = {split: _evaluate_split(opened, split, epoch) for split in job.splits}
        summaries = {split: one.summary for split, one in found.items()}
        log_means(job, run, summaries, epoch, int(progress["step"]))
    return found


def evaluate_one(job: Job) -> None:
    """Evaluate the splits of a run, and print the table of each."""
    found = evaluate_run(job, find_run(job.raw["run"]))
    print("\n" + "\n\n".join(one.table for one in found.values()), flush=True)


def _evaluate_sets(config: Config, run: Run, layout: Layout, split: str, epoch: int) -> SplitResult:
    summary, table = evaluate_generated(
        config, run, layout, label=epoch_label(epoch), split=split, epoch=epoch
    )
    return SplitResult(config.eval.protocol, [], summary, table, record_settings(config.eval))


def _evaluate_split(opened: _OpenRun, split: str, epoch: int) -> SplitResult:
    config, run = opened.config, opened.run
    names = read_trained_split(opened.layout, split, opened.trained)
    made = _reconstructed(opened, split, epoch)
    warn_missing_ground_truth(opened.layout, names, "they have no metrics")
    surface, dim = config.eval.ground_truth, config.data.dim
    if surface == "given":
        check_given(opened.layout, names, dim)
    protocol = build_protocol(config)
    folder = run.evaluation(opened.label, split, protocol.name)
    settings = record_settings(config.eval)
    finished = FinishedShapes(folder, settings, {"row": dict})
    if not config.overwrite:
        finished.check_settings()
    with finished:
        for name in show_progress(names, f"evaluate {split}", len(names)):
            stamp = ground_truth_stamp(opened.layout, name, dim, surface)
            of = [made.get(name, {}).get("time"), stamp]
            before = finished.shapes.get(name)
            # measured again if mesh or ground truth have changed since, or if it had no metrics
            is_finished = (
                before is not None
                and before["made"] == of
                and before["row"]["status"] in ("ok", "empty")
            )
            if config.overwrite or not is_finished:
                row = _evaluate_shape(opened, split, name, protocol, made.get(name))
                finished.add(name, {"row": row, "made": of})
    rows = [finished.shapes[name]["row"] for name in names]
    summary, table = write_results(
        rows,
        protocol,
        folder,
        settings=config.eval,
        about={
            "split": split,
            "epoch": epoch,
            "resolution": mesh_resolution(made, config.eval),
            "ground_truth": surface,
        },
        title=f"{split} split, epoch {epoch}",
    )
    _draw_worst(opened, split, rows, protocol)
    return SplitResult(protocol.name, rows, summary, table, settings)


def _reconstructed(opened: _OpenRun, split: str, epoch: int) -> dict[str, Any]:
    """Return the entries of shapes.json of the reconstructions of a split.

    Raises:
        ValueError: if there are none, or they were made with other settings than the overrides.
    """
    needed = fingerprint(opened.config, {"mesh"})
    asked = {key: value for key, value in needed.items() if opened.overrides(key)}
    finished = opened.shapes(split).finished(asked)
    finished.check_settings("stage=reconstruct with overwrite=true makes")
    if not finished.shapes:
        raise ValueError(
            f"the {split} split of epoch {epoch} is not reconstructed; run stage=reconstruct "
            f"{run_argument(opened.run.path)} split={split}"
        )
    return finished.shapes


def _evaluate_shape(
    opened: _OpenRun, split: str, name: str, protocol: Protocol, made: Mapping[str, Any] | None
) -> Row:
    """Return the row of a shape: its metrics, or why it has none."""
    shapes = opened.shapes(split)
    path = shapes.mesh(name)
    if made is None or (made["status"] == "ok" and not path.exists()):
        reason = "not reconstructed" if made is None else f"'{path}' no longer exists"
        return {"name": name, "status": "missing", "reason": reason, "seconds": 0.0}
    if not has_ground_truth(opened.layout, name):  # the warning was logged once for all shapes
        reason = "the data set has neither its mesh nor its surface points"
        return {"name": name, "status": "failed", "reason": reason, "seconds": made["seconds"]}
    settings = opened.config.eval
    num_parts = opened.config.num_parts

    def pair() -> Pair:
        return open_pair(
            shapes.read_mesh(name) if made["status"] == "ok" else empty_mesh(shapes.dim),
            opened.layout,
            name,
            ground_truth=settings.ground_truth,
            frame=settings.frame,
            num_points=settings.num_points,
            seed=settings.seed,
            evaluator=opened.evaluator(shapes.read_latent(name)) if opened.evaluator else None,
            parts=partial(shapes.read_parts, name, num_parts) if num_parts is not None else None,
        )

    return measure_row(name, protocol, pair, seconds=made["seconds"], reason=made["reason"])


def _draw_worst(opened: _OpenRun, split: str, rows: list[Row], protocol: Protocol) -> None:
    shapes = opened.shapes(split)
    surface = opened.config.eval.ground_truth

    def read(name: str) -> tuple[Mesh, Mesh]:
        ground_truth = ground_truth_mesh(opened.layout, name, shapes.dim, surface)
        return ground_truth, shapes.read_mesh(name)

    metric = protocol.ranking_metric
    is_higher_better = protocol.metrics[metric].higher_is_better
    name = f"evaluation_{opened.label}_{split}_{protocol.name}.png"
    path, renderer = opened.run.renders / name, build_renderer(opened.config)
    draw_worst(rows, metric, is_higher_better, read, renderer, path)


def _open_evaluator(job: Job, run: Run) -> Callable[[torch.Tensor], FieldEvaluator]:
    """Return a function that opens the field of a latent."""
    trained = load_trained(job, run)

    return lambda latent: trained.evaluator(latent.to(trained.device))
