"""Timing and reporting, shared by all benchmarks."""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch


@dataclass(frozen=True)
class Row:
    """One measurement.

    Args:
        name: name of the measured quantity.
        ours: measured value.
        reference: value to compare with; None without a comparison.
        ratio: ratio to the reference; above 1 is better. None without a reference.
        unit: unit of ours and the reference.
        device: cpu, cuda, ...
        threads: number of CPU threads.
        runs: number of runs; their median is reported.
    """

    name: str
    ours: float
    reference: float | None
    ratio: float | None
    unit: str
    device: str
    threads: int
    runs: int


def cpu_row(
    name: str, ours: float, reference: float | None, ratio: float | None, unit: str, *, runs: int
) -> Row:
    """Return a row for a measurement on the CPU, with torch's number of threads."""
    return Row(name, ours, reference, ratio, unit, "cpu", torch.get_num_threads(), runs)


def parser(name: str, description: str | None) -> argparse.ArgumentParser:
    """Return a parser for the arguments shared by all benchmarks.

    Args:
        name: name of the benchmark's module.
        description: docstring of the module, shown verbatim.
    """
    made = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{name}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--json", type=Path, help="write the rows to this file as well")
    return made


def report(rows: Sequence[Row], path: Path | None) -> None:
    """Print a table of the rows, and write them to a JSON file unless `path` is None."""
    width = max(len(row.name) for row in rows)
    print(f"{'':{width}}  {'ours':>10}  {'reference':>10}  {'ratio':>6}  unit")
    for row in rows:
        reference = "" if row.reference is None else f"{row.reference:.4g}"
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        print(f"{row.name:{width}}  {row.ours:10.4g}  {reference:>10}  {ratio:>6}  {row.unit}")
    print(f"{rows[0].device}, {rows[0].threads} threads, medians of {rows[0].runs} runs")
    if path is not None:
        path.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")


def medians(calls: dict[str, Callable[[], object]], runs: int) -> dict[str, float]:
    """Return the median seconds of each call, interleaved so that slowdowns affect all equally.

    Each is called once first, to warm up.
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(runs):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - started)
    return {name: statistics.median(taken) for name, taken in times.items()}
