"""The splits that prepare writes."""

import logging
from pathlib import Path

from inr.data.layout import Layout, read_json, write_json
from inr.data.sources import fingerprint
from inr.data.splits import make_splits
from inr.schema import SPLITS, Data
from inr.stages.dataset import split_sizes
from inr.stages.manifest import check_splits

log = logging.getLogger(__name__)


def write_splits(data: Data, layout: Layout, ready: list[str], manifest: dict[str, object]) -> None:
    """Deal the shapes that are ready to splits; or check the splits that are there.

    Raises:
        ValueError: if there are too few shapes, or the splits there were dealt otherwise.
    """
    sizes = split_sizes(data)
    asked = asked_splits(data)
    usual = Layout(layout.root)
    if usual.split("train").exists():
        check_splits(usual, ready, manifest.get("splits"), asked)
    else:
        try:
            splits = make_splits(ready, sizes, data.seed)
        except ValueError as error:
            raise ValueError(f"{error} that could be prepared") from error
        write_json({**manifest, "splits": asked}, layout.manifest)
        for split, names in reversed(splits.items()):  # train last: its file says that all is done
            write_json(names, usual.split(split))
        log.info("splits: %s", ", ".join(f"{len(n)} {split}" for split, n in splits.items()))


def asked_splits(data: Data) -> dict[str, object]:
    """Return what decides who is in which split."""
    sizes = split_sizes(data)
    # so that a list that was edited is noticed
    lists = [size for size in sizes.values() if isinstance(size, str)]
    return {**sizes, "seed": data.seed, **{p: fingerprint(Path(p))["digest"] for p in lists}}


def warn_of_duplicates(layout: Layout) -> None:
    """Log the pairs of nearly the same shape that lie in different splits."""
    pairs = read_json(layout.manifest).get("near_duplicates", [])
    paths = {split: layout.split(split) for split in SPLITS}
    of = {n: split for split, path in paths.items() if path.exists() for n in read_json(path)}
    across = [(a, b) for a, b in pairs if a in of and b in of and of[a] != of[b]]
    if across:
        shown = ", ".join(f"{a} ({of[a]}) = {b} ({of[b]})" for a, b in across[:5])
        log.warning(
            "%d pairs of nearly the same shape lie in different splits: %s; see near_duplicates in "
            "manifest.json; keep one of each, or list them in one split",
            len(across),
            shown,
        )
