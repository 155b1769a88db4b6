"""Building a sample cache: each file is decoded once, and its rows are shuffled once."""

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from io import FileIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from inr.data.journal import file_lock
from inr.data.sample_cache import Entry, SampleCache, Source
from inr.seeding import seed_from_name

log = logging.getLogger(__name__)

Array = NDArray[np.float32]
Runs = tuple[Array, Array]

# time between two saves of the index: the most work that a kill can lose
INDEX_SECONDS = 5.0
# seed of the order of rows; any fixed value does
SHUFFLE_SEED = 61


def open_sample_cache(
    folders: Sequence[Path],
    kind: str,
    sources: Mapping[str, Source],
    read: Callable[[str], Runs],
    *,
    dim: int,
    width: int,
    dtype: str,
) -> SampleCache:
    """Open the sample cache of some shapes; build or update it if needed.

    Args:
        folders: candidate folders. The first with an up-to-date cache of all shapes is used; if
            there is none, the first that is writable is updated.
        kind: name of what the rows hold, part of the file name.
        sources: shape to its source file.
        read: returns the two runs of rows of a shape, (n, W) and (m, W).
        dim: D, dimension of space.
        width: W, columns of a row.
        dtype: type of the stored rows, float32 or float16.

    Raises:
        ValueError: if no folder can be written, a shape cannot be read, or the disk is full.
    """
    caches = [SampleCache(folder, kind, dim=dim, width=width, dtype=dtype) for folder in folders]
    for cache in caches:
        if not cache.outdated(sources):
            return cache
    for cache in caches:
        if _is_writable(cache.folder):
            update_cache(cache, sources, read)
            return cache
    places = " nor ".join(f"'{folder}'" for folder in folders)
    raise ValueError(f"the sample cache needs a writable folder, but neither {places} is writable")


def update_cache(
    cache: SampleCache, sources: Mapping[str, Source], read: Callable[[str], Runs]
) -> None:
    """Add missing and outdated shapes, under a lock that other processes wait for.

    Args:
        cache: the cache; its folder must exist.
        sources: requested shape to its source file.
        read: returns the two runs of rows of a shape, (n, W) and (m, W).

    Raises:
        ValueError: if a shape cannot be read, does not fit the dtype, or writing fails; shapes
            added until then stay, and a later call continues from there.
    """
    with file_lock(cache.folder / f"{cache.stem}.lock"):
        cache.load()
        names = cache.outdated(sources)
        kept = cache.entries.keys() - set(names)
        used = sum(cache.entries[name].end - cache.entries[name].offset for name in kept)
        if cache.num_rows > 2 * used:  # most rows are unused: rebuild
            cache.clear(cache.generation + 1)
            names = list(sources)
        while not cache.entries and cache.path.exists():  # another process may be reading that file
            cache.clear(cache.generation + 1)
        if names:
            _append(cache, {name: sources[name] for name in names}, read)
        cache.map()


def _append(cache: SampleCache, sources: Mapping[str, Source], read: Callable[[str], Runs]) -> None:
    log.info("adding the samples of %d shapes to the cache %s", len(sources), cache.path)
    try:
        # unbuffered, so that a full disk raises here and not at a later flush
        with FileIO(cache.path, "r+" if cache.path.exists() else "x+") as file:
            try:
                _write_all(cache, file, sources, read)
            finally:
                file.truncate(cache.num_rows * cache.row_bytes)
                _commit(cache, file)
    except OSError as error:
        raise ValueError(
            f"cannot write the sample cache '{cache.path}': {error.strerror or error}; make "
            "room, or use data.sampling.dtype=float16, and run the same command again"
        ) from error


def _commit(cache: SampleCache, file: FileIO) -> None:
    os.fsync(file.fileno())
    cache.save()


def _write_all(
    cache: SampleCache, file: FileIO, sources: Mapping[str, Source], read: Callable[[str], Runs]
) -> None:
    committed = time.monotonic()
    bar = tqdm(sources.items(), "cache samples", unit="shape", disable=None, leave=False)
    for number, (name, source) in enumerate(bar, start=1):
        _write(cache, file, name, source, read(name))
        if time.monotonic() - committed > INDEX_SECONDS:
            _commit(cache, file)
            committed = time.monotonic()
            if bar.disable:
                log.info("cached %d of %d shapes", number, len(sources))


def _write(cache: SampleCache, file: FileIO, name: str, source: Source, runs: Runs) -> None:
    rng = seed_from_name(name, SHUFFLE_SEED)
    errors = np.zeros(cache.width)
    file.seek(cache.num_rows * cache.row_bytes)
    for run in runs:
        shuffled = run[rng.permutation(len(run))]
        with np.errstate(over="ignore"):
            stored = shuffled.astype(cache.dtype)
        error = np.abs(stored.astype(np.float32) - shuffled).max(axis=0, initial=0.0)
        if not np.isfinite(error).all():
            raise ValueError(
                f"'{name}' has values up to {np.abs(run).max():g} ({source.path}), which "
                f"{cache.dtype} cannot hold; use data.sampling.dtype=float32"
            )
        errors = np.maximum(errors, error)
        left = memoryview(stored.tobytes())
        while left:
            left = left[file.write(left) :]
    points, values = (float(part.max(initial=0.0)) for part in np.split(errors, [cache.dim]))
    first, second = (len(run) for run in runs)
    cache.entries[name] = Entry(
        cache.num_rows,
        first,
        second,
        source.path.name,
        source.size,
        source.mtime_ns,
        points,
        values,
    )
    cache.num_rows += first + second


def _is_writable(folder: Path) -> bool:
    """Create a folder, and return whether files can be created in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)
