"""Make a data set: normalise, sample, assign splits, and write manifest.json."""

import logging
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

from inr.config.formats import build_formats
from inr.config.job import Job
from inr.config.schema import Config
from inr.data.journal import (
    Journal,
    Shard,
    check_alone,
    delete_journals,
    file_lock,
    read_records,
)
from inr.data.layout import Layout, read_manifest, write_json
from inr.data.names.paths import Naming
from inr.data.parts.sources import PartFiles
from inr.data.prepare.inside import Soups
from inr.data.prepare.recipe import Recipe
from inr.data.prepare.shape import prepare_shape
from inr.data.sources import Family, file_name, fingerprint, has_changed
from inr.data.splits import read_lists
from inr.data.workers import num_cores, run_all
from inr.runs.dataset import is_prepared, layout_of
from inr.shapes import warp
from inr.stages.prepare.finalize import finalize
from inr.stages.prepare.locate import (
    assign_splits,
    find_parts,
    find_sources,
    naming_of,
    resolve_sizes,
)
from inr.stages.prepare.manifest import (
    check_asked,
    check_assigned,
    check_soup_settings,
    is_finished,
    keep_num_parts,
    keep_settings,
    open_manifest,
)
from inr.stages.prepare.progress import show_outcomes
from inr.stages.prepare.splits import asked_splits, assign_folds, warn_of_duplicates

log = logging.getLogger(__name__)


def prepare(job: Job) -> None:
    """Run the stage.

    Raises:
        ValueError: for wrong input, or if the data set cannot be written.
        ShapesRefused: if a shape was refused and strict=true.
    """
    layout = layout_of(job)
    job = keep_settings(job, layout)
    check_soup_settings(job, layout)
    config = job.config
    if config.data.family is None and config.data.source is None:
        if layout.names():
            log.info("'%s' is prepared already, and used as it is", layout.root)
            return
        raise ValueError(
            "prepare needs shapes: add data.source=<folder of your shapes, or one file>"
        )
    shard = Shard.parse(config.prepare.shard)
    if shard.count > 1 and config.overwrite:
        raise ValueError(
            f"overwrite=true does not go with prepare.shard; delete '{layout.root}' instead"
        )
    # fail before hours of sampling
    if config.prepare.device != "cpu":
        warp.check_device(config.prepare.device)
    sources, refused = find_sources(config)
    parts, without = find_parts(config, list(sources))
    refused |= without
    sources = {name: source for name, source in sources.items() if name not in without}
    for name, reason in refused.items():
        log.warning("refused %s: %s", name, reason)
    if config.overwrite or not is_prepared(layout) or config.data.splits.folds is not None:
        assign_splits(config.data, sources)
    else:  # the sources of assigned shapes may be missing
        read_lists(resolve_sizes(config.data, sources), sources)
    try:
        with file_lock(layout.root / ".lock"):
            parts = _open(job, layout, parts)
        with file_lock(layout.root / f".lock_{shard}"):
            made = _prepare_shard(config, layout, sources, parts, shard)
        with file_lock(layout.root / ".lock"):
            finalize(config, layout, sources, refused, made, shard)
        if is_prepared(layout):
            assign_folds(config.data, layout)
            warn_of_duplicates(layout)
    except OSError as error:  # also from workers, such as a full disk
        raise ValueError(
            f"cannot write the data set '{layout.root}': {error}; finished shapes are kept, and "
            "the same command continues from there"
        ) from error


def _open(job: Job, layout: Layout, parts: dict[str, PartFiles]) -> dict[str, PartFiles]:
    """Open the manifest; return the part files with the number of parts in the manifest."""
    config = job.config
    if config.overwrite:  # first, so that an interruption cannot leave new settings with old shapes
        check_alone(layout)
        for path in layout.root.glob("splits/**/*.json"):
            path.unlink()
        delete_journals(layout)
    manifest = open_manifest(layout, job.raw["data"], config.overwrite)
    check_assigned(replace(layout, fold=None), manifest, asked_splits(config.data))
    if config.data.family is None:
        num_parts = max((files.num_parts for files in parts.values()), default=0)
        manifest = keep_num_parts(layout, manifest, num_parts)
        num_parts = manifest["num_parts"]
        parts = {name: replace(files, num_parts=num_parts) for name, files in parts.items()}
    # failed shapes are tried again, so they count as not done
    records = manifest["shapes"].items()
    kept = {name: record for name, record in records if record["status"] != "failed"}
    fresh = {**manifest, "shapes": kept}
    if fresh != read_manifest(layout):
        write_json(fresh, layout.manifest)
    return parts


def _prepare_shard(
    config: Config,
    layout: Layout,
    sources: Mapping[str, Path | Family],
    parts: Mapping[str, PartFiles],
    shard: Shard,
) -> list[str]:
    """Prepare the shapes of a shard that are not finished, and return their names."""
    records = read_records(layout)
    todo = {
        name: source
        for name, source in list(sources.items())[shard.index :: shard.count]
        if config.overwrite
        or not is_finished(layout, name, source, records.get(name), parts.get(name))
    }
    if not todo:
        return []
    # on a GPU each process needs its own CUDA context, so use one
    cores = num_cores() if config.prepare.device == "cpu" else 1
    processes = min(config.workers or cores, len(todo))
    log.info("preparing %d shapes in %d processes under %s", len(todo), processes, layout.root)
    recipe = recipe_of(config)
    arguments = {
        name: (name, source, layout.root, recipe, parts.get(name)) for name, source in todo.items()
    }
    outcomes = run_all(
        prepare_shape, arguments, processes=processes, time_limit=config.prepare.time_limit
    )
    journal = Journal(layout, shard)
    try:
        for name, outcome in show_outcomes(outcomes, len(todo)):
            record = outcome
            if isinstance(record, str):  # the reason of a failure
                record = {"status": "failed", "reason": record, "seconds": None}
                record |= fingerprint(todo[name])
                if name in parts:
                    record["parts"] = parts[name].fingerprints()
            journal.add(name, record)
            if record["status"] != "ok":
                log.warning("%s %s: %s", record["status"], name, record["reason"])
    finally:
        journal.close()
    return list(todo)


def ensure_prepared(job: Job) -> Layout:
    """Return the layout of a job's data set, which is prepared on first use.

    It is prepared if data.root is null or on the command line, but not in a data.root that comes
    from the configuration of a run: opening a run must not write outside it.

    Raises:
        ValueError: if the data set does not exist and is not prepared here.
    """
    config = job.config
    layout = layout_of(job)
    asked_for = config.data.root is None or bool(job.overrides("data.root"))
    has_source = config.data.family is not None or config.data.root is None
    if has_source and not is_prepared(layout) and asked_for:
        prepare(job)
    elif is_prepared(layout) and config.data.root is None and config.data.source is not None:
        _check_unchanged(layout, Path(config.data.source), naming_of(config.data))
    elif not layout.root.is_dir():
        raise ValueError(
            f"the data set '{layout.root}' does not exist; run stage=prepare with the same "
            "data settings, or correct data.root"
        )
    assign_folds(config.data, layout)
    if layout.manifest.exists() and layout.fold is None:
        check_asked(job, layout, asked_splits(config.data))
    return layout


def _check_unchanged(layout: Layout, source: Path, naming: Naming | None) -> None:
    """Check that the source of a data set of one file has not changed, if the file exists."""
    if source.is_file():
        record = read_manifest(layout)["shapes"].get(file_name(source, naming))
        if record is not None and has_changed(source, record):
            raise ValueError(
                f"'{layout.root}' was made from '{source}' before that file changed; run "
                "stage=prepare overwrite=true with the same settings to make it anew"
            )


def recipe_of(config: Config) -> Recipe:
    """Return the recipe by which each shape is prepared."""
    data = config.data
    return Recipe(
        dim=data.dim,
        kind=data.kind,
        sign=data.sign,
        soups=Soups(data.gap, data.thickness or 0.0),  # null where no soups are read
        repair=data.repair,
        normalize=data.normalize,
        extent=data.extent,
        **asdict(data.sampling),
        seed=data.seed,
        primitive=data.primitive,
        device=config.prepare.device,
        formats=build_formats(data.formats, config.allow),
    )
