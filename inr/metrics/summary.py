"""One row of metrics a shape: its statistics, its files and its table."""

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from inr.data.layout import write_json
from inr.metrics.protocol import FLOOR, MetricInfo
from inr.shapes.files import replacing

STATUSES = ("ok", "empty", "missing", "failed")
_NOT_METRICS = ("name", "status", "reason", "seconds")

Row = Mapping[str, Any]


def summarise(rows: Sequence[Row], infos: Mapping[str, MetricInfo]) -> dict[str, Any]:
    """Take the statistics of each metric over the shapes.

    Rows that are missing or failed are left out, and so are values that are NaN or infinite;
    `count` says how many values are left. Where none is, the statistics are None.

    Args:
        rows: one for each shape: `name`, `status` (ok, empty, missing or failed) and metrics.
        infos: the metrics to summarise, in order of display.

    Returns:
        num_shapes (all rows), num_empty, num_missing, num_failed, and metrics: for each name
        mean, median, min, max, std (of the population), count, unit and definition.

    Raises:
        ValueError: if a row has another status.
    """
    for row in rows:
        if row["status"] not in STATUSES:
            raise ValueError(
                f"shape '{row['name']}' has status '{row['status']}'; "
                f"it must be one of {', '.join(STATUSES)}"
            )
    measured = [row for row in rows if row["status"] in ("ok", "empty")]
    metrics = {}
    for metric, info in infos.items():
        values = np.array([row.get(metric, math.nan) for row in measured], dtype=np.float64)
        metrics[metric] = {
            **_statistics(values[np.isfinite(values)]),
            "unit": info.unit,
            "definition": info.definition,
        }
    count = {status: sum(row["status"] == status for row in rows) for status in STATUSES}
    return {
        "num_shapes": len(rows),
        "num_empty": count["empty"],
        "num_missing": count["missing"],
        "num_failed": count["failed"],
        "metrics": metrics,
    }


def _statistics(values: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, float | int | None]:
    some = len(values) > 0
    return {
        "mean": float(values.mean()) if some else None,
        "median": float(np.median(values)) if some else None,
        "min": float(values.min()) if some else None,
        "max": float(values.max()) if some else None,
        "std": float(values.std()) if some else None,
        "count": len(values),
    }


def write_csv(rows: Sequence[Row], path: Path) -> None:
    """Write one line a shape: name, metrics, status, reason, seconds.

    The metrics are those of any row, in order of appearance; what a row lacks and what is NaN
    is an empty cell. The file appears whole or not at all.
    """
    metrics = list(dict.fromkeys(key for row in rows for key in row if key not in _NOT_METRICS))
    with (
        replacing(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        columns = ["name", *metrics, "status", "reason", "seconds"]
        writer.writerow(columns)
        writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)


def _cell(value: object) -> object:
    missing = value is None or (isinstance(value, float) and math.isnan(value))
    return "" if missing else value


def write_summary(
    summary: Mapping[str, Any], path: Path, *, protocol: str, split: str, epoch: int
) -> None:
    """Write what `summarise` gave, under what was evaluated, as strict JSON.

    The file appears whole or not at all.
    """
    document = {"protocol": protocol, "split": split, "epoch": epoch, **summary}
    write_json(document, path)


def format_table(summary: Mapping[str, Any]) -> str:
    """Lay out what `summarise` gave for a terminal, each sampling floor beside its metric."""
    metrics = summary["metrics"]
    lines = [("metric", "mean", "median", "floor", "unit")]
    for name, entry in metrics.items():
        if name.endswith(FLOOR) and name.removesuffix(FLOOR) in metrics:
            continue
        floor = metrics.get(name + FLOOR, {}).get("mean")
        numbers = (_number(entry["mean"]), _number(entry["median"]), _number(floor))
        lines.append((name, *numbers, entry["unit"]))
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    table = [
        "  ".join(
            [line[0].ljust(widths[0]), *(line[i].rjust(widths[i]) for i in (1, 2, 3)), line[4]]
        )
        for line in lines
    ]
    table.append(
        f"{summary['num_shapes']} shapes: {summary['num_empty']} empty, "
        f"{summary['num_missing']} missing, {summary['num_failed']} failed"
    )
    return "\n".join(table)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
