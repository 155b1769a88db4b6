"""Assigning shapes to the training, validation and test splits."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from inr.data.names.lists import match_names, read_entries
from inr.hints import find_nearest

log = logging.getLogger(__name__)

Sizes = Mapping[str, int | float | str | list[str]]
# names that are compared with a wrong one
_MAX_COMPARED = 1000
# groups of names of the same shape
Copies = Sequence[Sequence[str]]


def make_splits(
    names: Sequence[str], sizes: Sizes, seed: int, copies: Copies = ()
) -> dict[str, list[str]]:
    """Assign names to splits: as listed by the user, and otherwise at random.

    Copies of one shape go to the same split, even if its fraction is then missed; counts and lists
    are kept exactly.

    Args:
        names: the shapes, in any order.
        sizes: split to a count, to a fraction, to its names, or to a file that lists them, or a
            glob pattern of several (unknown names are ignored). If some split is listed, fractions
            are of the shapes that no list names, scaled to add up to 1.
        seed: seed of the shuffle; the same names and seed give the same splits.
        copies: groups of names of the same shape.

    Raises:
        ValueError: if a size is negative, the sizes exceed the number of shapes, a list cannot be
            read, or lists name the same shape twice.
    """
    lists, counted = read_lists(sizes, names)
    listed = {name for names in lists.values() for name in names}
    assigned = _assign([name for name in names if name not in listed], counted, seed, copies)
    known = set(names)
    for split, wanted in lists.items():
        missing = [name for name in wanted if name not in known]
        if len(missing) == len(wanted):
            near = find_nearest(missing[0], names[:_MAX_COMPARED])
            raise ValueError(
                f"data.splits.{split}={sizes[split]} names no shape of the data set "
                f"('{missing[0]}' first); the data set has {len(names)} shapes, for example "
                f"'{near or next(iter(names), None)}', named by their files, without the suffix "
                "and with '_' for '/', or as data.name says (data.name=shapenet, say)"
            )
        if missing:
            log.warning(
                "%s names %d shapes that the data set lacks ('%s' first), of %d",
                sizes[split],
                len(missing),
                missing[0],
                len(wanted),
            )
    kept = {split: [name for name in names if name in known] for split, names in lists.items()}
    return {split: (assigned | kept)[split] for split in sizes}


def read_lists(
    sizes: Sizes, names: Iterable[str]
) -> tuple[dict[str, list[str]], dict[str, int | float]]:
    """Return the names of each split given by a list, and the sizes of the other splits.

    Args:
        sizes: see `make_splits`.
        names: the shapes of the data set, as which listed names are understood.

    Raises:
        ValueError: if a list cannot be read, or lists name the same shape twice.
    """
    known = set(names)
    lists, counted = dict[str, list[str]](), dict[str, int | float]()
    for split, size in sizes.items():
        if isinstance(size, str):
            lists[split] = match_names(read_entries(size), known)
        elif isinstance(size, list):
            lists[split] = size
        else:
            counted[split] = size
    _check_disjoint(lists)
    if lists:  # the other splits share all remaining shapes
        total = sum(size for size in counted.values() if isinstance(size, float)) or 1.0
        counted = {s: n / total if isinstance(n, float) else n for s, n in counted.items()}
    return lists, counted


def make_fold(
    names: Sequence[str],
    *,
    fold: int,
    folds: int,
    valid: int | float,
    seed: int,
    copies: Copies = (),
) -> dict[str, list[str]]:
    """Return the splits of one fold of a k-fold cross-validation.

    Copies of one shape go to the same fold.

    Args:
        names: the shapes, in any order.
        fold: index of the test fold, from 0.
        folds: number of folds.
        valid: count, or fraction of the shapes of the other folds, of the validation split.
        seed: seed of the shuffle; over all folds of a seed, each shape is tested once.
        copies: groups of names of the same shape.

    Raises:
        ValueError: if there are more folds than shapes.
    """
    units = gather(shuffle(names, seed), copies)
    if folds > len(units):
        same = "" if len(units) == len(names) else f", {len(names) - len(units)} of them copies"
        raise ValueError(f"data.splits.folds is {folds}; there are {len(names)} shapes{same}")
    assigned: list[list[str]] = [[] for _ in range(folds)]
    for unit in sorted(units, key=len, reverse=True):  # always to the smallest fold
        min(assigned, key=len).extend(unit)
    test = sorted(assigned[fold])
    rest = sorted(set(names) - set(test))
    validating = _assign(rest, {"valid": valid}, seed, copies)["valid"]
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


def shuffle(names: Sequence[str], seed: int) -> list[str]:
    """Return names in a random order that depends only on the set of names and the seed."""
    return [sorted(names)[i] for i in np.random.default_rng(seed).permutation(len(names))]


def gather(names: Sequence[str], copies: Copies) -> list[list[str]]:
    """Return names as units, in order: copies form one unit, at the position of the first."""
    group_of = {name: number for number, group in enumerate(copies) for name in group}
    units: dict[int | str, list[str]] = {}
    for name in names:
        units.setdefault(group_of.get(name, name), []).append(name)
    return list(units.values())


def count_fractions(sizes: Mapping[str, int | float], num_names: int) -> dict[str, int]:
    """Return the count of each split whose size is a fraction.

    Cumulative sums are rounded, so that fractions that add up to 1 use all names.
    """
    running, counts = 0.0, dict[str, int]()
    for split, fraction in sizes.items():
        if isinstance(fraction, float):
            running += fraction
            counts[split] = round(running * num_names) - sum(counts.values())
    return counts


def spread(
    units: Sequence[list[str]], room: Mapping[str, int], splits: dict[str, list[str]]
) -> None:
    """Add each unit, in place, to the split with the most room; on a tie, to the smallest.

    Args:
        units: groups of names that stay together.
        room: split to the number of names it still needs; when no split needs any, further units
            are left out.
        splits: split to its names.
    """
    left = dict(room)
    for unit in units:
        split = max(left, key=lambda split: (left[split], -len(splits[split])), default=None)
        if split is not None and left[split] > 0:
            splits[split] += unit
            left[split] -= len(unit)


def _assign(
    names: Sequence[str], sizes: Mapping[str, int | float], seed: int, copies: Copies
) -> dict[str, list[str]]:
    for split, size in sizes.items():
        if size < 0 or (isinstance(size, float) and size > 1):
            raise ValueError(
                f"data.splits.{split} is {size}; it must be a count, or a fraction from 0.0 to 1.0"
            )
    total = sum(size for size in sizes.values() if isinstance(size, float))
    if total > 1 + 1e-9:
        raise ValueError(f"the fractions in data.splits add up to {total:g}; at most 1")
    fractions = count_fractions(sizes, len(names))
    counts = {split: fractions.get(split, int(size)) for split, size in sizes.items()}
    if sum(counts.values()) > len(names):
        parts = " + ".join(f"{count} {split}" for split, count in counts.items())
        raise ValueError(f"data.splits asks for {parts} shapes; there are {len(names)}")
    units = gather(shuffle(names, seed), copies)
    splits: dict[str, list[str]] = {}
    for split, count in counts.items():
        splits[split], units = _take(units, count, exact=split not in fractions)
    spread(units, {split: counts[split] - len(splits[split]) for split in fractions}, splits)
    return {split: sorted(members) for split, members in splits.items()}


def _take(units: list[list[str]], count: int, exact: bool) -> tuple[list[str], list[list[str]]]:
    """Take up to `count` names in whole units (`exact`: divide one if needed); return the rest."""
    taken: list[str] = []
    left = []
    for unit in units:
        if len(taken) + len(unit) <= count:
            taken += unit
        else:
            left.append(unit)
    if exact and len(taken) < count:
        divided, missing = left.pop(0), count - len(taken)
        taken += divided[:missing]
        left.append(divided[missing:])
    return taken, left
