"""Find the sources of a data set (shape files, part files, a procedural family); assign splits."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from inr.config.formats import build_formats
from inr.config.instantiate import instantiate
from inr.config.schema import Config
from inr.data.names.paths import Naming, recognise
from inr.data.parts.sources import PartFiles, find_part_files, part_folder
from inr.data.settings import FOLDER, Data
from inr.data.sources import Family, find_files
from inr.data.splits import Copies, Sizes, make_fold, make_splits, read_lists
from inr.files import OUTPUTS
from inr.runs.dataset import chosen_classes, split_sizes
from inr.shapes.formats.base import OUTLINE, POINTS, SURFACE
from inr.shapes.formats.table import suffixes

log = logging.getLogger(__name__)

# data.splits of an experiment that fits one shape
ONE_SHAPE = {"train": 1, "valid": 0, "test": 0}
# folders that hold the shapes of a split
SPLIT_FOLDERS = {"train": {"train"}, "valid": {"valid", "val", "validation"}, "test": {"test"}}


def assign_splits(
    data: Data, sources: Mapping[str, object], copies: Copies = ()
) -> dict[str, list[str]]:
    """Assign shapes to splits, copies of one shape to the same split.

    Args:
        data: settings of the data set.
        sources: shape to its file, or anything else.
        copies: groups of names that are copies of one shape.

    Raises:
        ValueError: if there are too few shapes.
    """
    splits, names = data.splits, list(sources)
    if splits.folds is None:
        return make_splits(names, resolve_sizes(data, sources), data.seed, copies)
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


def resolve_sizes(data: Data, sources: Mapping[str, object]) -> Sizes:
    """Return the size of each split, names in place of `folder`.

    Args:
        data: settings of the data set.
        sources: shape to its file, or anything else.

    Raises:
        ValueError: if no shape lies in a folder of that split.
    """
    sizes: dict[str, int | float | str | list[str]] = dict(split_sizes(data))
    for split in [split for split, size in sizes.items() if size == FOLDER]:
        wanted = SPLIT_FOLDERS[split]
        files = {name: path for name, path in sources.items() if isinstance(path, Path)}
        found = [name for name, path in files.items() if wanted & _folders(data, path)]
        if not found:
            raise ValueError(
                f"data.splits.{split}={FOLDER} takes the shapes in folders named "
                f"{' or '.join(sorted(wanted))} of data.source={data.source}, and none of "
                f"{len(sources)} shapes is in one"
            )
        sizes[split] = found
    return sizes


def _folders(data: Data, path: Path) -> set[str]:
    """Return the folders below data.source that a file is in, in lower case."""
    path, source = path.resolve(), Path(data.source or "").resolve()
    relative = path.relative_to(source) if path.is_relative_to(source) else path
    return {part.lower() for part in relative.parts[:-1]}


def naming_of(data: Data) -> Naming | None:
    """Return how the files of a data set are named; None if by their whole paths."""
    return None if data.name is None else Naming(data.name)


def find_sources(config: Config) -> tuple[dict[str, Path | Family], dict[str, str]]:
    """Return the source of each shape by name, and the reasons of refused files by name."""
    if config.data.family is not None:
        family: Family = instantiate(config.data.family, config.allow)
        return dict.fromkeys(family.names(), family), {}
    assert config.data.source is not None
    excluded = [OUTPUTS] if config.data.root is None else [OUTPUTS, Path(config.data.root)]
    source = Path(config.data.source)
    if source_has_parts(config):
        if config.data.name is not None:
            raise ValueError(
                f"data.name={config.data.name} does not go with the parts under "
                f"data.source={source}, which are found by the names of their folders"
            )
        excluded.append(source / "parts")
        source = source / "meshes" if (source / "meshes").is_dir() else source
    found, refused = find_files(
        source,
        source_suffixes(config),
        leave_out=excluded,
        naming=naming_of(config.data),
        classes=None if config.data.classes is None else chosen_classes(config.data),
    )
    if config.data.name is None:
        _hint_at_collection(found)
    else:
        found = _keep_listed(config.data, found)
    sizes = split_sizes(config.data)
    # an int: a train of 1.0 means all shapes, not one
    if sizes == ONE_SHAPE and isinstance(sizes["train"], int) and len(found) > 1:
        raise ValueError(
            f"data.source={config.data.source} holds {len(found)} shapes, but this experiment fits "
            f"one; give one file, for example data.source={next(iter(found.values()))}"
        )
    return dict(found), refused


def _hint_at_collection(found: Mapping[str, Path]) -> None:
    """Log how shapes of a published collection could be named."""
    name, path = next(iter(found.items()), ("", Path()))
    collection = recognise(path.resolve())
    if collection is not None:
        log.info(
            "'%s' is named '%s', by its path; data.name=%s names the shapes of such a folder as "
            "published splits do",
            path,
            name,
            collection,
        )


def _keep_listed(data: Data, found: dict[str, Path]) -> dict[str, Path]:
    """Return the shapes that a split can have: where all splits are lists, only the listed ones."""
    lists, counted = read_lists(resolve_sizes(data, found), found)
    listed = {name for names in lists.values() for name in names}
    kept = {name: path for name, path in found.items() if name in listed}
    # if none is listed, the splits say so
    if data.splits.folds is not None or any(counted.values()) or not kept:
        return found
    if len(kept) < len(found):
        log.info(
            "%d of %d shapes are in the lists of data.splits; the others are not prepared",
            len(kept),
            len(found),
        )
    return kept


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
