"""Statistics of a metric over several runs, and of the difference between two groups of runs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from inr.hints import find_nearest
from inr.shapes.mesh import Floats

Run = Mapping[str, float]

NUM_RESAMPLES, CONFIDENCE = 10000, 0.95  # of the bootstrap
# number of resampled shapes in memory at once
_BLOCK_SIZE = 2_000_000


@dataclass(frozen=True)
class OverRuns:
    """Mean and standard deviation of one metric over several runs.

    Args:
        mean: mean of the means of the runs.
        std: sample standard deviation of the means of the runs (n - 1 in the denominator); None
            for a single run.
        num_runs: number of runs.
    """

    mean: float
    std: float | None
    num_runs: int


@dataclass(frozen=True)
class Difference:
    """Difference of a metric between two groups of runs, first minus second.

    Args:
        mean: mean over the shapes of the difference between the means of the groups.
        lower: lower end of the bootstrap interval.
        upper: upper end of the bootstrap interval.
        num_shapes: number of shapes with a value in all runs of both groups, which are included.
        num_left_out: number of shapes with a value in some of the runs only.
    """

    mean: float
    lower: float
    upper: float
    num_shapes: int
    num_left_out: int


def over_runs(means: Sequence[float]) -> OverRuns:
    """Return mean and sample standard deviation of a metric over runs.

    Args:
        means: mean of the metric over the shapes, one per run.

    Raises:
        ValueError: if there is no run, or a mean is not finite.
    """
    if len(means) == 0:
        raise ValueError("there is no run to take the mean of; give at least one")
    for number, value in enumerate(means, start=1):
        if not math.isfinite(value):
            raise ValueError(
                f"run {number} of {len(means)} has mean {value}; leave out a run that measured "
                "no shape"
            )
    values = np.asarray(means, dtype=np.float64)
    std = float(values.std(ddof=1)) if len(values) > 1 else None
    return OverRuns(float(values.mean()), std, len(values))


def paired_difference(
    first: Sequence[Run],
    second: Sequence[Run],
    *,
    num_resamples: int = NUM_RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> Difference:
    """Return the difference between two groups of runs on the shapes measured in all of them.

    The interval is a two-level percentile bootstrap (Efron and Tibshirani 1993, chapter 13): each
    resample draws shapes with replacement, the same for all runs, and runs with replacement within
    each group. With r runs in a group the interval contains (r - 1) / r of the variance between
    runs, so with one run none of it.

    Args:
        first: runs of the first group, each from shape name to value; absent if not measured.
        second: runs of the second group, likewise.
        num_resamples: number of bootstrap resamples.
        confidence: fraction of resamples within the interval, between 0 and 1.
        seed: seed of all draws.

    Raises:
        ValueError: if a group has no run, a value is not finite, no shape was measured in all
            runs, or a setting is out of range.
    """
    if num_resamples < 1 or not 0 < confidence < 1:
        raise ValueError(
            f"num_resamples is {num_resamples} and confidence {confidence}; give at least one "
            "resample and a confidence between 0 and 1, 10000 and 0.95 for instance"
        )
    names = _shared_names(first, second)
    measured = set().union(*first, *second)
    first_values = _as_table(first, names, "first")
    second_values = _as_table(second, names, "second")
    rng = np.random.default_rng(seed)
    first_weights = _draw_counts(len(first), num_resamples, rng) / len(first)
    second_weights = _draw_counts(len(second), num_resamples, rng) / len(second)
    differences = np.empty(num_resamples)
    step = max(1, _BLOCK_SIZE // len(names))
    for start in range(0, num_resamples, step):
        block = slice(start, min(start + step, num_resamples))
        shapes = _draw_counts(len(names), block.stop - start, rng) / len(names)
        differences[block] = np.sum(first_weights[block] * (shapes @ first_values), axis=1)
        differences[block] -= np.sum(second_weights[block] * (shapes @ second_values), axis=1)
    tail = (1 - confidence) / 2
    lower, upper = np.quantile(differences, [tail, 1 - tail])
    mean = np.mean(first_values.mean(axis=1) - second_values.mean(axis=1))
    num_left_out = len(measured) - len(names)
    return Difference(float(mean), float(lower), float(upper), len(names), num_left_out)


def _draw_counts(num_items: int, num_resamples: int, rng: np.random.Generator) -> Floats:
    """Return the number of times each item is drawn, (num_resamples, num_items) float64."""
    even = np.full(num_items, 1 / num_items)
    return rng.multinomial(num_items, even, size=num_resamples).astype(np.float64)


def _as_table(runs: Sequence[Run], names: Sequence[str], which: str) -> Floats:
    """Return the finite values of the named shapes, (shapes, runs)."""
    table = np.array([[run[name] for run in runs] for name in names], dtype=np.float64)
    wrong = np.argwhere(~np.isfinite(table))
    if len(wrong):
        row, column = wrong[0]
        raise ValueError(
            f"shape '{names[row]}' has value {table[row, column]} in run {column + 1} of the "
            f"{which} group; leave out what was not measured"
        )
    return table


def _shared_names(first: Sequence[Run], second: Sequence[Run]) -> list[str]:
    """Return the names of the shapes measured in all runs, sorted."""
    for which, runs in (("first", first), ("second", second)):
        if len(runs) == 0:
            raise ValueError(f"the {which} group has no run; give at least one in each group")
    runs = [*first, *second]
    names = sorted(set(runs[0]).intersection(*runs[1:]))
    if names:
        return names
    counts = ", ".join(str(len(run)) for run in runs)
    hint = ""
    for name in sorted(runs[0]):
        others = {other for run in runs[1:] for other in run} - {name}
        near = find_nearest(name, others)
        if near is not None:
            hint = f" ('{name}' and '{near}' count as two shapes)"
            break
    raise ValueError(
        f"no shape was measured in all {len(runs)} runs, which have values for {counts} shapes"
        f"{hint}; evaluate them on the same split, under the same protocol, and leave out runs "
        "that failed"
    )
