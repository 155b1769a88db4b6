"""The last step of stage=prepare, over all shapes: manifest, splits and summary."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from inr.config.schema import Config
from inr.data.duplicates import find_duplicates
from inr.data.journal import JournalEntry, Shard, delete_journals, read_records, ready_names
from inr.data.layout import Layout, read_manifest, write_json
from inr.data.missing_sources import drop_missing, mark_missing
from inr.data.sources import Family
from inr.data.summary import count_statuses, parts_of_no_shape, summarise, warnings_of_soups
from inr.exits import ExitCode
from inr.runs.dataset import is_prepared
from inr.stages.prepare.splits import assign_all

log = logging.getLogger(__name__)


class ShapesRefused(ExitCode, Exception):  # noqa: N818 (not an error by itself: strict=true asks for it)
    """A shape was refused, which strict=true forbids."""

    exit_code = 1


def finalize(
    config: Config,
    layout: Layout,
    sources: Mapping[str, Path | Family],
    refused: Mapping[str, str],
    made: list[str],
    shard: Shard,
) -> None:
    """Write the manifest and the splits, and log a summary, once all shards are done.

    Args:
        config: configuration of the job.
        layout: layout of the data set.
        sources: source of each shape, by name.
        refused: reasons of shapes that were refused before sampling, by name.
        made: names of the shapes that this call prepared or tried to.
        shard: shard of the job.

    Raises:
        ValueError: if no shape can be used.
        ShapesRefused: if a shape was refused and config.strict is set.
    """
    known = read_records(layout)
    waiting = sum(name not in known for name in sources)
    if waiting:
        log.info(
            "shard %d of %d is done; %d shapes are left to other shards; the last one writes "
            "%s and the splits",
            shard.index,
            shard.count,
            waiting,
            layout.manifest,
        )
        return
    records = _record(config, layout, known, sources, refused, is_new=bool(made))
    _report(config, layout, records, made)


def _record(
    config: Config,
    layout: Layout,
    known: dict[str, JournalEntry],
    sources: Mapping[str, Path | Family],
    refused: Mapping[str, str],
    *,
    is_new: bool,
) -> dict[str, JournalEntry]:
    """Write the manifest if it changes, and return its records."""
    if config.prepare.drop_missing:
        known = drop_missing(layout, known, sources)
    records = {  # finished shapes stay if their source is missing (an unmounted disk, say)
        name: record
        for name, record in sorted(mark_missing(known, sources).items())
        if name in sources or record["status"] == "ok"
    }
    records |= {
        name: {"status": "refused", "reason": reason, "seconds": 0.0}
        for name, reason in refused.items()
    }
    manifest = read_manifest(layout)
    if is_prepared(layout):  # manifests of earlier versions: all ready shapes were assigned
        manifest.setdefault("dealt", ready_names(layout))
    is_new |= manifest["shapes"] != records
    manifest["shapes"] = records
    if is_new:
        ready = {name: record for name, record in records.items() if record["status"] == "ok"}
        manifest["near_duplicates"] = find_duplicates(layout, ready, config.data.dim)
        write_json(manifest, layout.manifest)
    delete_journals(layout)
    return records


def _report(
    config: Config, layout: Layout, records: Mapping[str, JournalEntry], made: Sequence[str]
) -> None:
    """Log a summary, and assign the ready shapes to splits.

    Raises:
        ValueError: if no shape can be used.
        ShapesRefused: if a shape was refused and config.strict is set.
    """
    count = count_statuses(records)
    log.info(
        "%s: %s%d shapes ready (%d of them made now), %d refused, %d failed; see %s",
        layout.root,
        "" if made else "nothing to do, ",
        count["ok"],
        sum(records[name]["status"] == "ok" for name in made),
        count["refused"],
        count["failed"],
        layout.manifest,
    )
    if not count["ok"] and len(records) == 1:
        ((name, record),) = records.items()
        raise ValueError(f"'{name}' cannot be used: {record['reason']}")
    if not count["ok"]:
        raise ValueError(f"every shape was refused; the reasons are in {layout.manifest}")
    if made:
        data, resolution = config.data, config.eval.resolution
        for line in summarise(records, sign=data.sign):
            log.info("%s", line)
        for line in warnings_of_soups(records, gap=data.gap, resolution=resolution):
            log.warning("%s", line)
        _warn_of_parts(records)
    assign_all(config.data, layout)
    if config.strict and count["ok"] < len(records):
        raise ShapesRefused(f"{len(records) - count['ok']} shapes were refused and strict=true")


def _warn_of_parts(records: Mapping[str, JournalEntry]) -> None:
    missing = parts_of_no_shape(records)
    if missing:
        log.warning(
            "no shape has these parts: %s; a network would have untrained latents for them; files "
            "of parts are numbered from part0; after renaming files add overwrite=true",
            ", ".join(map(str, missing)),
        )
