"""Shapes whose source file is missing: kept and marked, or dropped where that is asked for."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inr.data.journal import JournalEntry
from inr.data.layout import Layout, read_json, write_json
from inr.data.prepare import delete_shape
from inr.hints import shorten

log = logging.getLogger(__name__)


def mark_missing(
    records: Mapping[str, JournalEntry], sources: Mapping[str, Any]
) -> dict[str, JournalEntry]:
    """Return the records with `gone` at those whose source file is missing, and log which.

    A file that is back, or that lies in another folder than the one prepared now, is not missing.

    Args:
        records: of all shapes that are known, by name.
        sources: the shapes that there are now.
    """
    missing = _missing(records, sources)
    if missing:
        log.warning(
            "%d shapes have lost their source files and stay in the data set as they were "
            "prepared, marked `gone` in its manifest: %s; add prepare.drop_missing=true to drop "
            "them",
            len(missing),
            shorten(missing),
        )
    kept = {
        name: {key: value for key, value in record.items() if key != "gone"}
        for name, record in records.items()
    }
    return {name: {**r, "gone": True} if name in missing else r for name, r in kept.items()}


def drop_missing(
    layout: Layout, records: Mapping[str, JournalEntry], sources: Mapping[str, Any]
) -> dict[str, JournalEntry]:
    """Take shapes whose source file is missing out of a data set, and return the other records.

    First out of the splits and folds, then out of the manifest; their files are deleted last, so
    that nothing ever names a file that is not there.
    """
    missing = _missing(records, sources)
    kept = {name: record for name, record in records.items() if name not in missing}
    if not missing:
        return kept
    for path in sorted(layout.root.glob("splits/**/*.json")):
        content = read_json(path)
        names = content["names"] if isinstance(content, dict) else content
        left = [name for name in names if name not in missing]
        if left != names:
            write_json({**content, "names": left} if isinstance(content, dict) else left, path)
    manifest = read_json(layout.manifest)
    manifest["shapes"] = {n: r for n, r in manifest["shapes"].items() if n not in missing}
    if "dealt" in manifest:
        manifest["dealt"] = [name for name in manifest["dealt"] if name not in missing]
    pairs = manifest.get("near_duplicates", [])
    manifest["near_duplicates"] = [pair for pair in pairs if not set(pair) & set(missing)]
    write_json(manifest, layout.manifest)
    for name in missing:
        delete_shape(layout, name)
    log.info(
        "dropped %d shapes that have lost their source files: %s", len(missing), shorten(missing)
    )
    return kept


def _missing(records: Mapping[str, JournalEntry], sources: Mapping[str, Any]) -> list[str]:
    return [
        name
        for name, record in sorted(records.items())
        if record["status"] == "ok"
        and name not in sources
        and record.get("source") is not None
        and not Path(record["source"]).exists()
    ]
