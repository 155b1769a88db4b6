"""Cadences: when validations, pictures and logging are due, and the time that they take."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)

# remaining seconds of a kind of event below which its time is not logged
MIN_SECONDS_LOGGED = 10.0


def is_due(epoch: int, every: int, num_epochs: int) -> bool:
    """Return whether an event is due after an epoch: at its cadence, and after the last epoch."""
    return every > 0 and (epoch % every == 0 or epoch == num_epochs)


def count_due(every: int, done: int, num_epochs: int) -> int:
    """Return the number of times that an event is due after epoch `done`, up to the end."""
    if every <= 0 or done >= num_epochs:
        return 0
    return num_epochs // every - done // every + (num_epochs % every > 0)


def is_tenth(epoch: int, log_every: int, num_epochs: int) -> bool:
    """Return whether a logged epoch is the first in a tenth of the run, or the last epoch."""
    tenth = max(1, num_epochs // 10)
    return epoch == num_epochs or epoch // tenth != (epoch - max(log_every, 1)) // tenth


def format_seconds(seconds: float) -> str:
    """Return a duration as text, for example '2 h 05 min'."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02d} min"
    return f"{hours / 24:.0f} days"


class CadenceTimer:
    """Timer of validations and pictures; it logs the time that those to come will take.

    Args:
        num_epochs: number of epochs of the run.
    """

    def __init__(self, num_epochs: int) -> None:
        self.num_epochs = num_epochs
        self.logged: set[str] = set()

    @contextmanager
    def timed(self, what: str, every: int, epoch: int) -> Iterator[None]:
        """Time the body of this context, see `note`."""
        started = time.perf_counter()
        yield
        self.note(what, time.perf_counter() - started, every, epoch)

    def note(self, what: str, seconds: float, every: int, epoch: int) -> None:
        """Log the time that the first `what` took, and an estimate for those still to come.

        Args:
            what: name of the event, with its article.
            seconds: time that it took.
            every: its cadence in epochs.
            epoch: current epoch.
        """
        left = count_due(every, epoch, self.num_epochs)
        if what not in self.logged and seconds * left > MIN_SECONDS_LOGGED:
            log.info(
                "%s took %s; the %d to come will take about %s",
                what,
                format_seconds(seconds),
                left,
                format_seconds(seconds * left),
            )
        self.logged.add(what)
