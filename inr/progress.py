"""Progress of a loop over shapes: a progress bar at a terminal, log lines elsewhere."""

import logging
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

log = logging.getLogger(__name__)

# minimum time between two log lines
LOG_SECONDS = 10

Item = TypeVar("Item")


def show_progress(items: Iterable[Item], title: str, total: int) -> Iterator[Item]:
    """Yield the items while showing how many are done."""
    bar = tqdm(items, title, total, unit="shape", disable=None)
    logged = time.monotonic()
    for number, item in enumerate(bar, start=1):
        yield item
        if bar.disable and time.monotonic() - logged > LOG_SECONDS:
            logged = time.monotonic()
            log.info("%s: %d of %d shapes", title, number, total)
