"""Workers that hang, die, and fail; spawned ones import this module."""

import os
import signal
import time

import pytest

from inr.data.workers import run_all


def work(number: int) -> str:
    if number == 1:
        time.sleep(60)
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 3:
        os._exit(7)
    return f"{number}: {os.environ['OMP_NUM_THREADS']}"


def fail(number: int) -> None:
    raise OSError(f"disk full at {number}")


def test_one_that_hangs_or_dies_costs_itself_alone():
    arguments = {f"item{number}": (number,) for number in range(6)}
    outcomes = dict(run_all(work, arguments, processes=2, time_limit=3.0))
    assert set(outcomes) == set(arguments)
    assert [outcomes[f"item{k}"] for k in (0, 4, 5)] == ["0: 1", "4: 1", "5: 1"]
    assert "longer than prepare.time_limit=3" in outcomes["item1"]
    assert "killed" in outcomes["item2"]
    assert "exit code 7" in outcomes["item3"]


def test_what_the_work_raises_ends_it():
    with pytest.raises(OSError, match="disk full"):
        list(run_all(fail, {"a": (1,), "b": (2,)}, processes=1, time_limit=0))
