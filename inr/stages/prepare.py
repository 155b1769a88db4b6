"""Make a data set: normalise, sample, split, and say in manifest.json what was done."""

import hashlib
import json
import logging
import multiprocessing
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tqdm import tqdm

from inr.build import instantiate
from inr.data.layout import Layout, make_splits, read_json, write_json
from inr.data.prepare import Family, Recipe, Record, count_statuses, find_meshes, prepare_shape
from inr.run import OUTPUTS
from inr.schema import Config, Data
from inr.stages.command import Command

log = logging.getLogger(__name__)


class ShapesRefused(Exception):  # noqa: N818 (it is asked for, with strict=true)
    """Say that strict=true and a shape was refused."""


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
            "prepare needs meshes: add data.source=<folder of meshes> data.root=<folder to write>"
        )
    sources, refused = find_sources(config)
    _check_settings(layout, command.raw["data"], config.overwrite)
    todo = {
        name: source
        for name, source in sources.items()
        if config.overwrite or not layout.samples(name).exists()
    }
    sizes = asdict(config.data.splits)
    make_splits(list(sources), sizes, config.data.seed)  # a size that cannot be: say so first
    known: dict[str, Record] = _manifest_shapes(layout)
    records = {name: record for name, record in known.items() if name in sources}
    records |= {
        name: {"status": "refused", "reason": reason, "seconds": 0.0}
        for name, reason in refused.items()
    }
    # what was refused before stays refused unless it is done again
    todo = {n: s for n, s in todo.items() if config.overwrite or n not in known}
    settings = _settings(command.raw["data"])
    for name, record in _prepare_all(todo, layout.root, _recipe(config.data), config.workers):
        records[name] = record
        if record["status"] == "refused":
            log.warning("refused %s: %s", name, record["reason"])
    ready = sorted(name for name, record in records.items() if record["status"] == "ok")
    manifest = {"settings": settings, "shapes": dict(sorted(records.items()))}
    write_json(manifest, layout.manifest)
    count = count_statuses(records)
    log.info(
        "%s: %d shapes ready (%d of them made now), %d refused; see %s",
        layout.root,
        count["ok"],
        sum(records[name]["status"] == "ok" for name in todo),
        count["refused"],
        layout.manifest,
    )
    if not ready:
        raise ValueError(f"every shape was refused; the reasons are in {layout.manifest}")
    if todo or not layout.split("train").exists():
        _write_splits(layout, ready, sizes, config)
    if config.strict and count["refused"]:
        raise ShapesRefused(f"{count['refused']} shapes were refused and strict=true")


def ensure_prepared(command: Command) -> Layout:
    """Return the data set of a run; a procedural one is made on first use.

    Raises:
        ValueError: if a data set of the user's own does not exist.
    """
    config = command.config
    layout = Layout(data_root(config.data, command.raw["data"]))
    if config.data.family is not None and not is_prepared(layout):
        prepare(command)
    elif not layout.root.is_dir():
        raise ValueError(
            f"the data set '{layout.root}' does not exist; run stage=prepare with the same "
            "data settings, or correct data.root"
        )
    return layout


def is_prepared(layout: Layout) -> bool:
    """Return whether prepare came to its end in this folder."""
    return layout.split("train").exists()


def data_root(data: Data, raw: Mapping[str, Any]) -> Path:
    """Return data.root, or for a procedural data set the folder named after its settings."""
    if data.root is not None:
        return Path(data.root)
    assert data.family is not None, "checked before: only a family may go without data.root"
    settings = _settings(raw) | {"splits": raw["splits"]}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:8]
    name = str(data.family["_target_"]).rpartition(".")[2].lower()
    return OUTPUTS / "datasets" / f"{name}_{digest}"


def find_sources(config: Config) -> tuple[dict[str, Path | Family], dict[str, str]]:
    """Return each shape's source by name, and the files refused with the reason."""
    if config.data.family is not None:
        family: Family = instantiate(config.data.family, config.allow)
        return dict.fromkeys(family.names(), family), {}
    assert config.data.source is not None
    found, refused = find_meshes(Path(config.data.source))
    return dict(found), refused


def _prepare_all(
    sources: Mapping[str, Path | Family], root: Path, recipe: Recipe, workers: int
) -> Iterator[tuple[str, Record]]:
    if not sources:
        return
    count = min(workers or os.cpu_count() or 1, len(sources))
    log.info("preparing %d shapes in %d processes under %s", len(sources), count, root)
    # spawned: forking a process that runs threads can hang the child
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, mp_context=context) as pool:
        futures: dict[Future[Record], str] = {
            pool.submit(prepare_shape, name, source, root, recipe): name
            for name, source in sources.items()
        }
        try:
            done = as_completed(futures)
            for future in tqdm(done, "prepare", len(futures), unit="shape", disable=None):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _write_splits(
    layout: Layout, ready: list[str], sizes: dict[str, int | float], config: Config
) -> None:
    try:
        splits = make_splits(ready, sizes, config.data.seed)
    except ValueError as error:
        raise ValueError(f"{error} that could be prepared") from error
    for split, names in splits.items():
        write_json(names, layout.split(split))
    log.info("splits: %s", ", ".join(f"{len(names)} {split}" for split, names in splits.items()))


def _recipe(data: Data) -> Recipe:
    return Recipe(
        normalize=data.normalize, extent=data.extent, **asdict(data.sampling), seed=data.seed
    )


def _settings(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return what decides how a shape's files look."""
    return {key: raw[key] for key in ("dim", "family", "normalize", "extent", "sampling", "seed")}


def _manifest_shapes(layout: Layout) -> dict[str, Record]:
    if not layout.manifest.exists():
        return {}
    manifest = read_json(layout.manifest)
    return dict(manifest.get("shapes", {})) if isinstance(manifest, dict) else {}


def _check_settings(layout: Layout, raw: Mapping[str, Any], overwrite: bool) -> None:
    if overwrite:
        return
    if not layout.manifest.exists():
        if layout.names():
            raise ValueError(
                f"'{layout.root}' holds samples that this program did not make, or did not finish; "
                "add overwrite=true to make them anew, or choose another data.root"
            )
        return
    before = read_json(layout.manifest).get("settings", {})
    for key, value in _settings(raw).items():
        if before.get(key) != value:
            raise ValueError(
                f"'{layout.root}' was prepared with data.{key}={before.get(key)}, not {value}; "
                "add overwrite=true to make it anew, or choose another data.root"
            )
