"""Statistics of metrics over shapes, and their files and table."""

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from inr.data.layout import write_json
from inr.files import replacing
from inr.metrics.base import FLOOR, MetricInfo

STATUSES = ("ok", "empty", "missing", "failed")
_NOT_METRICS = ("name", "status", "reason", "seconds", "not_measured", "of_cloud")

Row = Mapping[str, Any]


def summarise(rows: Sequence[Row], infos: Mapping[str, MetricInfo]) -> dict[str, Any]:
    """Return the statistics of each metric over the shapes.

    Rows of missing or failed shapes and values that are not finite are left out; `count` is the
    number of remaining values. If it is 0, the statistics are None.

    Args:
        rows: one row per shape: `name`, `status` (ok, empty, missing or failed) and metrics.
        infos: unit and definition of the metrics to summarise, in order of display.

    Returns:
        num_shapes (all rows), num_empty, num_missing, num_failed, seconds (total), and metrics:
        for each name mean, median, min, max, std (of the population), count, unit, definition,
        and floor, the mean of its sampling floor (None if it has none).

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
    metrics = {
        metric: {
            **_statistics(_values(measured, metric)),
            "floor": _statistics(_values(_rows_with(measured, metric), metric + FLOOR))["mean"],
            "unit": info.unit,
            "definition": info.definition,
        }
        for metric, info in infos.items()
    }
    count = {status: sum(row["status"] == status for row in rows) for status in STATUSES}
    return {
        "num_shapes": len(rows),
        "num_empty": count["empty"],
        "num_missing": count["missing"],
        "num_failed": count["failed"],
        "seconds": round(sum(row.get("seconds", 0.0) for row in rows), 3),
        "metrics": metrics,
    }


def _rows_with(rows: Sequence[Row], metric: str) -> list[Row]:
    """Return the rows with a finite value of a metric, so that its floor has the same shapes."""
    return [row for row in rows if row.get(metric) is not None and math.isfinite(row[metric])]


def _values(rows: Sequence[Row], metric: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the finite values of a metric, which rows may lack or have as None."""
    values = np.array([row.get(metric, math.nan) for row in rows], dtype=np.float64)
    return values[np.isfinite(values)]


def _statistics(values: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, float | int | None]:
    has_values = len(values) > 0
    return {
        "mean": float(values.mean()) if has_values else None,
        "median": float(np.median(values)) if has_values else None,
        "min": float(values.min()) if has_values else None,
        "max": float(values.max()) if has_values else None,
        "std": float(values.std()) if has_values else None,
        "count": len(values),
    }


def write_csv(rows: Sequence[Row], path: Path) -> None:
    """Write one line per shape: name, metrics, status, reason, seconds.

    The metrics of all rows are columns, in order of appearance; missing and NaN values are empty
    cells. The file is written atomically.
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
    summary: Mapping[str, Any], path: Path, *, protocol: str, about: Mapping[str, Any]
) -> None:
    """Write the result of `summarise` as strict JSON, atomically.

    Args:
        summary: result of `summarise`.
        path: path of the file.
        protocol: name of the protocol.
        about: further entries that describe what was evaluated.
    """
    write_json({"protocol": protocol, **about, **summary}, path)


def format_table(summary: Mapping[str, Any]) -> str:
    """Return the result of `summarise` as a table, each sampling floor next to its metric."""
    metrics = summary["metrics"]
    lines = [("metric", "n", "mean", "median", "std", "floor", "unit")]
    for name, entry in metrics.items():
        if name.endswith(FLOOR) and name.removesuffix(FLOOR) in metrics:
            continue
        numbers = [format_number(entry[key]) for key in ("mean", "median", "std", "floor")]
        lines.append((name, str(entry["count"]), *numbers, entry["unit"]))
    table = align(lines)
    table.append(
        f"{summary['num_shapes']} shapes: {summary['num_empty']} empty, "
        f"{summary['num_missing']} missing, {summary['num_failed']} failed"
    )
    return "\n".join(table)


def align(lines: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells as lines, with the first and last column left-aligned."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    last = len(widths) - 1
    return [
        "  ".join(
            cell if i == last else cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    ]


def format_number(value: float | None) -> str:
    """Return a number with four significant digits, a dash for None."""
    return "-" if value is None else f"{value:.4g}"
