"""Journal of finished shapes, so that a killed `prepare` loses at most one shape."""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from inr.data.layout import Layout, read_manifest

log = logging.getLogger(__name__)

JournalEntry = dict[str, Any]


@dataclass(frozen=True)
class Shard:
    """Shapes that one process prepares: every `count`-th, starting at `index`.

    Args:
        index: index of the shard, from 0.
        count: number of shards.
    """

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Parse `i/n`, such as 0/8 for the first of eight.

        Raises:
            ValueError: if it is not of that form.
        """
        found = re.fullmatch(r"(\d+)/(\d+)", text)
        if found is None or int(found[1]) >= int(found[2]):
            raise ValueError(
                f"prepare.shard is '{text}'; write 0/8 for the first of eight, to 7/8 for the last"
            )
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.index}_of_{self.count}"


class Journal:
    """File with a line per finished shape; an incomplete line is ignored.

    Args:
        layout: the data set.
        shard: shapes of this process; each shard has its own file, so that none waits for another.
    """

    def __init__(self, layout: Layout, shard: Shard) -> None:
        path = layout.root / f"journal_{shard}.jsonl"
        self.file = path.open("a", encoding="utf-8")
        if self.file.tell():
            self.file.write("\n")  # ends a line that a kill cut off

    def add(self, name: str, record: JournalEntry) -> None:
        """Append a shape whose files are all written."""
        self.file.write(json.dumps([name, record], allow_nan=False) + "\n")
        self.file.flush()

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def read_records(layout: Layout) -> dict[str, JournalEntry]:
    """Return shape to its entry; an entry in a journal replaces that in the manifest."""
    records: dict[str, JournalEntry] = {}
    if layout.manifest.exists():
        records |= read_manifest(layout).get("shapes", {})
    for path in _journals(layout):
        records |= dict(_lines(path))
    return records


def delete_journals(layout: Layout) -> None:
    """Delete the journals; call it once the manifest has their entries."""
    for path in _journals(layout):
        path.unlink()


def ready_names(layout: Layout) -> list[str]:
    """Return the usable shapes, sorted: those of status ok, or with samples if without manifest."""
    if not layout.manifest.exists():
        return layout.names()
    shapes = read_manifest(layout).get("shapes", {})
    return sorted(name for name, record in shapes.items() if record["status"] == "ok")


def _journals(layout: Layout) -> list[Path]:
    return sorted(layout.root.glob("journal_*.jsonl"))


def _lines(path: Path) -> Iterator[tuple[str, JournalEntry]]:
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                name, record = json.loads(line)
            except ValueError:  # cut off by a kill
                continue
            yield name, record


def check_alone(layout: Layout) -> None:
    """Raise ValueError if another process is preparing the same data set."""
    for path in layout.root.glob(".lock_*"):
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise ValueError(
                f"another process is preparing '{layout.root}'; overwrite=true and other settings "
                "have to wait for it"
            ) from error
        lock.release()


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold a lock file; if another process holds it, log that and wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info("waiting for another process that writes in '%s'", path.parent)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
