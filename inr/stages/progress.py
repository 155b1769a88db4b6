"""Progress of a loop over shapes: a bar at a terminal, a line every tenth where there is none."""

import logging
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

log = logging.getLogger(__name__)

Item = TypeVar("Item")


def show_progress(items: Iterable[Item], title: str, total: int) -> Iterator[Item]:
    """Yield the items, and show how many shapes are done."""
    bar = tqdm(items, title, total, unit="shape", disable=None)
    for number, item in enumerate(bar, start=1):
        yield item
        if bar.disable and number % max(1, total // 10) == 0:
            log.info("%s: %d of %d shapes", title, number, total)
