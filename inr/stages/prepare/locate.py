"""Find the sources of a data set (shape files, part files, a procedural family); assign splits."""

import logging
from collections.abc import Sequence
from pathlib import Path

from inr.config.formats import build_formats
from inr.config.instantiate import instantiate
from inr.config.schema import Config
from inr.data.parts.sources import PartFiles, find_part_files, part_folder
from inr.data.settings import Data
from inr.data.sources import Family, find_files
from inr.data.splits import Copies, make_fold, make_splits
from inr.files import OUTPUTS
from inr.runs.dataset import split_sizes
from inr.shapes.formats.base import OUTLINE, POINTS, SURFACE
from inr.shapes.formats.table import suffixes

log = logging.getLogger(__name__)

# data.splits of an experiment that fits one shape
ONE_SHAPE = {"train": 1, "valid": 0, "test": 0}


def assign_splits(data: Data, names: Sequence[str], copies: Copies = ()) -> dict[str, list[str]]:
    """Assign shapes to splits, copies of one shape to the same split.

    Args:
        data: settings of the data set.
        names: names of the shapes.
        copies: groups of names that are copies of one shape.

    Raises:
        ValueError: if there are too few shapes.
    """
    splits = data.splits
    if splits.folds is None:
        return make_splits(names, split_sizes(data), data.seed, copies)
    for split, size in split_sizes(data).items():
        if isinstance(size, str):
            raise ValueError(
                f"data.splits.{split}={size} does not go with data.splits.folds, which assigns "
                "all shapes; give a count or fraction"
            )
    valid = splits.valid
    assert not isinstance(valid, str)
    return make_fold(
        names, fold=splits.fold, folds=splits.folds, valid=valid, seed=data.seed, copies=copies
    )


def find_sources(config: Config) -> tuple[dict[str, Path | Family], dict[str, str]]:
    """Return the source of each shape by name, and the reasons of refused files by name."""
    if config.data.family is not None:
        family: Family = instantiate(config.data.family, config.allow)
        return dict.fromkeys(family.names(), family), {}
    assert config.data.source is not None
    excluded = [OUTPUTS] if config.data.root is None else [OUTPUTS, Path(config.data.root)]
    source = Path(config.data.source)
    if source_has_parts(config):
        excluded.append(source / "parts")
        source = source / "meshes" if (source / "meshes").is_dir() else source
    found, refused = find_files(source, source_suffixes(config), leave_out=excluded)
    sizes = split_sizes(config.data)
    # an int: a train of 1.0 means all shapes, not one
    if sizes == ONE_SHAPE and isinstance(sizes["train"], int) and len(found) > 1:
        raise ValueError(
            f"data.source={config.data.source} holds {len(found)} shapes, but this experiment fits "
            f"one; give one file, for example data.source={next(iter(found.values()))}"
        )
    return dict(found), refused


def source_has_parts(config: Config) -> bool:
    """Return whether the source has a folder of parts."""
    if config.data.source is None or config.data.kind == "points":
        return False
    return part_folder(Path(config.data.source), source_suffixes(config)) is not None


def find_parts(config: Config, names: Sequence[str]) -> tuple[dict[str, PartFiles], dict[str, str]]:
    """Return the part files of each shape, if there are any, and the reasons of refused shapes."""
    if config.data.source is None or not source_has_parts(config):
        return {}, {}
    return find_part_files(Path(config.data.source), names, source_suffixes(config))


def source_suffixes(config: Config) -> tuple[str, ...]:
    """Return the file suffixes that are read for this data set."""
    data = config.data
    kind = POINTS if data.kind == "points" else OUTLINE if data.dim == 2 else SURFACE
    return suffixes(kind, build_formats(data.formats, config.allow))
