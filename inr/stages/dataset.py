"""What a data set was prepared with, and what that allows: its place, its manifest, its splits."""

import copy
import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from inr.build import instantiate
from inr.data.layout import Layout, read_json, write_json
from inr.data.prepare import Family, Record, digest, find_files
from inr.run import OUTPUTS
from inr.schema import Config, Data
from inr.shapes.mesh import MESH_SUFFIXES, OUTLINE_SUFFIXES, POINT_SUFFIXES
from inr.stages.command import ADOPTED, Command

log = logging.getLogger(__name__)


def data_root(data: Data, raw: Mapping[str, Any]) -> Path:
    """Return data.root, or the folder under outputs/datasets that is named after the settings.

    Raises:
        ValueError: if nothing says which shapes are meant.
    """
    if data.root is not None:
        return Path(data.root)
    settings = shape_settings(raw) | {"splits": raw["splits"]}
    if data.family is not None:
        name = str(data.family["_target_"]).rpartition(".")[2].lower()
    elif data.source is not None:
        source = Path(data.source).resolve()
        name = source.stem
        settings["source"] = str(source)
    else:
        raise ValueError(
            "which shapes? add data.source=<folder of your shapes, or one file>, or "
            "data.root=<a prepared data set>"
        )
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:8]
    return OUTPUTS / "datasets" / f"{name}_{digest}"


def is_prepared(layout: Layout) -> bool:
    """Return whether prepare came to its end in this folder."""
    return layout.split("train").exists()


def find_sources(config: Config) -> tuple[dict[str, Path | Family], dict[str, str]]:
    """Return each shape's source by name, and the files refused with the reason."""
    if config.data.family is not None:
        family: Family = instantiate(config.data.family, config.allow)
        return dict.fromkeys(family.names(), family), {}
    assert config.data.source is not None
    found, refused = find_files(Path(config.data.source), suffixes(config.data))
    return dict(found), refused


def suffixes(data: Data) -> tuple[str, ...]:
    """Return the suffixes of the files that hold such shapes."""
    if data.kind == "points":
        return POINT_SUFFIXES
    return OUTLINE_SUFFIXES if data.dim == 2 else MESH_SUFFIXES


def complete(raw: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration in which data.dim is a number.

    Where it is null, the suffix of data.source tells it.

    Raises:
        ValueError: if that does not tell.
    """
    data = raw["data"]
    if data["dim"] is not None:
        return raw
    if data["source"] is not None:
        dim = _dim_of(Path(data["source"]))
    elif raw["run"] is not None or raw["resume"] is not None:
        dim = 3  # the run's own will take its place
    elif data["root"] is not None:
        raise ValueError("a prepared data set does not say its dimension here; add data.dim=2|3")
    else:
        raise ValueError("which shape? add data.source=<file of one shape>")
    return {**raw, "data": {**data, "dim": dim}}


def _dim_of(source: Path) -> int:
    files = sorted(source.rglob("*")) if source.is_dir() else [source]
    for path in files:
        if path.suffix.lower() in OUTLINE_SUFFIXES:
            return 2
        if path.suffix.lower() in MESH_SUFFIXES:
            return 3
    known = ", ".join((*MESH_SUFFIXES, *OUTLINE_SUFFIXES))
    raise ValueError(
        f"data.source={source} is of no known suffix ({known}); point clouds need data=points"
    )


def adopt_settings(command: Command, layout: Layout) -> Command:
    """Return the command with the settings that the data set was really prepared with.

    Raises:
        ValueError: if the command line says otherwise.
    """
    if not layout.manifest.exists():
        return command
    raw = copy.deepcopy(command.raw)
    for key, value in read_json(layout.manifest).get("settings", {}).items():
        if key not in ADOPTED or raw["data"][key] == value:
            continue
        if any(override.startswith(f"data.{key}") for override in command.overrides):
            was, now = _difference(value, raw["data"][key])
            raise ValueError(
                f"'{layout.root}' was prepared with data.{key}={was}, not {now}; leave it out, or "
                "prepare another data.root with it"
            )
        raw["data"][key] = value
    return replace(command, raw=raw)


def _difference(one: Any, other: Any) -> tuple[Any, Any]:
    """Return two settings without the entries that they share."""
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return one, other
    keys = [key for key in other if one.get(key) != other[key]]
    return {key: one.get(key) for key in keys}, {key: other[key] for key in keys}


def shape_settings(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return what decides how a shape's files look."""
    keys = ("dim", "kind", "family", "normalize", "extent", "sampling", "seed")
    return {key: raw[key] for key in keys}


def open_manifest(layout: Layout, raw: Mapping[str, Any], overwrite: bool) -> dict[str, Any]:
    """Return the manifest to go on with, written before the first shape is.

    Raises:
        ValueError: if what is there was made with other settings, or not by this program.
    """
    fresh: dict[str, Any] = {"settings": shape_settings(raw), "shapes": {}}
    if not overwrite and layout.manifest.exists():
        manifest = read_json(layout.manifest)
        before = {"kind": "solid", **manifest.get("settings", {})}
        for key, value in fresh["settings"].items():
            if before.get(key) != value:
                was, now = _difference(before.get(key), value)
                raise ValueError(
                    f"'{layout.root}' was prepared with data.{key}={was}, not {now}; "
                    "add overwrite=true to make it anew, or choose another data.root"
                )
        return dict(manifest)
    if not overwrite and layout.names():
        raise ValueError(
            f"'{layout.root}' holds samples that this program did not make; leave out data.source "
            "to use them as they are, or choose another data.root"
        )
    write_json(fresh, layout.manifest)
    return fresh


def is_finished(layout: Layout, name: str, source: Path | Family, record: Record | None) -> bool:
    """Return whether a shape needs nothing more; without a record it was cut off half-way.

    Raises:
        ValueError: if it was made from a file that has changed since.
    """
    if record is None:
        return False
    changed = isinstance(source, Path) and record.get("digest") != digest(source)
    if record["status"] == "refused":
        return not changed  # a mended file gets its chance
    if not layout.is_ready(name):
        return False
    if changed:
        raise ValueError(
            f"'{name}' in '{layout.root}' was made from another file than '{source}' now is; add "
            "overwrite=true to make the data set anew, or choose another data.root"
        )
    return True


def check_splits(layout: Layout, ready: list[str], dealt: Any, asked: Mapping[str, Any]) -> None:
    """Check that the splits there are those asked for, unless they are the user's own lists."""
    folder = layout.split("train").parent
    if dealt is not None and dealt != asked:
        raise ValueError(
            f"the splits of '{layout.root}' were dealt with {dealt}, not {asked}; delete {folder} "
            "to deal them anew"
        )
    listed = {n for path in folder.glob("*.json") for n in read_json(path)}
    left_out = sorted(set(ready) - listed)
    if left_out:
        log.info(
            "%d shapes are in no split (%s first); delete %s to deal them anew",
            len(left_out),
            left_out[0],
            folder,
        )
