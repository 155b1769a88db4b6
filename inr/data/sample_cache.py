"""Sample cache: the rows of many shapes in one memory-mapped file, filled by build_cache."""

import json
import logging
import mmap
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from inr.files import replacing

log = logging.getLogger(__name__)


class Source(NamedTuple):
    """State of a source file; a different size or time means that it has changed."""

    path: Path
    size: int
    mtime_ns: int


class Entry(NamedTuple):
    """Position of a shape's rows in the cache, and state of their source file.

    Args:
        offset: index of the first row.
        num_first: number of rows in the first run.
        num_second: number of rows in the second run, which follows.
        source: name of the source file.
        size: size of the source file, bytes.
        mtime_ns: modification time of the source file, ns.
        point_error: largest absolute rounding error of the coordinates.
        value_error: largest absolute rounding error of the other columns.
    """

    offset: int
    num_first: int
    num_second: int
    source: str
    size: int
    mtime_ns: int
    point_error: float
    value_error: float

    @property
    def end(self) -> int:
        """Return the index after the last row."""
        return self.offset + self.num_first + self.num_second


def find_source(paths: Iterable[Path]) -> Source | None:
    """Return the state of the first file that exists; None if none does."""
    for path in paths:
        with suppress(OSError):
            state = path.stat()
            return Source(path, state.st_size, state.st_mtime_ns)
    return None


class SampleCache:
    """Rows (R, W) of shapes in an append-only file, with an index that is replaced atomically.

    Each shape has two runs of rows (such as outside and inside), each shuffled once, so that
    consecutive rows are a random subset. Rows beyond the index, left by a killed writer, are
    overwritten. Readers need no lock.

    Args:
        folder: folder of both files.
        kind: name of what the rows hold, part of the file names.
        dim: D, number of coordinate columns.
        width: W, number of columns.
        dtype: type of the stored rows, float32 or float16.

    Attributes:
        entries: shape to the position of its rows.
        values: (R, W), the memory-mapped rows.
    """

    def __init__(self, folder: Path, kind: str, *, dim: int, width: int, dtype: str) -> None:
        if dtype not in ("float32", "float16"):
            raise ValueError(f"data.sampling.dtype={dtype}; it must be float32 or float16")
        self.folder = folder
        self.stem = f"{kind}_{dtype}_{width}"
        self.dim = dim
        self.width = width
        self.dtype = np.dtype(dtype)
        self.clear(0)
        self.load()

    def clear(self, generation: int) -> None:
        """Drop all rows, and start a file of another generation."""
        self.generation = generation
        self.entries: dict[str, Entry] = {}
        self.num_rows = 0
        self.mapped: mmap.mmap | None = None
        self.values: NDArray[Any] = np.empty((0, self.width), self.dtype)

    @property
    def index_path(self) -> Path:
        """Return the path of the index."""
        return self.folder / f"{self.stem}.json"

    @property
    def path(self) -> Path:
        """Return the file of rows; a new generation is started to discard unused rows."""
        number = f".{self.generation}" if self.generation else ""
        return self.folder / f"{self.stem}{number}.bin"

    @property
    def row_bytes(self) -> int:
        """Return the size of a row in bytes."""
        return self.width * self.dtype.itemsize

    def load(self) -> None:
        """Read the index and map the rows; an unreadable cache is treated as empty."""
        try:
            content = json.loads(self.index_path.read_text(encoding="utf-8"))
            self.clear(content["generation"])
            stored = self.path.stat().st_size // self.row_bytes
            entries = {name: Entry(**entry) for name, entry in content["shapes"].items()}
            # after a power failure the index may list rows that were not written
            self.entries = {n: e for n, e in entries.items() if e.offset >= 0 and e.end <= stored}
            self.num_rows = min(content["rows"], stored)
            self.map()
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            if self.index_path.exists():
                log.warning("'%s' cannot be read and is rebuilt", self.index_path)
            self.clear(self.generation)

    def map(self) -> None:
        """Memory-map the rows that the index lists."""
        if self.num_rows == 0:
            return
        with self.path.open("rb") as file:
            size = self.num_rows * self.row_bytes
            self.mapped = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
        if hasattr(self.mapped, "madvise"):
            # otherwise the kernel reads megabytes ahead of each run
            self.mapped.madvise(mmap.MADV_RANDOM)
        self.values = np.frombuffer(self.mapped, self.dtype).reshape(-1, self.width)

    def read_ahead(self, start: int, number: int) -> None:
        """Ask the kernel to start reading some rows, without waiting for them."""
        if self.mapped is not None and hasattr(self.mapped, "madvise"):
            first = start * self.row_bytes // mmap.PAGESIZE * mmap.PAGESIZE
            size = (start + number) * self.row_bytes - first
            self.mapped.madvise(mmap.MADV_WILLNEED, first, size)

    def save(self) -> None:
        """Replace the index, and delete the row files of other generations."""
        shapes = {name: entry._asdict() for name, entry in self.entries.items()}
        content = {"generation": self.generation, "rows": self.num_rows, "shapes": shapes}
        with replacing(self.index_path) as temporary:
            temporary.write_text(json.dumps(content), encoding="utf-8")
        for other in self.folder.glob(f"{self.stem}.*bin"):
            if other != self.path:
                with suppress(OSError):
                    other.unlink()

    def outdated(self, sources: Mapping[str, Source]) -> list[str]:
        """Return the shapes that are not cached or whose source file has changed."""
        states = {name: (source.path.name, *source[1:]) for name, source in sources.items()}
        return [name for name, state in states.items() if self._state(name) != state]

    def _state(self, name: str) -> tuple[str, int, int] | None:
        entry = self.entries.get(name)
        return None if entry is None else (entry.source, entry.size, entry.mtime_ns)

    def rounding(self, names: Iterable[str]) -> tuple[float, float]:
        """Return the largest rounding errors of coordinates and of other columns of shapes."""
        entries = [self.entries[name] for name in names]
        return max(e.point_error for e in entries), max(e.value_error for e in entries)
