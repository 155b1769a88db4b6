"""Table of published numbers, for comparison with results of the same protocol and data."""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from inr.hints import nearest

# the metrics that papers report under each protocol
METRICS: Mapping[str, tuple[str, ...]] = {
    "deepsdf": ("chamfer_l2", "mesh_accuracy", "emd"),
    "base_inr": ("chamfer_l2", "iou"),
    "partsdf": ("chamfer_l2", "iou"),
    "occnet": (
        "chamfer_l1",
        "chamfer_l2",
        "normal_consistency",
        "f_score",
        "f_score_15",
        "f_score_20",
        "iou",
    ),
    "srb": ("chamfer_l1", "hausdorff", "scan_to_reconstruction", "scan_to_reconstruction_max"),
    "vecset": ("chamfer_l1", "f_score", "iou"),
}
STATISTICS = ("mean", "median")
TABLE = Path(__file__).with_name("published.yaml")


@dataclass(frozen=True)
class Published:
    """Numbers that one source reports for one method on one set of shapes.

    Args:
        data: name of the set of shapes and of their input, snake_case.
        num_shapes: number of shapes; None if the paper does not state it.
        description: description of the data, one line.
        protocol: protocol of the definitions and units, one of `METRICS`.
        method: name of the method.
        source: publication of the numbers, one line.
        metrics: metric name to statistic (mean, median) to value.
    """

    data: str
    num_shapes: int | None
    description: str
    protocol: str
    method: str
    source: str
    metrics: Mapping[str, Mapping[str, float]]


def read_published(path: Path) -> list[Published]:
    """Read a table of published numbers, a YAML list of entries as in `Published`.

    Raises:
        ValueError: if the file is not such a list, or an entry lacks a key, has an unknown key or
            an invalid value, or repeats another; the message names the entry.
        OSError: if the file cannot be read.
    """
    try:
        items = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(items, list) or not items:
        raise ValueError(f"{path} must be a list of entries, '- data: ...'")
    entries: list[Published] = []
    seen: dict[tuple[str, ...], int] = {}
    for number, item in enumerate(items, start=1):
        label = f"entry {number} of {path.name}"
        if isinstance(item, dict):
            label += f" ({item.get('method')} on {item.get('data')})"
        entry = _parse(item, label)
        key = (entry.data, entry.protocol, entry.method, entry.source)
        if key in seen:
            raise ValueError(
                f"{label} repeats entry {seen[key]}: same data, protocol, method and source; "
                "keep one with all its metrics"
            )
        seen[key] = number
        entries.append(entry)
    return entries


def matching(
    entries: Sequence[Published], *, data: str, protocol: str, num_shapes: int
) -> list[Published]:
    """Return the entries that are comparable with a result, in the order of the table.

    They have the same data and protocol and, if the number of shapes is known, the same number.

    Args:
        entries: table of published numbers.
        data: name of the set of shapes of the result.
        protocol: protocol of the result.
        num_shapes: number of shapes of the result.

    Raises:
        ValueError: if no entry has that data, naming the nearest known one.
    """
    _check_known(data, {entry.data for entry in entries}, "data", "published numbers")
    return [
        entry
        for entry in entries
        if entry.data == data
        and entry.protocol == protocol
        and entry.num_shapes in (None, num_shapes)
    ]


def _parse(item: Any, label: str) -> Published:
    """Check one entry of the file."""
    keys = [field.name for field in fields(Published)]
    if not isinstance(item, dict):
        raise ValueError(f"{label} is {item!r}; it must have the keys {', '.join(keys)}")
    for key in item:
        _check_known(key, keys, "key", label)
    missing = [key for key in keys if key not in item]
    if missing:
        raise ValueError(f"{label} lacks {', '.join(missing)}")
    for key in ("data", "description", "protocol", "method", "source"):
        value = item[key]
        if not isinstance(value, str) or not value.strip() or "\n" in value.strip():
            raise ValueError(f"{label} has {key} {value!r}; it must be one line of text")
    if not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", item["data"]):
        raise ValueError(
            f"{label} has data '{item['data']}'; it must be snake_case, such as "
            "shapenet_v2_chair_deepsdf_test"
        )
    _check_known(item["protocol"], METRICS, "protocol", label)
    count = item["num_shapes"]
    if count is not None and (type(count) is not int or count < 1):
        raise ValueError(f"{label} has num_shapes {count!r}; it must be a positive number or null")
    metrics = _parse_metrics(item["metrics"], METRICS[item["protocol"]], label)
    return Published(**{**item, "metrics": metrics})


def _parse_metrics(metrics: Any, known: Collection[str], label: str) -> dict[str, dict[str, float]]:
    """Check the numbers of one entry."""
    if not isinstance(metrics, dict) or not metrics:
        raise ValueError(
            f"{label} has metrics {metrics!r}; it must map names to statistics, such as "
            f"{next(iter(known))}: {{mean: 0.2}}"
        )
    parsed: dict[str, dict[str, float]] = {}
    for name, statistics in metrics.items():
        _check_known(name, known, "metric", label)
        if not isinstance(statistics, dict) or not statistics:
            raise ValueError(f"{label} has {name}: {statistics!r}; it must be like {{mean: 0.2}}")
        for statistic, value in statistics.items():
            _check_known(statistic, STATISTICS, "statistic", f"{label}, {name}")
            if type(value) not in (int, float) or not math.isfinite(value) or value < 0:
                raise ValueError(
                    f"{label} has {name} {statistic} {value!r}; it must be a number, 0 or more"
                )
        parsed[name] = {statistic: float(value) for statistic, value in statistics.items()}
    return parsed


def _check_known(given: Any, known: Collection[str], kind: str, where: str) -> None:
    """Raise ValueError unless a name is known, naming the nearest known one."""
    if given in known:
        return
    raise ValueError(f"{where}: unknown {kind} '{given}'; {nearest(str(given), known)}")


def read_table() -> list[Published]:
    """Return the published numbers that come with the package."""
    return read_published(TABLE)


def check_dataset(dataset: str | None) -> None:
    """Check that there are published numbers on a data set.

    Raises:
        ValueError: if there are none, naming the nearest known data set.
    """
    if dataset is not None:
        known = {entry.data for entry in read_table()}
        if dataset not in known:
            raise ValueError(f"eval.dataset is '{dataset}': {nearest(dataset, known)}")
