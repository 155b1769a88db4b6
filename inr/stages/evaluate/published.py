"""Published numbers of the same protocol and data set, for comparison."""

from pathlib import Path
from typing import Any

import yaml

from inr.config.compose import CONF
from inr.metrics.published import matching, read_table
from inr.metrics.settings import Eval
from inr.metrics.summary import align, format_number
from inr.settings import Role, keys_with


def published_lines(settings: Eval, num_shapes: int) -> str:
    """Return lines of published numbers for below a table, or why there are none.

    Args:
        settings: settings of the evaluation.
        num_shapes: number of shapes that were measured.
    """
    dataset, protocol = settings.dataset, settings.protocol
    if dataset is None:
        return ""
    entries = [entry for entry in read_table() if entry.data == dataset]
    found = matching(entries, data=dataset, protocol=protocol, num_shapes=num_shapes)
    changed = changed_keys(settings)
    if changed:
        return f"\nno comparable published numbers: {', '.join(changed)} differs from {protocol}"
    if not found:
        have = "; ".join(
            sorted({f"protocol {entry.protocol}, {entry.num_shapes} shapes" for entry in entries})
        )
        return (
            f"\nno comparable published numbers of {dataset}: this is protocol {protocol}, "
            f"{num_shapes} shapes; there are {have}"
        )
    lines = [["published", "metric", "mean", "median", "source"]]
    for entry in found:
        for metric, value in entry.metrics.items():
            numbers = [format_number(value.get(key)) for key in ("mean", "median")]
            lines.append([entry.method, metric, *numbers, entry.source])
    return "\n" + "\n".join(align(lines))


def changed_keys(settings: Eval) -> list[str]:
    """Return the settings that differ from the protocol of that name in conf/eval."""
    if not _path(settings.protocol).exists():
        return []
    theirs = _shipped(settings.protocol)
    # papers do not give seeds
    keys = [key for key in keys_with(Eval, Role.AFFECTS_METRICS) if key != "seed"]
    found = [f"eval.{key}" for key in keys if getattr(settings, key) != theirs[key]]
    mine, theirs = settings.metrics, theirs["metrics"]
    names = [name for name in {**theirs, **mine} if mine.get(name) != theirs.get(name)]
    return [*found, *(f"eval.metrics.{name}" for name in names)]


def _shipped(protocol: str) -> dict[str, Any]:
    """Return the settings of a protocol in conf/eval, including those of its defaults list."""
    own = yaml.safe_load(_path(protocol).read_text(encoding="utf-8"))
    below = [_shipped(name) for name in own.pop("defaults", []) if name != "_self_"]
    whole: dict[str, Any] = {"metrics": {}}
    for part in (*below, own):
        whole = whole | part | {"metrics": whole["metrics"] | part["metrics"]}
    return whole


def _path(protocol: str) -> Path:
    return CONF / "eval" / f"{protocol}.yaml"
