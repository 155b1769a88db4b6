"""Cadences: what is due after which epoch, and the time it takes."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)

# seconds of all those to come, below which nothing is said of them
LITTLE = 10.0


def is_due(epoch: int, every: int, num_epochs: int) -> bool:
    """Return whether something is due after an epoch: at its cadence, and at the end."""
    return every > 0 and (epoch % every == 0 or epoch == num_epochs)


def count_due(every: int, done: int, num_epochs: int) -> int:
    """Return how often something is due after epoch `done`, up to the end."""
    if every <= 0 or done >= num_epochs:
        return 0
    return num_epochs // every - done // every + (num_epochs % every > 0)


def is_tenth(epoch: int, log_every: int, num_epochs: int) -> bool:
    """Return whether an epoch that is logged begins another tenth of the run, or ends it."""
    tenth = max(1, num_epochs // 10)
    return epoch == num_epochs or epoch // tenth != (epoch - max(log_every, 1)) // tenth


def format_seconds(seconds: float) -> str:
    """Return a length of time in words, say '2 h 05 min'."""
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
    """Timer of validations and pictures, whose length no estimate knows beforehand.

    Args:
        num_epochs: of the run.
    """

    def __init__(self, num_epochs: int) -> None:
        self.num_epochs = num_epochs
        self.told: set[str] = set()

    @contextmanager
    def timed(self, what: str, every: int, epoch: int) -> Iterator[None]:
        """Time what is done until this is left; see `note`."""
        started = time.perf_counter()
        yield
        self.note(what, time.perf_counter() - started, every, epoch)

    def note(self, what: str, seconds: float, every: int, epoch: int) -> None:
        """Log what the first `what`, at an epoch, took, and what those to come will."""
        left = count_due(every, epoch, self.num_epochs)
        if what not in self.told and seconds * left > LITTLE:
            log.info(
                "%s took %s; the %d to come will take about %s",
                what,
                format_seconds(seconds),
                left,
                format_seconds(seconds * left),
            )
        self.told.add(what)
