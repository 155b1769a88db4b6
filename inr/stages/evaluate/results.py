"""Results of an evaluation: one row per shape, a summary, and a table for the terminal."""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from inr.config.factories import build_logger
from inr.config.job import Job
from inr.metrics.pair import Pair
from inr.metrics.protocol import Protocol
from inr.metrics.settings import Eval
from inr.metrics.summary import format_table, summarise, write_csv, write_summary
from inr.runs.directory import Run
from inr.settings import Role, keys_with
from inr.stages.evaluate.published import changed_keys, published_lines
from inr.training.tracking import Tracker

log = logging.getLogger(__name__)

Row = dict[str, Any]


def record_settings(settings: Eval) -> dict[str, Any]:
    """Return the settings that the metrics of a shape depend on, by dotted key."""
    keys = keys_with(Eval, Role.AFFECTS_METRICS)
    found: dict[str, Any] = {key: getattr(settings, key) for key in keys}
    for name, metric in settings.metrics.items():
        found |= {f"metrics.{name}.{key.strip('_')}": value for key, value in metric.items()}
    return found


def mesh_resolution(made: Mapping[str, Any], settings: Eval) -> int | None:
    """Return the resolution at which the meshes were extracted; None if there are several.

    Args:
        made: entries of shapes.json of the reconstruction, by name.
        settings: settings of the evaluation.
    """
    found = {entry["settings"].get("eval.resolution") for entry in made.values()}
    if found != {settings.resolution}:
        log.warning(
            "the meshes were extracted at resolution %s, but eval=%s has %d; stage=reconstruct "
            "eval=%s overwrite=true extracts them at that resolution",
            " and ".join(map(str, sorted(found))),
            settings.protocol,
            settings.resolution,
            settings.protocol,
        )
    return found.pop() if len(found) == 1 else None


def measure_row(
    name: str, protocol: Protocol, open_pair: Callable[[], Pair], *, seconds: float, reason: str
) -> Row:
    """Return the row of a shape: its metrics, or why it has none.

    Args:
        name: name of the shape.
        protocol: protocol that measures it.
        open_pair: function that reads the pair; if it raises ValueError, the row is `failed`.
        seconds: time that the shape has taken so far.
        reason: remark on the reconstruction, for the column `reason`.
    """
    started = time.perf_counter()
    row: Row = {"name": name}
    try:
        pair = open_pair()
        values, reasons = protocol.evaluate(pair)
        # JSON has no NaN: a missing value is null
        row |= {key: v if math.isfinite(v) else None for key, v in values.items()}
        said = [text for text in (reason, pair.note) if text]
        said += [f"{metric}: {why}" for metric, why in reasons.items()]
        row["status"] = "empty" if pair.reconstruction.is_empty else "ok"
        row["reason"] = "; ".join(said)
        row["not_measured"] = reasons
        row["of_cloud"] = pair.ground_truth.mesh is None
    except ValueError as error:
        row |= {"status": "failed", "reason": str(error)}
        log.warning("%s: %s", name, error)
    row["seconds"] = round(time.perf_counter() - started + seconds, 3)
    return row


def write_results(
    rows: Sequence[Row],
    protocol: Protocol,
    folder: Path,
    *,
    settings: Eval,
    about: Mapping[str, Any],
    title: str,
) -> tuple[dict[str, Any], str]:
    """Write per_shape.csv and summary.json, and return the summary and a table.

    Args:
        rows: one row per shape.
        protocol: protocol that measured them.
        folder: folder of the files.
        settings: settings that the protocol was built from.
        about: entries of summary.json that describe what was evaluated.
        title: description of what was evaluated, for the table.

    Raises:
        ValueError: if eval.dataset is not in the table of published numbers.
    """
    clouds = [row["of_cloud"] for row in rows if "of_cloud" in row]
    if clouds and all(clouds):
        protocol = replace(protocol, conditions=replace(protocol.conditions, of_clouds=True))
    conditions, changed = protocol.conditions, changed_keys(settings)
    about = {
        **about,
        "frame": conditions.frame,
        "num_points": conditions.num_points,
        "seed": settings.seed,
        "empty": conditions.empty,
        "changed": changed,
    }
    summary = summarise(rows, protocol.infos())
    write_csv(rows, folder / "per_shape.csv")
    write_summary(summary, folder / "summary.json", protocol=protocol.name, about=about)
    log.info("one row per shape: %s", folder / "per_shape.csv")
    others = f", except for {', '.join(changed)}" if changed else ""
    head = (
        f"{title}\n{protocol.name} protocol{others}: {conditions.num_points} points per surface, "
        f"{conditions.frame} frame, seed {settings.seed}"
    )
    table = format_table(summary) + _unmeasured(rows, protocol)
    measured = sum(row["status"] in ("ok", "empty") for row in rows)
    return summary, f"{head}\n{table}{published_lines(settings, measured)}"


def _unmeasured(rows: Sequence[Row], protocol: Protocol) -> str:
    """Return a line for each metric that some shapes lack, with the reason of the first of them."""
    lines = []
    for metric in protocol.metrics:
        without = [row for row in rows if metric in row.get("not_measured", {})]
        if without:
            first = without[0]
            why = first["not_measured"][metric]
            lines.append(f"\nno {metric} for {len(without)} of them ({first['name']}: {why})")
    return "".join(lines)


def log_means(
    job: Job, run: Run, summaries: Mapping[str, Mapping[str, Any]], epoch: int, step: int
) -> None:
    """Log the means of each split to metrics.jsonl and the dashboard."""
    logger = build_logger(job.config)
    logger.start(run.path, name=run.path.name, group="", config=job.raw)
    protocol = job.config.eval.protocol
    prefix = "" if protocol == "default" else f"{protocol}/"
    values = {
        f"{prefix}{split}/{metric}": entry["mean"]
        for split, summary in summaries.items()
        for metric, entry in summary["metrics"].items()
        if entry["mean"] is not None
    }
    Tracker(run.path, logger).log(values, epoch=epoch, step=step)
    logger.finish(0)
