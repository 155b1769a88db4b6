"""The sources of a data set: shape files, part files, a family; and who goes in which split."""

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

# of an experiment that fits one
ONE_SHAPE = {"train": 1, "valid": 0, "test": 0}


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
                f"data.splits.{split}={size} does not go with data.splits.folds, which assigns "
                "all shapes; give a count or fraction"
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
    if source_has_parts(config):
        ours.append(source / "parts")
        source = source / "meshes" if (source / "meshes").is_dir() else source
    found, refused = find_files(source, taken(config), leave_out=ours)
    sizes = split_sizes(config.data)
    # 1.0, a fraction, is all of them
    if sizes == ONE_SHAPE and isinstance(sizes["train"], int) and len(found) > 1:
        raise ValueError(
            f"data.source={config.data.source} holds {len(found)} shapes, and one is to be fitted: "
            f"name its file, say data.source={next(iter(found.values()))}"
        )
    return dict(found), refused


def source_has_parts(config: Config) -> bool:
    """Return whether the source holds the parts of its shapes too."""
    if config.data.source is None or config.data.kind == "points":
        return False
    return part_folder(Path(config.data.source), taken(config)) is not None


def find_parts(config: Config, names: Sequence[str]) -> tuple[dict[str, PartFiles], dict[str, str]]:
    """Return each shape's part files, and the shapes refused; nothing for shapes without parts."""
    if config.data.source is None or not source_has_parts(config):
        return {}, {}
    return find_part_files(Path(config.data.source), names, taken(config))


def taken(config: Config) -> tuple[str, ...]:
    """Return the suffixes of the files that hold such shapes."""
    data = config.data
    kind = POINTS if data.kind == "points" else OUTLINE if data.dim == 2 else SURFACE
    return suffixes(kind, build_formats(data.formats, config.allow))
