"""The end of stage=prepare, which concerns all shapes together."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from inr.config.schema import Config
from inr.data.duplicates import find_duplicates
from inr.data.journal import JournalEntry, Shard, delete_journals, read_records, ready_names
from inr.data.layout import Layout, read_json, write_json
from inr.data.missing_sources import drop_missing, mark_missing
from inr.data.sources import Family
from inr.data.summary import count_statuses, parts_of_no_shape, summarise
from inr.runs.dataset import is_prepared
from inr.stages.prepare.splits import assign_all

log = logging.getLogger(__name__)


class ShapesRefused(Exception):  # noqa: N818 (it is asked for, with strict=true)
    """A shape was refused, which strict=true forbids."""

    exit_code = 1


def finish(
    config: Config,
    layout: Layout,
    sources: Mapping[str, Path | Family],
    refused: Mapping[str, str],
    made: list[str],
    shard: Shard,
) -> None:
    """Write the manifest and the splits, and sum up, once no shape is left to other shards.

    Args:
        config: of the call.
        layout: the data set.
        sources: what each shape is made from, by name.
        refused: why shapes were refused before any was made.
        made: shapes that this call made or tried to.
        shard: of the call.

    Raises:
        ValueError: if nothing can be used.
        ShapesRefused: if some cannot, and config.strict forbids that.
    """
    known = read_records(layout)
    waiting = sum(name not in known for name in sources)
    if waiting:
        log.info(
            "shard %d of %d is done; %d shapes are left to other shards, the last of which writes "
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
    """Write the manifest, if it changes, and return its records."""
    if config.prepare.drop_missing:
        known = drop_missing(layout, known, sources)
    records = {  # of another source too, which may be mounted in part
        name: record
        for name, record in sorted(mark_missing(known, sources).items())
        if name in sources or record["status"] == "ok"
    }
    records |= {
        name: {"status": "refused", "reason": reason, "seconds": 0.0}
        for name, reason in refused.items()
    }
    manifest = read_json(layout.manifest)
    if is_prepared(layout):  # before, the splits were of all that was ready
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
    """Log what is ready, and assign it to splits.

    Raises:
        ValueError: if nothing can be used.
        ShapesRefused: if some cannot, and that is not allowed.
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
        for line in summarise(records):
            log.info("%s", line)
        _warn_of_parts(records)
    assign_all(config.data, layout)
    if config.strict and count["ok"] < len(records):
        raise ShapesRefused(f"{len(records) - count['ok']} shapes were refused and strict=true")


def _warn_of_parts(records: Mapping[str, JournalEntry]) -> None:
    missing = parts_of_no_shape(records)
    if missing:
        log.warning(
            "parts that no shape has: %s; a network would keep room for them untrained; files of "
            "parts are numbered from part0, and overwrite=true makes renamed ones anew",
            ", ".join(map(str, missing)),
        )
