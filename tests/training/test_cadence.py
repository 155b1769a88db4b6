import logging

import pytest

from inr.training.cadence import CadenceTimer, count_due, is_due


@pytest.mark.parametrize("every", [0, 1, 3, 4, 10, 11])
@pytest.mark.parametrize("done", [0, 1, 3, 9, 10])
def test_what_is_due_is_counted(every, done):
    due = [epoch for epoch in range(done + 1, 11) if is_due(epoch, every, 10)]
    assert count_due(every, done, 10) == len(due)


def test_the_first_of_a_kind_says_what_the_others_will_take(caplog):
    caplog.set_level(logging.INFO)
    costs = CadenceTimer(1000)
    costs.note("a validation", 6.2, every=100, epoch=100)
    costs.note("a validation", 9.0, every=100, epoch=200)
    costs.note("a set of pictures", 3.0, every=1000, epoch=1000)  # none to come
    costs.note("another", 1.0, every=500, epoch=500)  # nothing to wait for
    assert caplog.messages == ["a validation took 6 s; the 9 to come will take about 56 s"]
