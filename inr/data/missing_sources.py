"""Shapes whose source file is missing: kept and marked, or dropped on request."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inr.data.journal import JournalEntry
from inr.data.layout import Layout, read_json, read_manifest, write_json
from inr.data.prepare.shape import delete_shape
from inr.hints import shorten

log = logging.getLogger(__name__)


def mark_missing(
    records: Mapping[str, JournalEntry], sources: Mapping[str, Any]
) -> dict[str, JournalEntry]:
    """Return the records, with `gone` set for shapes without source file; log those shapes.

    A file that exists is not missing, even if it is outside the folder prepared now.

    Args:
        records: shape to its entry, of all known shapes.
        sources: shapes found in the source now, as keys.
    """
    missing = _missing(records, sources)
    if missing:
        log.warning(
            "the source files of %d shapes are missing; the shapes stay in the data set as they "
            "were prepared, marked `gone` in its manifest: %s; add prepare.drop_missing=true to "
            "drop them",
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
    """Remove shapes whose source file is missing from a data set; return the other records.

    They are removed from the splits and folds first, then from the manifest; their files are
    deleted last, so that a kill leaves no reference to a deleted file.
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
    manifest = read_manifest(layout)
    manifest["shapes"] = {n: r for n, r in manifest["shapes"].items() if n not in missing}
    if "dealt" in manifest:
        manifest["dealt"] = [name for name in manifest["dealt"] if name not in missing]
    pairs = manifest.get("near_duplicates", [])
    manifest["near_duplicates"] = [pair for pair in pairs if not set(pair) & set(missing)]
    write_json(manifest, layout.manifest)
    for name in missing:
        delete_shape(layout, name)
    log.info("dropped %d shapes whose source files are missing: %s", len(missing), shorten(missing))
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
