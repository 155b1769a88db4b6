"""Who is trained on, who validates and who tests."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from inr.data.names import read_names

log = logging.getLogger(__name__)

Sizes = Mapping[str, int | float | str]


def make_splits(names: Sequence[str], sizes: Sizes, seed: int) -> dict[str, list[str]]:
    """Deal names to splits at random, but for those that a list names.

    Args:
        names: the shapes, in any order.
        sizes: split to a whole number of shapes, to a share of them, or to a file that lists them;
            of its names, those that are no shapes are left out. Beside a list, shares are of the
            shapes that none names, in proportion, and use all of them.
        seed: of the shuffle; the same names and seed give the same splits.

    Raises:
        ValueError: if a size is negative, they ask for more shapes than there are, a list cannot be
            read, or lists name the same shape twice.
    """
    lists = {
        split: read_names(Path(size)) for split, size in sizes.items() if isinstance(size, str)
    }
    _check_disjoint(lists)
    listed = {name for names in lists.values() for name in names}
    counted = {split: size for split, size in sizes.items() if not isinstance(size, str)}
    if lists:  # who lists one split means the others to share the rest
        total = sum(size for size in counted.values() if isinstance(size, float)) or 1.0
        counted = {s: n / total if isinstance(n, float) else n for s, n in counted.items()}
    dealt = _deal([name for name in names if name not in listed], counted, seed)
    known = set(names)
    for split, wanted in lists.items():
        missing = [name for name in wanted if name not in known]
        if len(missing) == len(wanted):
            raise ValueError(
                f"data.splits.{split}={sizes[split]} names no shape that there is ('{missing[0]}' "
                "first); a shape is named by its file, without the suffix and with '_' for '/'"
            )
        if missing:
            log.warning(
                "%s names %d shapes that are not there ('%s' first)",
                sizes[split],
                len(missing),
                missing[0],
            )
    kept = {split: [name for name in names if name in known] for split, names in lists.items()}
    return {split: (dealt | kept)[split] for split in sizes}


def make_fold(
    names: Sequence[str], *, fold: int, folds: int, valid: int | float, seed: int
) -> dict[str, list[str]]:
    """Deal names into folds of equal size, one of them to test on and the others to train.

    Args:
        names: the shapes, in any order.
        fold: which to test on, from 0.
        folds: how many.
        valid: a count or share of the others, to validate with.
        seed: of the shuffle; all folds of a seed together test each shape once.

    Raises:
        ValueError: if there are more folds than shapes.
    """
    if folds > len(names):
        raise ValueError(f"data.splits.folds is {folds}; there are {len(names)} shapes")
    order = [sorted(names)[i] for i in np.random.default_rng(seed).permutation(len(names))]
    test = sorted(order[fold::folds])
    rest = sorted(set(order) - set(test))
    validating = _deal(rest, {"valid": valid}, seed)["valid"]
    return {"train": sorted(set(rest) - set(validating)), "valid": validating, "test": test}


def _check_disjoint(lists: Mapping[str, list[str]]) -> None:
    for split, names in lists.items():
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise ValueError(f"the list of data.splits.{split} names '{twice[0]}' more than once")
        for other, others in lists.items():
            common = set(names) & set(others)
            if split < other and common:
                raise ValueError(
                    f"the lists of data.splits.{split} and data.splits.{other} both name "
                    f"'{min(common)}'; a shape is in one split at most"
                )


def _deal(
    names: Sequence[str], sizes: Mapping[str, int | float], seed: int
) -> dict[str, list[str]]:
    for split, size in sizes.items():
        if size < 0 or (isinstance(size, float) and size > 1):
            raise ValueError(
                f"data.splits.{split} is {size}; it has to be a count, or a share from 0.0 to 1.0"
            )
    order = [sorted(names)[i] for i in np.random.default_rng(seed).permutation(len(names))]
    shares = {split: size for split, size in sizes.items() if isinstance(size, float)}
    total = sum(shares.values())
    if total > 1 + 1e-9:
        raise ValueError(f"the shares in data.splits add up to {total:g}; at most 1")
    counts = {s: size if isinstance(size, int) else 0 for s, size in sizes.items()}
    # each share ends where the running sum rounds to, so that shares of 1 use every shape
    running, dealt = 0.0, 0
    for split, share in shares.items():
        running += share
        counts[split] = round(running * len(order)) - dealt
        dealt += counts[split]
    if sum(counts.values()) > len(order):
        parts = " + ".join(f"{count} {split}" for split, count in counts.items())
        raise ValueError(f"data.splits asks for {parts} shapes; there are {len(order)}")
    splits, start = {}, 0
    for split, count in counts.items():
        splits[split] = sorted(order[start : start + count])
        start += count
    return splits
