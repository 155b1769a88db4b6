"""Make a data set: normalise, sample, split, and say in manifest.json what was done."""

import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path

from filelock import FileLock, Timeout

from inr.data.layout import Layout, make_splits, read_json, write_json
from inr.data.prepare import (
    Family,
    Recipe,
    Record,
    count_statuses,
    digest,
    prepare_shape,
)
from inr.schema import Data
from inr.stages.command import Command
from inr.stages.dataset import (
    check_splits,
    data_root,
    find_sources,
    is_finished,
    is_prepared,
    open_manifest,
)
from inr.stages.progress import show_progress

log = logging.getLogger(__name__)


class ShapesRefused(Exception):  # noqa: N818 (it is asked for, with strict=true)
    """Say that strict=true and a shape was refused."""

    exit_code = 1


def prepare(command: Command) -> None:
    """Run the stage.

    Raises:
        ValueError: for wrong input.
        ShapesRefused: under strict=true, if a shape was refused.
    """
    config = command.config
    layout = Layout(data_root(config.data, command.raw["data"]))
    if config.data.family is None and config.data.source is None:
        if layout.names():
            log.info("'%s' is prepared already and used as it is", layout.root)
            return
        raise ValueError(
            "prepare needs shapes: add data.source=<folder of your shapes, or one file>"
        )
    sources, refused = find_sources(config)
    # a size that cannot be: say so before hours of sampling
    make_splits(list(sources), asdict(config.data.splits), config.data.seed)
    layout.root.mkdir(parents=True, exist_ok=True)
    lock = FileLock(layout.root / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info("waiting for another process that prepares '%s'", layout.root)
        lock.acquire()
    with lock:
        _prepare(command, layout, sources, refused)


def _prepare(
    command: Command,
    layout: Layout,
    sources: Mapping[str, Path | Family],
    refused: Mapping[str, str],
) -> None:
    config = command.config
    sizes = asdict(config.data.splits)
    manifest = open_manifest(layout, command.raw["data"], config.overwrite)
    records: dict[str, Record] = {n: r for n, r in manifest["shapes"].items() if n in sources}
    if config.overwrite:  # or a kill half-way would leave new shapes in old splits
        for path in layout.root.glob("splits/*.json"):
            path.unlink()
    todo = {
        name: source
        for name, source in sources.items()
        if config.overwrite or not is_finished(layout, name, source, records.get(name))
    }
    records |= {
        name: {"status": "refused", "reason": reason, "seconds": 0.0}
        for name, reason in refused.items()
    }
    manifest["shapes"] = records
    written = 0.0
    for name, record in _prepare_all(todo, layout.root, _recipe(config.data), config.workers):
        records[name] = record
        if record["status"] == "refused":
            log.warning("refused %s: %s", name, record["reason"])
        if time.monotonic() - written > 1:  # so that little is done again after a kill
            write_json(manifest, layout.manifest)
            written = time.monotonic()
    manifest["shapes"] = dict(sorted(records.items()))
    write_json(manifest, layout.manifest)
    ready = [name for name, record in manifest["shapes"].items() if record["status"] == "ok"]
    count = count_statuses(records)
    log.info(
        "%s: %d shapes ready (%d of them made now), %d refused; see %s",
        layout.root,
        count["ok"],
        sum(records[name]["status"] == "ok" for name in todo),
        count["refused"],
        layout.manifest,
    )
    if not ready and len(records) == 1:
        ((name, record),) = records.items()
        raise ValueError(f"'{name}' cannot be used: {record['reason']}")
    if not ready:
        raise ValueError(f"every shape was refused; the reasons are in {layout.manifest}")
    asked = {**sizes, "seed": config.data.seed}
    if layout.split("train").exists() and not config.overwrite:
        check_splits(layout, ready, manifest.get("splits"), asked)
    else:
        write_json({**manifest, "splits": asked}, layout.manifest)
        _write_splits(layout, ready, sizes, config.data.seed)
    if config.strict and count["refused"]:
        raise ShapesRefused(f"{count['refused']} shapes were refused and strict=true")


def ensure_prepared(command: Command) -> Layout:
    """Return the data set of a run; one without a data.root of its own is made on first use.

    It is not made where only a run's own configuration says so: opening somebody's run writes
    nowhere but into it.

    Raises:
        ValueError: if a data set of the user's own does not exist.
    """
    config = command.config
    layout = Layout(data_root(config.data, command.raw["data"]))
    asked_for = config.data.root is None or any(
        override.startswith("data.root=") for override in command.overrides
    )
    has_source = config.data.family is not None or config.data.root is None
    if has_source and not is_prepared(layout) and asked_for:
        prepare(command)
    elif is_prepared(layout) and config.data.root is None and config.data.source is not None:
        _check_unchanged(layout, Path(config.data.source))
    elif not layout.root.is_dir():
        raise ValueError(
            f"the data set '{layout.root}' does not exist; run stage=prepare with the same "
            "data settings, or correct data.root"
        )
    return layout


def _check_unchanged(layout: Layout, source: Path) -> None:
    """Check that the one file that a data set was made of is still the same; it may be gone."""
    if source.is_file():
        record = read_json(layout.manifest)["shapes"].get(source.stem)
        if record is not None and record.get("digest") != digest(source):
            raise ValueError(
                f"'{layout.root}' was made from another '{source}' than there is now; run "
                "stage=prepare overwrite=true with the same settings to make it anew"
            )


def _prepare_all(
    sources: Mapping[str, Path | Family], root: Path, recipe: Recipe, workers: int
) -> Iterator[tuple[str, Record]]:
    if not sources:
        return
    count = min(workers or _num_cores(), len(sources))
    log.info("preparing %d shapes in %d processes under %s", len(sources), count, root)
    # spawned: forking a process that runs threads can hang the child
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, mp_context=context, initializer=_end_with_parent) as pool:
        futures: dict[Future[Record], str] = {
            pool.submit(prepare_shape, name, source, root, recipe): name
            for name, source in sources.items()
        }
        try:
            done = as_completed(futures)
            for future in show_progress(done, "prepare", len(futures)):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _end_with_parent() -> None:
    """Let a worker end when the process that it works for was killed."""

    def wait() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _num_cores() -> int:
    """Return the cores that this process may use, which a cluster may limit."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _write_splits(
    layout: Layout, ready: list[str], sizes: dict[str, int | float], seed: int
) -> None:
    try:
        splits = make_splits(ready, sizes, seed)
    except ValueError as error:
        raise ValueError(f"{error} that could be prepared") from error
    for split, names in reversed(splits.items()):  # train last: its file says that all is done
        write_json(names, layout.split(split))
    log.info("splits: %s", ", ".join(f"{len(names)} {split}" for split, names in splits.items()))


def _recipe(data: Data) -> Recipe:
    return Recipe(
        dim=data.dim,
        kind=data.kind,
        normalize=data.normalize,
        extent=data.extent,
        **asdict(data.sampling),
        seed=data.seed,
    )
