import time

import numpy as np
import pytest

from inr.metrics.run_statistics import Difference, OverRuns, over_runs, paired_difference

NAMES = [f"shape_{i:03}" for i in range(30)]


def as_runs(values):
    """Return values (runs, shapes) as one mapping a run."""
    return [dict(zip(NAMES, row, strict=False)) for row in np.asarray(values).tolist()]


def width(difference):
    return difference.upper - difference.lower


def test_mean_and_sample_deviation_over_runs():
    assert over_runs([1.0, 2.0, 4.0]) == OverRuns(
        pytest.approx(7 / 3), pytest.approx(np.sqrt(7 / 3)), 3
    )
    assert over_runs([5.0]) == OverRuns(5.0, None, 1)
    assert over_runs(np.array([1.0, 1.0])) == OverRuns(1.0, 0.0, 2)


def test_a_constant_difference_has_no_width():
    base = np.random.default_rng(0).normal(size=30)
    first, second = as_runs([base + 0.5, base + 0.5]), as_runs([base])
    found = paired_difference(first, second, num_resamples=500)
    assert (found.mean, found.lower, found.upper) == pytest.approx((0.5, 0.5, 0.5))
    assert (found.num_shapes, found.num_left_out) == (30, 0)


def test_swapped_groups_swap_the_sign():
    rng = np.random.default_rng(0)
    first, second = as_runs(rng.normal(size=(2, 30))), as_runs(rng.normal(size=(3, 30)))
    there, back = paired_difference(first, second), paired_difference(second, first)
    assert there.mean == pytest.approx(-back.mean)
    assert there.lower == pytest.approx(-back.upper, abs=0.02)
    assert there == paired_difference(first, second)
    assert there != paired_difference(first, second, seed=1)


def test_pairing_removes_what_shapes_have_in_common():
    rng = np.random.default_rng(0)
    hard = 100 * rng.normal(size=30)
    first, second = as_runs([hard + 1 + 0.1 * rng.normal(size=30)]), as_runs([hard])
    found = paired_difference(first, second)
    assert found.mean == pytest.approx(1, abs=0.1)
    assert 0.9 < found.lower < found.upper < 1.1


def test_two_shapes_have_a_known_distribution():
    # resamples of the differences 0 and 1 have means 0, 1/2 and 1 in shares 1/4, 1/2 and 1/4
    first, second = [{"a": 0.0, "b": 1.0}], [{"a": 0.0, "b": 0.0}]
    wide = paired_difference(first, second, confidence=0.6)
    assert (wide.mean, wide.lower, wide.upper) == (0.5, 0.0, 1.0)
    narrow = paired_difference(first, second, confidence=0.4)
    assert (narrow.lower, narrow.upper) == (0.5, 0.5)


def test_two_runs_have_a_known_distribution():
    # one shape: the same distribution, by drawing runs
    first, second = [{"a": 0.0}, {"a": 1.0}], [{"a": 0.0}]
    wide = paired_difference(first, second, confidence=0.6)
    assert (wide.mean, wide.lower, wide.upper) == (0.5, 0.0, 1.0)
    assert width(paired_difference(first, second, confidence=0.4)) == 0


def test_the_interval_covers_the_ground_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    covered = []
    for trial in range(200):
        hard = 5 * rng.normal(size=30)
        gained = 0.3 + rng.normal(size=30)
        first = as_runs(hard + gained + 0.2 * rng.normal(size=(3, 30)))
        second = as_runs(hard + 0.2 * rng.normal(size=(3, 30)))
        found = paired_difference(first, second, num_resamples=1000, seed=trial)
        covered.append(found.lower <= 0.3 <= found.upper)
    assert 0.88 <= np.mean(covered) <= 0.99


def test_runs_that_differ_widen_the_interval():
    rng = np.random.default_rng(0)
    base, other = rng.normal(size=30), rng.normal(size=30)
    shifts = np.array([[-2.0], [0.0], [2.0]])
    calm = paired_difference(as_runs([base] * 3), as_runs([other] * 3))
    noisy = paired_difference(as_runs(base + shifts), as_runs(other + shifts))
    assert noisy.mean == pytest.approx(calm.mean)
    assert width(noisy) > 1.5 * width(calm)
    # one run a group works, and knows of shapes alone
    alone = paired_difference(as_runs([base]), as_runs([other]))
    assert alone.mean == pytest.approx(calm.mean)
    assert width(alone) == pytest.approx(width(calm), rel=0.05)


def test_only_shapes_of_all_runs_count():
    first = [{"a": 1.0, "b": 2.0, "c": 9.0}, {"a": 3.0, "b": 4.0}]
    second = [{"a": 0.0, "b": 0.0, "d": 7.0}]
    found = paired_difference(first, second)
    assert found == Difference(2.5, found.lower, found.upper, 2, 2)


def test_blocks_of_resamples_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    first, second = as_runs(rng.normal(size=(2, 30))), as_runs(rng.normal(size=(2, 30)))
    whole = paired_difference(first, second, num_resamples=100)
    monkeypatch.setattr("inr.metrics.run_statistics._BLOCK_SIZE", 30 * 7)
    parts = paired_difference(first, second, num_resamples=100)
    assert (parts.lower, parts.upper) == pytest.approx((whole.lower, whole.upper))


def test_ten_thousand_resamples_of_200_shapes_take_seconds_at_most():
    rng = np.random.default_rng(0)
    runs = [{f"{i}": float(v) for i, v in enumerate(row)} for row in rng.normal(size=(6, 200))]
    start = time.perf_counter()
    paired_difference(runs[:3], runs[3:])
    assert time.perf_counter() - start < 5


def test_what_has_no_answer_is_refused():
    one = [{"a": 1.0}]
    with pytest.raises(ValueError, match="no run"):
        over_runs([])
    with pytest.raises(ValueError, match="run 2 of 2 has mean nan"):
        over_runs([1.0, float("nan")])
    with pytest.raises(ValueError, match="second group has no run"):
        paired_difference(one, [])
    with pytest.raises(ValueError, match=r"no shape .* all 2 runs.*1, 2 shapes.*same split"):
        paired_difference(one, [{"x": 1.0, "y": 2.0}])
    with pytest.raises(ValueError, match="'car_7' and 'car_07' count as two shapes"):
        paired_difference([{"car_7": 1.0}], [{"car_07": 1.0}])
    with pytest.raises(ValueError, match="no shape"):
        paired_difference(one, [{}])
    with pytest.raises(ValueError, match="shape 'a' has value inf in run 1 of the second group"):
        paired_difference(one, [{"a": float("inf")}])
    for settings in ({"num_resamples": 0}, {"confidence": 1.0}, {"confidence": 0.0}):
        with pytest.raises(ValueError, match="between 0 and 1"):
            paired_difference(one, one, **settings)
