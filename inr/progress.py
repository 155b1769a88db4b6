"""Progress of a loop over shapes: a bar at a terminal, now and then a line where there is none."""

import logging
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

log = logging.getLogger(__name__)

LINE_SECONDS = 10

Item = TypeVar("Item")


def show_progress(items: Iterable[Item], title: str, total: int) -> Iterator[Item]:
    """Yield the items, and show how many shapes are done."""
    bar = tqdm(items, title, total, unit="shape", disable=None)
    said = time.monotonic()
    for number, item in enumerate(bar, start=1):
        yield item
        if bar.disable and time.monotonic() - said > LINE_SECONDS:
            said = time.monotonic()
            log.info("%s: %d of %d shapes", title, number, total)
