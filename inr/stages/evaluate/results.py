"""What an evaluation leaves behind: one row a shape, a summary, a table for the terminal."""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from inr.metrics.pair import Pair
from inr.metrics.protocol import Protocol
from inr.metrics.settings import Eval
from inr.metrics.summary import format_table, summarise, write_csv, write_summary
from inr.stages.evaluate.published import changes, published_lines

log = logging.getLogger(__name__)

Row = dict[str, Any]


def record_settings(settings: Eval) -> dict[str, Any]:
    """Return what the numbers of a shape depend on, a flat key each."""
    found: dict[str, Any] = {
        key: getattr(settings, key) for key in ("num_points", "frame", "seed", "empty")
    }
    for name, metric in settings.metrics.items():
        found |= {f"metrics.{name}.{key.strip('_')}": value for key, value in metric.items()}
    return found


def made_at(made: Mapping[str, Any], settings: Eval) -> int | None:
    """Return the resolution that the meshes were extracted at; null if at several."""
    found = {entry["settings"].get("eval.resolution") for entry in made.values()}
    if found != {settings.resolution}:
        log.warning(
            "the meshes were extracted at resolution %s, where eval=%s has %d; stage=reconstruct "
            "eval=%s overwrite=true makes them so",
            " and ".join(map(str, sorted(found))),
            settings.protocol,
            settings.resolution,
            settings.protocol,
        )
    return found.pop() if len(found) == 1 else None


def measure_row(
    name: str, protocol: Protocol, open_pair: Callable[[], Pair], *, seconds: float, reason: str
) -> Row:
    """Return a shape's row: its metrics, or why it has none.

    Args:
        name: of the shape.
        protocol: measures.
        open_pair: reads both sides; its ValueError is the shape's failure, not the program's.
        seconds: taken before.
        reason: what is known of it before.
    """
    started = time.perf_counter()
    row: Row = {"name": name}
    try:
        pair = open_pair()
        values, reasons = protocol.evaluate(pair)
        # JSON has no NaN: what an empty shape has no value for is null
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
    """Write per_shape.csv and summary.json, and return the summary and a table of it.

    Args:
        rows: one a shape.
        protocol: measured them.
        folder: where the files go.
        settings: that the protocol was built from.
        about: what was evaluated: split and epoch, or the folders.
        title: what was evaluated, for the table.

    Raises:
        ValueError: if there is no such published data set.
    """
    clouds = [row["of_cloud"] for row in rows if "of_cloud" in row]
    if clouds and all(clouds):
        protocol = replace(protocol, conditions=replace(protocol.conditions, of_clouds=True))
    conditions, changed = protocol.conditions, changes(settings)
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
    log.info("one row a shape: %s", folder / "per_shape.csv")
    others = f", but for {', '.join(changed)}" if changed else ""
    head = (
        f"{title}\n{protocol.name} protocol{others}: {conditions.num_points} points a side, "
        f"{conditions.frame} frame, seed {settings.seed}"
    )
    table = format_table(summary) + _unmeasured(rows, protocol)
    measured = sum(row["status"] in ("ok", "empty") for row in rows)
    return summary, f"{head}\n{table}{published_lines(settings, measured)}"


def _unmeasured(rows: Sequence[Row], protocol: Protocol) -> str:
    """Return a line for each metric that some shapes lack, and why the first of them does."""
    lines = []
    for metric in protocol.metrics:
        without = [row for row in rows if metric in row.get("not_measured", {})]
        if without:
            first = without[0]
            why = first["not_measured"][metric]
            lines.append(f"\nno {metric} for {len(without)} of them ({first['name']}: {why})")
    return "".join(lines)
