"""Metrics over several runs, and the difference between two groups of runs."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from inr.config.fingerprint import value_of
from inr.config.job import Job, merge_with_run
from inr.data.layout import write_json
from inr.metrics.base import FLOOR
from inr.metrics.run_statistics import (
    CONFIDENCE,
    NUM_RESAMPLES,
    Difference,
    over_runs,
    paired_difference,
)
from inr.metrics.summary import align, format_number, write_csv
from inr.runs.directory import Run, find_run, new_run_path
from inr.stages.evaluate.results import Row, record_settings
from inr.stages.evaluate.run import SplitResult, evaluate_run

log = logging.getLogger(__name__)

# with fewer shapes a bootstrap interval is too narrow
FEW_SHAPES = 20


def compare_runs(job: Job) -> None:
    """Evaluate the runs that are not evaluated yet, and summarise all of them for each split.

    Raises:
        ValueError: for wrong input, such as runs that were measured under different protocols.
    """
    runs = find_runs(job.raw["runs"], "runs")
    against = find_runs(job.raw["against"], "against") if job.raw["against"] else []
    both = [run for run in runs if run.path.resolve() in {a.path.resolve() for a in against}]
    if both:
        raise ValueError(f"'{both[0].path}' is in both runs and against; leave it out of one")
    _check_comparable(job, [*runs, *against])
    found = [evaluate_run(job, run) for run in runs]
    others = [evaluate_run(job, run) for run in against]
    folder = job.folder or new_run_path("comparison")
    tables = []
    # without split= on the command line, each run has its own splits
    for split in [s for s in found[0] if all(s in one for one in (*found, *others))]:
        first = dict(zip((run.path for run in runs), [one[split] for one in found], strict=True))
        second = dict(
            zip((run.path for run in against), [one[split] for one in others], strict=True)
        )
        tables.append(_write(job, folder / split, split, first, second))
    if not tables:
        raise ValueError(
            "the runs have no split in common; add split=<split>, for example split=test"
        )
    print("\n" + "\n\n".join(tables) + f"\n\nfiles: {folder}", flush=True)


def find_runs(given: Any, key: str) -> list[Run]:
    """Return the runs of a list of run directories; the folder of a sweep stands for all its runs.

    Args:
        given: one path, or a list of them.
        key: key that the user set, for messages.

    Raises:
        ValueError: if a path is not a run, or a run is named twice.
    """
    items = [given] if isinstance(given, str) else list(given)
    found: list[Run] = []
    for item in items:
        jobs = sorted(Path(str(item)).glob("*/config.yaml"))
        is_sweep = jobs and not (Path(str(item)) / "config.yaml").exists()
        found += [Run(path.parent) for path in jobs] if is_sweep else [find_run(str(item), key)]
    where = [run.path.resolve() for run in found]
    twice = [path for path in where if where.count(path) > 1]
    if twice:
        raise ValueError(f"{key} names '{twice[0]}' twice; give each run once")
    return found


def _write(
    job: Job,
    folder: Path,
    split: str,
    first: Mapping[Path, SplitResult],
    second: Mapping[Path, SplitResult],
) -> str:
    """Write per_shape.csv and summary.json of one split, and return its table."""
    one = next(iter(first.values()))
    metrics = {
        metric: {
            "runs": _group(metric, first),
            "against": _group(metric, second) if second else None,
            "difference": _difference(metric, first, second),
            "unit": entry["unit"],
            "definition": entry["definition"],
        }
        for metric, entry in one.summary["metrics"].items()
        if not metric.endswith(FLOOR)
    }
    document = {
        "protocol": one.protocol,
        "split": split,
        "runs": [str(path) for path in first],
        "against": [str(path) for path in second],
        "confidence": CONFIDENCE,
        "num_resamples": NUM_RESAMPLES,
        "settings": one.settings,
        "metrics": metrics,
    }
    write_json(document, folder / "summary.json")
    rows: list[Row] = [
        {"name": row["name"], "run": path.name, **row}
        for path, found in (*first.items(), *second.items())
        for row in found.rows
    ]
    write_csv(rows, folder / "per_shape.csv")
    return _table(split, one.protocol, len(first), len(second), metrics)


def _check_comparable(job: Job, runs: Sequence[Run]) -> None:
    """Check that all runs would be measured alike, before anything is evaluated."""
    (path, one), *others = [
        (run.path, merge_with_run(job, run.config(), run.path).config) for run in runs
    ]
    mine = {"protocol": one.eval.protocol, **record_settings(one.eval)}
    for other_path, other in others:
        theirs = {"protocol": other.eval.protocol, **record_settings(other.eval)}
        for key in mine.keys() | theirs.keys():
            if mine.get(key) != theirs.get(key):
                raise ValueError(
                    f"'{path}' would be measured with eval.{key}={mine.get(key)}, '{other_path}' "
                    f"with {theirs.get(key)}; add eval=<protocol> overwrite=true to measure all of "
                    "them in the same way"
                )
        for key in ("eval.resolution", "data.source", "data.family", "data.seed"):
            values = [value_of(config, key) for config in (one, other)]
            if values[0] != values[1]:
                log.warning("'%s' and '%s' differ in %s: %s and %s", path, other_path, key, *values)


def _group(metric: str, found: Mapping[Path, SplitResult]) -> dict[str, Any]:
    """Return a metric's mean and standard deviation over a group of runs, and each run's mean.

    Only shapes with a value in every run of the group are included.
    """
    values = [_values(metric, one.rows) for one in found.values()]
    common = set.intersection(*(set(run) for run in values))
    count = {"num_shapes": len(common), "num_left_out": len(set().union(*values)) - len(common)}
    if not common:
        return {"mean": None, "std": None, "num_runs": 0, "means": [], **count}
    means = [sum(run[name] for name in sorted(common)) / len(common) for run in values]
    over = over_runs(means)
    spread = {"mean": over.mean, "std": over.std, "num_runs": over.num_runs, "means": means}
    return {**spread, **count}


def _difference(
    metric: str, first: Mapping[Path, SplitResult], second: Mapping[Path, SplitResult]
) -> dict[str, Any] | None:
    if not second:
        return None
    groups = [[_values(metric, one.rows) for one in group.values()] for group in (first, second)]
    if not set.intersection(*(set(run) for group in groups for run in group)):
        log.warning("no shape has a value of %s in all runs: its difference is left out", metric)
        return None
    found: Difference = paired_difference(*groups)
    return {
        "mean": found.mean,
        "lower": found.lower,
        "upper": found.upper,
        "num_shapes": found.num_shapes,
        "num_left_out": found.num_left_out,
    }


def _values(metric: str, rows: Sequence[Row]) -> dict[str, float]:
    return {row["name"]: row[metric] for row in rows if row.get(metric) is not None}


def _table(
    split: str, protocol: str, num_runs: int, num_against: int, metrics: Mapping[str, Any]
) -> str:
    head = f"{split} split, {protocol} protocol: mean and standard deviation over {num_runs} runs"
    columns = ["metric", "runs"]
    if num_against:
        head += f", against {num_against}"
        columns += ["against", "difference", f"{CONFIDENCE:.0%} interval"]
    lines = [[*columns, "unit"]]
    for metric, entry in metrics.items():
        cells = [metric, _spread(entry["runs"])]
        if num_against:
            gap = entry["difference"]
            cells += [_spread(entry["against"]), "-", "-"]
            if gap is not None:
                ends = (format_number(gap["lower"]), format_number(gap["upper"]))
                cells[3:] = [format_number(gap["mean"]), f"[{ends[0]}, {ends[1]}]"]
        lines.append([*cells, entry["unit"]])
    foot = []
    left = max(entry["runs"]["num_left_out"] for entry in metrics.values())
    if left:
        foot = [f"{left} shapes without a value in every run are left out"]
    gaps = [entry["difference"] for entry in metrics.values() if entry["difference"]]
    if gaps:
        left_out = max(gap["num_left_out"] for gap in gaps)
        few = min(gap["num_shapes"] for gap in gaps)
        if few < FEW_SHAPES:
            foot.append(f"with {few} shapes the interval is only approximate")
        foot += [
            f"difference: over {max(gap['num_shapes'] for gap in gaps)} shapes measured in all "
            f"runs ({left_out} left out), bootstrap over shapes and runs"
        ]
    return "\n".join([head, *align(lines), *foot])


def _spread(group: Mapping[str, Any]) -> str:
    if group["std"] is None:
        return format_number(group["mean"])
    return f"{format_number(group['mean'])} ± {group['std']:.2g}"
