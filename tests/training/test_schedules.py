import math

import pytest

from inr.training.schedules import Constant, Cosine, MultiStep, Step, set_rates


def test_constant():
    assert [Constant()(e, 100) for e in (0, 50.5, 100)] == [1, 1, 1]


def test_step_halves():
    schedule = Step(every=500, gamma=0.5)
    got = [schedule(e, 2000) for e in (0, 499.9, 500, 999, 1000, 1999)]
    assert got == [1, 1, 0.5, 0.5, 0.25, 0.125]
    with pytest.raises(ValueError, match=r"every is 0"):
        Step(every=0, gamma=0.5)


def test_multi_step_drops_at_fractions_of_the_run():
    schedule = MultiStep(milestones=[0.9, 0.5], gamma=0.1)
    got = [schedule(e, 200) for e in (0, 99.9, 100, 179, 180, 199)]
    assert got == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])
    for milestone in (0, 1, 100):
        with pytest.raises(ValueError, match="fractions of the run"):
            MultiStep(milestones=[0.5, milestone], gamma=0.1)


@pytest.mark.parametrize("final", [0.0, 0.01])
def test_cosine_falls_to_its_end(final):
    schedule = Cosine(final=final, warmup=0.0)
    for epoch in (0, 12.5, 25, 50, 80, 100):
        expected = final + (1 - final) * 0.5 * (1 + math.cos(math.pi * epoch / 100))
        assert schedule(epoch, 100) == pytest.approx(expected)
    assert schedule(0, 100) == 1
    assert schedule(50, 100) == pytest.approx((1 + final) / 2)
    assert schedule(100, 100) == pytest.approx(final)
    assert schedule(120, 100) == pytest.approx(final)  # stays there


def test_cosine_warms_up():
    schedule, cold = Cosine(final=0.01, warmup=0.1), Cosine(final=0.01, warmup=0.0)
    assert 0 < schedule(0, 100) < 0.05
    assert schedule(5, 100) == pytest.approx(0.5 * cold(5, 100), rel=0.05)
    rising = [schedule(e, 100) for e in range(11)]
    assert rising == sorted(rising)
    assert [schedule(e, 100) for e in (10, 40, 100)] == [cold(e, 100) for e in (10, 40, 100)]


def test_set_rates(make_model, make_optimizer):
    optimizer = make_optimizer(make_model())
    for epoch, factor in ((50, 0.5), (0, 1.0), (100, 0.0)):  # not cumulative
        set_rates(optimizer, Cosine(final=0.0, warmup=0.0), epoch, 100)
        rates = [group["lr"] for group in optimizer.param_groups]
        assert rates == pytest.approx([5e-3 * factor, 1e-2 * factor])
