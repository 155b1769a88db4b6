"""Packing the rows of shapes: each file is decoded once, and its rows shuffled once."""

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from io import FileIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from inr.data.journal import held
from inr.data.sample_cache import Entry, SampleCache, Source
from inr.seeding import seed_from_name

log = logging.getLogger(__name__)

Array = NDArray[np.float32]
Runs = tuple[Array, Array]

# a kill loses no more than this of the packing done
INDEX_SECONDS = 5.0
# of the order of rows; only its being fixed matters
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
    """Return a pack of some shapes, made or brought up to date where needed.

    Args:
        folders: where it may be: one that is complete is taken; else the first that can be
            written is brought up to date.
        kind: what the rows are.
        sources: file of each shape.
        read: gives the two runs of a shape, (n, W) and (m, W).
        dim: D.
        width: W.
        dtype: float32 or float16.

    Raises:
        ValueError: if no folder can be written, a shape cannot be read, or the disk is full.
    """
    packs = [SampleCache(folder, kind, dim=dim, width=width, dtype=dtype) for folder in folders]
    for pack in packs:
        if not pack.outdated(sources):
            return pack
    for pack in packs:
        if _is_writable(pack.folder):
            bring_up_to_date(pack, sources, read)
            return pack
    places = " nor ".join(f"'{folder}'" for folder in folders)
    raise ValueError(f"samples are packed into a folder, but neither {places} can be written")


def bring_up_to_date(
    pack: SampleCache, sources: Mapping[str, Source], read: Callable[[str], Runs]
) -> None:
    """Pack the shapes that are outdated; other processes that would do so wait meanwhile.

    Args:
        pack: of which the folder exists.
        sources: file of each shape that is wanted.
        read: gives the two runs of a shape, (n, W) and (m, W).

    Raises:
        ValueError: if a shape cannot be read or rounded, or the disk does not take it; what was
            packed before stays, and a later call goes on from there.
    """
    with held(pack.folder / f"{pack.stem}.lock"):
        pack.load()
        names = pack.outdated(sources)
        kept = pack.entries.keys() - set(names)
        used = sum(pack.entries[name].end - pack.entries[name].offset for name in kept)
        if pack.num_rows > 2 * used:  # most would be rows that nothing points to
            pack.clear(pack.generation + 1)
            names = list(sources)
        while not pack.entries and pack.path.exists():  # somebody may be reading that file
            pack.clear(pack.generation + 1)
        if names:
            _append(pack, {name: sources[name] for name in names}, read)
        pack.map()


def _append(pack: SampleCache, sources: Mapping[str, Source], read: Callable[[str], Runs]) -> None:
    log.info("packing the samples of %d shapes into %s", len(sources), pack.path)
    try:
        # unbuffered, so that nothing is left to be flushed where the disk is full
        with FileIO(pack.path, "r+" if pack.path.exists() else "x+") as file:
            try:
                _write_all(pack, file, sources, read)
            finally:
                file.truncate(pack.num_rows * pack.row_bytes)
                _commit(pack, file)
    except OSError as error:
        raise ValueError(
            f"cannot pack samples into '{pack.path}': {error.strerror or error}; make room, or "
            "use data.sampling.dtype=float16, and run the same command again"
        ) from error


def _commit(pack: SampleCache, file: FileIO) -> None:
    os.fsync(file.fileno())
    pack.save()


def _write_all(
    pack: SampleCache, file: FileIO, sources: Mapping[str, Source], read: Callable[[str], Runs]
) -> None:
    committed = time.monotonic()
    bar = tqdm(sources.items(), "pack samples", unit="shape", disable=None, leave=False)
    for number, (name, source) in enumerate(bar, start=1):
        _write(pack, file, name, source, read(name))
        if time.monotonic() - committed > INDEX_SECONDS:
            _commit(pack, file)
            committed = time.monotonic()
            if bar.disable:
                log.info("packed %d of %d shapes", number, len(sources))


def _write(pack: SampleCache, file: FileIO, name: str, source: Source, runs: Runs) -> None:
    rng = seed_from_name(name, SHUFFLE_SEED)
    errors = np.zeros(pack.width)
    file.seek(pack.num_rows * pack.row_bytes)
    for run in runs:
        shuffled = run[rng.permutation(len(run))]
        with np.errstate(over="ignore"):
            stored = shuffled.astype(pack.dtype)
        error = np.abs(stored.astype(np.float32) - shuffled).max(axis=0, initial=0.0)
        if not np.isfinite(error).all():
            raise ValueError(
                f"'{name}' has values up to {np.abs(run).max():g} ({source.path}), which "
                f"{pack.dtype} cannot hold; use data.sampling.dtype=float32"
            )
        errors = np.maximum(errors, error)
        left = memoryview(stored.tobytes())
        while left:
            left = left[file.write(left) :]
    points, values = (float(part.max(initial=0.0)) for part in np.split(errors, [pack.dim]))
    first, second = (len(run) for run in runs)
    pack.entries[name] = Entry(
        pack.num_rows, first, second, source.path.name, source.size, source.mtime_ns, points, values
    )
    pack.num_rows += first + second


def _is_writable(folder: Path) -> bool:
    """Return whether files can be made in a folder; makes it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)
