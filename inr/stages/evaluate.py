"""Metrics of reconstructed shapes: a row a shape, a summary, a table."""

import logging
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inr.data.layout import Layout, read_split
from inr.metrics.protocol import metric_infos
from inr.metrics.summary import format_table, summarise, write_csv, write_summary
from inr.run import Run, find_run, log_to, next_log
from inr.schema import Config
from inr.shapes.mesh import empty_mesh, mesh_suffix, read_mesh
from inr.stages.assemble import build_logger
from inr.stages.command import Command, merge_with_run
from inr.stages.prepare import ensure_prepared
from inr.stages.progress import show_progress
from inr.stages.record import Record
from inr.stages.truth import has_only_points, measure
from inr.training.checkpoint import epoch_label, find_checkpoint, load_checkpoint
from inr.training.tracking import Tracker

log = logging.getLogger(__name__)

Row = dict[str, Any]


def evaluate(command: Command) -> None:
    """Run the stage, and print each split's table.

    Raises:
        ValueError: for wrong input, a split that was not reconstructed among it.
    """
    run = find_run(command.raw["run"])
    command = merge_with_run(command, run.config(), run.path)
    config = command.config
    with run.lock(), log_to(next_log(run, "evaluate")):
        path = find_checkpoint(run.checkpoints, config.epoch)
        progress = load_checkpoint(path)["progress"]
        layout = ensure_prepared(command)
        tables = []
        summaries = {}
        for split in command.splits:
            summary = _evaluate_split(
                config, command.overrides, run, layout, split, int(progress["epoch"])
            )
            summaries[split] = summary
            tables.append(f"{split} split, epoch {progress['epoch']}\n{format_table(summary)}")
        _mirror(command, run, summaries, int(progress["epoch"]), int(progress["step"]))
    print("\n" + "\n\n".join(tables), flush=True)


def _evaluate_split(
    config: Config, overrides: list[str], run: Run, layout: Layout, split: str, epoch: int
) -> dict[str, Any]:
    names = read_split(layout, split)
    label = epoch_label(epoch)
    asked = {
        f"eval.{key}": getattr(config.eval, key)
        for key in ("resolution", "coarse_to_fine")
        if any(override.startswith(f"eval.{key}=") for override in overrides)
    }
    reconstructed = Record(run.reconstruction(label, split), asked)
    reconstructed.check_settings("stage=reconstruct with overwrite=true makes")
    made = reconstructed.shapes
    if not made:
        raise ValueError(
            f"the {split} split of epoch {epoch} is not reconstructed; run stage=reconstruct "
            f"run={run.path} split={split}"
        )
    settings: dict[str, Any] = {
        "num_points": config.eval.num_points,
        "iou_resolution": config.eval.iou_resolution,
        "frame": config.eval.frame,
    }
    threshold = config.eval.f_score_threshold
    folder = run.evaluation(label, split)
    record = Record(folder, {**settings, "f_score_threshold": threshold, "seed": config.eval.seed})
    if not config.overwrite:
        record.check_settings()
    for name in show_progress(names, f"evaluate {split}", len(names)):
        time_made = made.get(name, {}).get("time")
        finished = record.shapes.get(name)
        # one that was reconstructed anew since, and one that had no metrics, is not finished
        is_finished = (
            finished is not None
            and finished["made"] == time_made
            and finished["row"]["status"] in ("ok", "empty")
        )
        if config.overwrite or not is_finished:
            mesh = (
                run.reconstruction(label, split)
                / "meshes"
                / (f"{name}{mesh_suffix(config.data.dim)}")
            )
            row = _evaluate_shape(config, name, mesh, layout, made.get(name))
            record.add(name, {"row": row, "made": time_made})
    rows = [record.shapes[name]["row"] for name in names]
    of_clouds = all(has_only_points(layout, name) for name in names)
    infos = metric_infos(**settings, f_score_threshold=threshold, of_clouds=of_clouds)
    summary = summarise(rows, infos)
    write_csv(rows, folder / "per_shape.csv")
    write_summary(
        summary, folder / "summary.json", protocol=config.eval.protocol, split=split, epoch=epoch
    )
    log.info("one row a shape: %s", folder / "per_shape.csv")
    return summary


def _evaluate_shape(
    config: Config, name: str, path: Path, layout: Layout, made: Mapping[str, Any] | None
) -> Row:
    """Return a shape's row: its metrics, or why it has none."""
    started = time.perf_counter()
    row: Row = {"name": name}
    if made is None or (made["status"] == "ok" and not path.exists()):
        reason = "not reconstructed" if made is None else f"'{path}' is gone"
        return {**row, "status": "missing", "reason": reason, "seconds": 0.0}
    dim = config.data.dim
    try:
        mesh = read_mesh(path) if made["status"] == "ok" else empty_mesh(dim)
        settings = config.eval
        metrics = measure(
            mesh,
            layout,
            name,
            frame=settings.frame,
            num_points=settings.num_points,
            iou_resolution=settings.iou_resolution,
            f_score_threshold=settings.f_score_threshold,
            seed=settings.seed,
        )
        # JSON has no NaN: what an empty shape has no value for is null
        row |= {key: v if math.isfinite(v) else None for key, v in metrics.items()}
        row |= {"status": made["status"], "reason": made["reason"]}
    except ValueError as error:
        row |= {"status": "failed", "reason": str(error)}
        log.warning("%s: %s", name, error)
    row["seconds"] = round(time.perf_counter() - started + made["seconds"], 3)
    return row


def _mirror(
    command: Command, run: Run, summaries: Mapping[str, dict[str, Any]], epoch: int, step: int
) -> None:
    """Log the means to metrics.jsonl and the dashboard."""
    logger = build_logger(command.config)
    logger.start(run.path, name=run.path.name, group="", config=command.raw)
    values = {
        f"{split}/{metric}": entry["mean"]
        for split, summary in summaries.items()
        for metric, entry in summary["metrics"].items()
        if entry["mean"] is not None
    }
    Tracker(run.path, logger).log(values, epoch=epoch, step=step)
    logger.finish(0)
