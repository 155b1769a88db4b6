"""The manifest of a data set: the settings that it was prepared with, compared with a job's."""

import copy
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from inr.config.job import FROM_MANIFEST, Job
from inr.config.renamed import in_new_names
from inr.data.journal import JournalEntry, check_alone, delete_journals, read_records
from inr.data.layout import Layout, read_manifest, write_json
from inr.data.parts.sources import PartFiles
from inr.data.prepare.inside import SOUP_SIGNS, default_thickness
from inr.data.sources import Family, has_changed
from inr.runs.dataset import shape_settings

log = logging.getLogger(__name__)

# values of settings that are newer than a manifest
OLD_DEFAULTS = {"kind": "solid", "sign": "winding", "repair": False, "primitive": "cuboid"}
# values of settings that a manifest leaves out
LEFT_OUT = {"name": None}
OLD_SAMPLING_DEFAULTS = {"edge_fraction": 0.0, "dtype": "float32"}


def adopt_settings(job: Job, layout: Layout) -> Job:
    """Return the job with the settings that the data set was prepared with.

    Raises:
        ValueError: if the command line contradicts them.
    """
    if not layout.manifest.exists():
        return job
    raw = copy.deepcopy(job.raw)
    for key, value in settings_in(read_manifest(layout)).items():
        if f"data.{key}" not in FROM_MANIFEST or raw["data"][key] == value:
            continue
        if job.overrides(f"data.{key}"):
            was, now = _difference(value, raw["data"][key])
            raise ValueError(
                f"'{layout.root}' was prepared with data.{key}={was}, not {now}; leave it out, or "
                "prepare another data.root with it"
            )
        raw["data"][key] = value
    job = replace(job, raw=raw)
    check_soup_settings(job, layout)
    return job


def keep_settings(job: Job, layout: Layout) -> Job:
    """Return the job with `data.sign` and an inferred `data.thickness` as its data set has them.

    Unless the command line sets them, or the data set is made anew: data sets from before the
    default was `auto`, or of another `eval.resolution`, grow and are read as they were.
    """
    if job.raw["overwrite"] or not layout.manifest.exists():
        return job
    if not any(record["status"] == "ok" for record in read_records(layout).values()):
        return job
    raw = copy.deepcopy(job.raw)
    data, made = raw["data"], settings_in(read_manifest(layout))
    if made["sign"] != data["sign"] and not job.overrides("data.sign"):
        log.info(
            "'%s' was prepared with data.sign=%s, which is kept; data.sign=%s overwrite=true makes "
            "it anew",
            *(layout.root, made["sign"], data["sign"]),
        )
        data["sign"] = made["sign"]
    inferred = (None, default_thickness(raw["eval"]["resolution"]))
    if data["thickness"] in inferred and not job.overrides("data.thickness"):
        data["thickness"] = made.get("thickness", data["thickness"])
    return replace(job, raw=raw)


def check_soup_settings(job: Job, layout: Layout) -> None:
    """Check that the settings of triangle soups on the command line have an effect.

    Raises:
        ValueError: if `data.sign` is one that reads no soups.
    """
    sign = job.raw["data"]["sign"]
    for key in ("data.gap", "data.thickness"):
        if sign not in SOUP_SIGNS and job.overrides(key):
            remedy = "add data.sign=auto"
            if layout.manifest.exists():
                remedy = "prepare it anew with data.sign=auto overwrite=true"
            raise ValueError(
                f"{key} is of triangle soups, and has no effect with data.sign={sign}; leave it "
                f"out, or {remedy}"
            )


def settings_in(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a manifest in current names, with defaults of newer ones."""
    settings: dict[str, Any] = in_new_names({"data": manifest.get("settings", {})})["data"]
    if settings.get("sampling"):
        settings["sampling"] = {**OLD_SAMPLING_DEFAULTS, **settings["sampling"]}
    return {**OLD_DEFAULTS, **settings}


def _difference(one: Any, other: Any) -> tuple[Any, Any]:
    """Return two settings without the entries that are equal."""
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return one, other
    keys = [key for key in other if one.get(key) != other[key]]
    return {key: one.get(key) for key in keys}, {key: other[key] for key in keys}


def open_manifest(layout: Layout, raw: Mapping[str, Any], overwrite: bool) -> dict[str, Any]:
    """Return the manifest, and write it if it is new.

    A manifest with other settings is replaced if none of its shapes is ready.

    Raises:
        ValueError: if the data set was prepared with other settings, or not by this program.
    """
    fresh: dict[str, Any] = {"settings": shape_settings(raw), "shapes": {}}
    if not overwrite and layout.manifest.exists():
        manifest = read_manifest(layout)
        before = settings_in(manifest)
        asked = {**LEFT_OUT, **fresh["settings"]}
        changed = [key for key, value in asked.items() if before.get(key) != value]
        if not changed:
            return dict(manifest)
        if not _forget_refusals(layout):
            was, now = _difference(before.get(changed[0]), asked[changed[0]])
            raise ValueError(
                f"'{layout.root}' was prepared with data.{changed[0]}={was}, not {now}; "
                "add overwrite=true to make it anew, or choose another data.root"
            )
    elif not overwrite and layout.names() and not any(layout.root.glob("journal_*.jsonl")):
        raise ValueError(
            f"'{layout.root}' holds samples that were not made by this program; leave out "
            "data.source to use them as they are, or choose another data.root"
        )
    write_json(fresh, layout.manifest)
    return fresh


def _forget_refusals(layout: Layout) -> bool:
    """Forget all records if no shape is ready; return whether that was so.

    Raises:
        ValueError: if another process is preparing the data set.
    """
    records = read_records(layout).values()
    is_assigned = replace(layout, fold=None).split("train").exists()
    if is_assigned or layout.names() or any(record["status"] == "ok" for record in records):
        return False
    check_alone(layout)
    delete_journals(layout)
    return True


def keep_num_parts(layout: Layout, manifest: dict[str, Any], num_parts: int) -> dict[str, Any]:
    """Return the manifest with the number of parts per shape, absent parts included.

    The first call fixes it: shapes that are added later may have fewer parts. It is replaced if no
    shape is ready.

    Args:
        layout: layout of the data set.
        manifest: manifest so far.
        num_parts: number of parts in the source; 0 if it has none.

    Raises:
        ValueError: if the source has more parts than the data set, or only one of them has parts.
    """
    before = manifest.get("num_parts", 0 if manifest["shapes"] else num_parts)
    if num_parts > before or (before > 0 and num_parts == 0):
        if _forget_refusals(layout):
            return {**manifest, "shapes": {}, "num_parts": num_parts}
        raise ValueError(
            f"'{layout.root}' was prepared with {before} parts per shape, but there are now "
            f"{num_parts}; add overwrite=true to make it anew, or choose another data.root"
        )
    return {**manifest, "num_parts": before}


def is_finished(
    layout: Layout,
    name: str,
    source: Path | Family,
    record: JournalEntry | None,
    parts: PartFiles | None,
) -> bool:
    """Return whether a shape is finished; one without a record was interrupted.

    Raises:
        ValueError: if the source file or the part files have changed since.
    """
    if record is None or record["status"] == "failed":  # out of time or memory, for example
        return False
    changed = isinstance(source, Path) and has_changed(source, record)
    other_parts = parts is not None and parts.have_changed(record)
    if record["status"] == "refused":
        return not (changed or other_parts)  # a repaired file is tried again
    if not layout.is_ready(name):
        return False
    given = source.resolve() if isinstance(source, Path) else None
    made_of = Path(record["source"]) if changed else given
    if given is not None and made_of is not None and made_of != given and made_of.exists():
        raise ValueError(
            f"'{name}' in '{layout.root}' was made from '{record['source']}', and '{source}' would "
            "have the same name; rename one of them"
        )
    if changed:
        raise ValueError(
            f"'{name}' in '{layout.root}' was made from '{source}' before that file changed; "
            f"delete {layout.samples(name).parent} to make it anew, or add overwrite=true to make "
            "all of them"
        )
    if other_parts:
        raise ValueError(
            f"the parts of '{name}' in '{layout.root}' were made before their files changed; "
            f"delete {layout.samples(name).parent} to make it anew, or add overwrite=true to "
            "make all of them"
        )
    return True


def check_asked(job: Job, layout: Layout, asked: Mapping[str, Any]) -> None:
    """Check that the splits on the command line are those that were assigned.

    Raises:
        ValueError: if they are not.
    """
    assigned = read_manifest(layout).get("splits")
    said = job.overrides("data.splits")
    if assigned is not None and said and assigned != asked:
        was, now = _difference(assigned, dict(asked))
        raise ValueError(
            f"the splits of '{layout.root}' were assigned with {was}, not {now}; leave out "
            f"{said[0].line}, or prepare another data.root with it"
        )


def check_assigned(layout: Layout, manifest: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Check that the assigned splits are those asked for, unless the user wrote the split files.

    Raises:
        ValueError: if they are not.
    """
    assigned = manifest.get("splits")
    if assigned is not None and assigned != asked and layout.split("train").exists():
        raise ValueError(
            f"the splits of '{layout.root}' were assigned with {assigned}, not {asked}; delete "
            f"{layout.split('train').parent} to assign them anew"
        )
