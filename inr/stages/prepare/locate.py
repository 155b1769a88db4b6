"""Where a data set lies, where its shapes come from, and which of them are meant."""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from inr.config.instantiate import instantiate
from inr.config.job import Job
from inr.config.schema import SPLITS, Config, Data
from inr.data.deepsdf_layout import open_layout
from inr.data.layout import Layout, read_split
from inr.data.parts.sources import PartFiles, find_part_files, part_folder
from inr.data.sources import Family, find_files
from inr.data.splits import Copies, make_fold, make_splits
from inr.runs.directory import OUTPUTS
from inr.shapes.mesh import MESH_SUFFIXES, OUTLINE_SUFFIXES, POINT_SUFFIXES
from inr.stages.prepare.manifest import shape_settings

log = logging.getLogger(__name__)

# of an experiment that fits one
ONE_SHAPE = {"train": 1, "valid": 0, "test": 0}


def data_root(data: Data, raw: Mapping[str, Any]) -> Path:
    """Return data.root, or the folder under outputs/datasets that is named after the settings.

    Raises:
        ValueError: if nothing says which shapes are meant.
    """
    if data.root is not None:
        return Path(data.root)
    # folds are dealt of the same shapes
    assigned = {key: size for key, size in raw["splits"].items() if key not in ("folds", "fold")}
    settings = shape_settings(raw) | {"splits": assigned}
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


def layout_of(command: Job) -> Layout:
    """Return where the data set of a command lies, or will lie."""
    data = command.config.data
    fold = None if data.splits.folds is None else f"{data.splits.fold}_of_{data.splits.folds}"
    layout = open_layout(data_root(data, command.raw["data"]), fold)
    is_ours = data.family is not None or data.source is not None or layout.manifest.exists()
    if is_ours or fold is not None:
        return layout
    # a data set that prepare did not deal
    sizes = split_sizes(data).items()
    return replace(layout, lists=tuple((s, size) for s, size in sizes if isinstance(size, str)))


def is_prepared(layout: Layout) -> bool:
    """Return whether prepare came to its end in this folder."""
    return replace(layout, fold=None).split("train").exists()


def split_sizes(data: Data) -> dict[str, int | float | str]:
    """Return what each split is to be: a count, a fraction, or a file of names."""
    return {split: getattr(data.splits, split) for split in SPLITS}


def read_trained_split(layout: Layout, split: str, trained: Sequence[str]) -> list[str]:
    """Return the names in a split as a run knows it: of the training split, those with a code.

    Args:
        layout: the data set.
        split: which.
        trained: the shapes that the run has latents of.

    Raises:
        ValueError: see `inr.data.layout.read_split`.
    """
    names = read_split(layout, split)
    known = set(trained)
    kept = [name for name in names if name in known]
    # a split of which nothing is left is refused where a latent is missing
    if split != "train" or not kept or len(kept) == len(names) == len(known):
        return names
    log.info(
        "the training split has changed since the run was begun: %d shapes were added, %d taken "
        "out; the run goes on with the %d that it has latents of",
        len(names) - len(kept),
        len(known) - len(kept),
        len(kept),
    )
    return kept


def assign_splits(data: Data, names: Sequence[str], copies: Copies = ()) -> dict[str, list[str]]:
    """Return the splits of some shapes, of which copies of one come into the same.

    Raises:
        ValueError: if there are too few.
    """
    splits = data.splits
    if splits.folds is None:
        return make_splits(names, split_sizes(data), data.seed, copies)
    for split, size in split_sizes(data).items():
        if isinstance(size, str):
            raise ValueError(
                f"data.splits.{split}={size} does not go with data.splits.folds, which deals all "
                "shapes; give a count or fraction"
            )
    valid = splits.valid
    assert not isinstance(valid, str)
    return make_fold(
        names, fold=splits.fold, folds=splits.folds, valid=valid, seed=data.seed, copies=copies
    )


def find_sources(config: Config) -> tuple[dict[str, Path | Family], dict[str, str]]:
    """Return each shape's source by name, and the files refused with the reason."""
    if config.data.family is not None:
        family: Family = instantiate(config.data.family, config.allow)
        return dict.fromkeys(family.names(), family), {}
    assert config.data.source is not None
    ours = [OUTPUTS] if config.data.root is None else [OUTPUTS, Path(config.data.root)]
    source = Path(config.data.source)
    if has_parts(config.data):
        ours.append(source / "parts")
        source = source / "meshes" if (source / "meshes").is_dir() else source
    found, refused = find_files(source, suffixes(config.data), leave_out=ours)
    sizes = split_sizes(config.data)
    # 1.0, a fraction, is all of them
    if sizes == ONE_SHAPE and isinstance(sizes["train"], int) and len(found) > 1:
        raise ValueError(
            f"data.source={config.data.source} holds {len(found)} shapes, and one is to be fitted: "
            f"name its file, say data.source={next(iter(found.values()))}"
        )
    return dict(found), refused


def has_parts(data: Data) -> bool:
    """Return whether the source holds the parts of its shapes too."""
    if data.source is None or data.kind == "points":
        return False
    return part_folder(Path(data.source), suffixes(data)) is not None


def find_parts(data: Data, names: Sequence[str]) -> tuple[dict[str, PartFiles], dict[str, str]]:
    """Return each shape's part files, and the shapes refused; nothing for shapes without parts."""
    if data.source is None or not has_parts(data):
        return {}, {}
    return find_part_files(Path(data.source), names, suffixes(data))


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
