"""Progress of stage=prepare: finished and refused shapes, and the remaining time."""

import logging
import time
from collections.abc import Iterable, Iterator

from tqdm import tqdm

from inr.data.journal import JournalEntry
from inr.progress import LOG_SECONDS

log = logging.getLogger(__name__)


def show_outcomes(
    outcomes: Iterable[tuple[str, JournalEntry | str]], total: int
) -> Iterator[tuple[str, JournalEntry | str]]:
    """Yield the outcomes, and show counts, shapes per minute and the remaining time."""
    layout = "{desc}: {n_fmt} of {total_fmt} |{bar}| {postfix}, {remaining} left"
    bar = tqdm(outcomes, "prepare", total, bar_format=layout, disable=None)
    started = logged = time.monotonic()
    bad = 0
    for number, (name, outcome) in enumerate(bar, start=1):
        yield name, outcome
        bad += isinstance(outcome, str) or outcome["status"] != "ok"
        minutes = max(time.monotonic() - started, 1e-3) / 60
        text = f"{bad} refused, {number / minutes:.0f} shapes per minute"
        bar.set_postfix_str(text, refresh=False)
        if bar.disable and time.monotonic() - logged > LOG_SECONDS:
            logged = time.monotonic()
            left = (total - number) * minutes / number
            log.info("prepare: %d of %d shapes, %s, %.1f min left", number, total, text, left)
