"""What all benchmarks have in common: timing, rows, and how they are reported."""

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
        name: what was measured.
        ours: its value.
        reference: what ours is compared with, measured in the same run; None where nothing is.
        ratio: above 1 means better than the reference.
        unit: of ours and the reference.
        device: cpu, cuda, ...
        threads: threads of the CPU.
        runs: number of runs of which the median is reported.
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
    """Return a row of a measurement on the CPU, with the threads that torch uses."""
    return Row(name, ours, reference, ratio, unit, "cpu", torch.get_num_threads(), runs)


def parser(name: str, description: str | None) -> argparse.ArgumentParser:
    """Return a parser of the arguments that every benchmark takes.

    Args:
        name: of the benchmark's module.
        description: its docstring, shown as it is.
    """
    made = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{name}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--json", type=Path, help="write the rows to this file as well")
    return made


def report(rows: Sequence[Row], path: Path | None) -> None:
    """Print a table, and write the rows to a JSON file where one is asked for."""
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
    """Return the median seconds of several calls, taken in turns so that a slow moment hits all.

    Each is called once more before, to warm up.
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
