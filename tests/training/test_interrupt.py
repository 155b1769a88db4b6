import signal

import pytest

from inr.training.interrupt import Interrupt, Interrupted


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 75)])
def test_a_signal_is_noted(number, code):
    before = signal.getsignal(number)
    with Interrupt() as interrupt:
        assert interrupt.number == 0
        signal.raise_signal(number)
        assert interrupt.number == number
    assert signal.getsignal(number) is before
    assert Interrupted(interrupt.number, "why").exit_code == code


def test_a_second_ctrl_c_stops_at_once():
    with Interrupt():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_ctrl_c_after_a_request_to_stop_is_only_noted():
    with Interrupt() as interrupt:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        assert interrupt.number == signal.SIGINT
