"""What a data set was prepared with, and what that allows: its place, its manifest, its splits."""

import copy
import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from inr.build import instantiate
from inr.data.deepsdf_layout import open_layout
from inr.data.journal import Record, held
from inr.data.layout import Layout, read_json, write_json
from inr.data.sources import Family, find_files, has_changed
from inr.data.splits import make_fold, make_splits
from inr.run import OUTPUTS
from inr.schema import SPLITS, Config, Data
from inr.shapes.mesh import MESH_SUFFIXES, OUTLINE_SUFFIXES, POINT_SUFFIXES
from inr.stages.command import ADOPTED, Command

log = logging.getLogger(__name__)

# of an experiment that fits one
ONE_SHAPE = {"train": 1, "valid": 0, "test": 0}
# settings that data sets of before were made without knowing
BEFORE = {"kind": "solid", "sign": "winding", "repair": False}
SAMPLING_BEFORE = {"edge_share": 0.0, "dtype": "float32"}


def data_root(data: Data, raw: Mapping[str, Any]) -> Path:
    """Return data.root, or the folder under outputs/datasets that is named after the settings.

    Raises:
        ValueError: if nothing says which shapes are meant.
    """
    if data.root is not None:
        return Path(data.root)
    # folds are dealt of the same shapes
    dealt = {key: size for key, size in raw["splits"].items() if key not in ("folds", "fold")}
    settings = shape_settings(raw) | {"splits": dealt}
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


def layout_of(command: Command) -> Layout:
    """Return where the data set of a command lies, or will lie."""
    data = command.config.data
    fold = None if data.splits.folds is None else f"{data.splits.fold}_of_{data.splits.folds}"
    return open_layout(data_root(data, command.raw["data"]), fold)


def is_prepared(layout: Layout) -> bool:
    """Return whether prepare came to its end in this folder."""
    return replace(layout, fold=None).split("train").exists()


def split_sizes(data: Data) -> dict[str, int | float | str]:
    """Return what each split is to be: a count, a share, or a file of names."""
    return {split: getattr(data.splits, split) for split in SPLITS}


def deal(data: Data, names: Sequence[str]) -> dict[str, list[str]]:
    """Return the splits of some shapes.

    Raises:
        ValueError: if there are too few.
    """
    splits = data.splits
    if splits.folds is None:
        return make_splits(names, split_sizes(data), data.seed)
    valid = splits.valid
    if isinstance(valid, str):
        raise ValueError(
            f"data.splits.valid={valid} does not go with data.splits.folds; give a count or share"
        )
    return make_fold(names, fold=splits.fold, folds=splits.folds, valid=valid, seed=data.seed)


def deal_fold(data: Data, layout: Layout) -> None:
    """Write the splits of the fold that is asked for, if one is and they are not there.

    Raises:
        ValueError: if there are too few shapes, or they cannot be written.
    """
    if layout.fold is None or layout.split("train").exists():
        return
    try:
        with held(layout.root / ".lock"):
            for split, names in reversed(deal(data, layout.names()).items()):
                write_json(names, layout.split(split))
    except OSError as error:
        raise ValueError(f"cannot write {layout.split('train')}: {error}") from error


def find_sources(config: Config) -> tuple[dict[str, Path | Family], dict[str, str]]:
    """Return each shape's source by name, and the files refused with the reason."""
    if config.data.family is not None:
        family: Family = instantiate(config.data.family, config.allow)
        return dict.fromkeys(family.names(), family), {}
    assert config.data.source is not None
    found, refused = find_files(Path(config.data.source), suffixes(config.data))
    if split_sizes(config.data) == ONE_SHAPE and len(found) > 1:
        raise ValueError(
            f"data.source={config.data.source} holds {len(found)} shapes, and one is to be fitted: "
            f"name its file, say data.source={next(iter(found.values()))}"
        )
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
    keys = ("dim", "kind", "family", "sign", "repair", "normalize", "extent", "sampling", "seed")
    return {key: raw[key] for key in keys}


def open_manifest(layout: Layout, raw: Mapping[str, Any], overwrite: bool) -> dict[str, Any]:
    """Return the manifest to go on with, written before the first shape is.

    Raises:
        ValueError: if what is there was made with other settings, or not by this program.
    """
    fresh: dict[str, Any] = {"settings": shape_settings(raw), "shapes": {}}
    if not overwrite and layout.manifest.exists():
        manifest = read_json(layout.manifest)
        before = {**BEFORE, **manifest.get("settings", {})}
        before["sampling"] = {**SAMPLING_BEFORE, **(before.get("sampling") or {})}
        for key, value in fresh["settings"].items():
            if before.get(key) != value:
                was, now = _difference(before.get(key), value)
                raise ValueError(
                    f"'{layout.root}' was prepared with data.{key}={was}, not {now}; "
                    "add overwrite=true to make it anew, or choose another data.root"
                )
        return dict(manifest)
    if not overwrite and layout.names() and not any(layout.root.glob("journal/*")):
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
    if record is None or record["status"] == "failed":  # for want of time or memory, say
        return False
    changed = isinstance(source, Path) and has_changed(source, record)
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
