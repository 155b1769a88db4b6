"""Assigning splits to shapes that come later, without moving any that have one."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from inr.data.splits import Copies, Sizes, count_fractions, gather, read_lists, shuffle, spread

Splits = Mapping[str, Sequence[str]]
Place = TypeVar("Place")


def add_to_splits(
    splits: Splits,
    new: Sequence[str],
    *,
    names: Sequence[str],
    sizes: Sizes,
    seed: int,
    copies: Copies,
) -> dict[str, list[str]]:
    """Return which new shapes come into which split.

    A list takes those that it names. A copy of a shape goes to the split of that shape if its size
    is a fraction, and to none if it is a count or a list. Each of the others goes to the split that
    lacks most of its fraction of all shapes; splits whose size is a count are full already.

    Args:
        splits: split to the names that it has.
        new: shapes to assign; those in a split stay there.
        names: all shapes that there are, the new ones among them.
        sizes: see `inr.data.splits.make_splits`.
        seed: of the shuffle.
        copies: groups of names that are one shape.

    Raises:
        ValueError: if a list cannot be read, or lists name the same shape twice.
    """
    lists, counted = read_lists(sizes)
    place = {name: split for split, members in splits.items() for name in members}
    listed = {name: split for split, members in lists.items() for name in members}
    new = [name for name in new if name not in place]
    added: dict[str, list[str]] = {split: [] for split in sizes}
    for name in new:
        if name in listed:
            added[listed[name]].append(name)
    known = set(names)
    place |= {name: split for name, split in listed.items() if name in known}
    counts = count_fractions(counted, sum(name not in listed for name in names))
    alone, same = [], _groups(copies)
    for unit in gather(shuffle([name for name in new if name not in listed], seed), copies):
        there = _place_of(unit, place, same)
        if there is None:
            alone.append(unit)
        elif there in counts:
            added[there] += unit
    has = {s: sum(name in known for name in splits.get(s, ())) + len(added[s]) for s in counts}
    whole = {split: [*splits.get(split, ()), *added[split]] for split in counts}
    spread(alone, {split: counts[split] - has[split] for split in counts}, whole)
    for split, members in whole.items():
        added[split] = members[len(splits.get(split, ())) :]
    return {split: sorted(members) for split, members in added.items()}


def add_to_folds(
    folds: Sequence[Splits],
    new: Sequence[str],
    *,
    names: Sequence[str],
    valid: int | float,
    seed: int,
    copies: Copies,
) -> list[dict[str, list[str]]]:
    """Return which new shapes come into which split of each fold.

    Each is a test shape of one fold, of the one that has fewest or that has a copy of it, and in
    the other folds a training or validation shape.

    Args:
        folds: the splits of each, train, valid and test.
        new: shapes to assign; those in a split of a fold stay there.
        names: all shapes that there are, the new ones among them.
        valid: a count or fraction of a fold's other shapes, to validate with.
        seed: of the shuffle.
        copies: groups of names that are one shape.
    """
    tested = [list(fold["test"]) for fold in folds]
    place = {name: number for number, members in enumerate(tested) for name in members}
    same = _groups(copies)
    for unit in gather(shuffle(new, seed), copies):
        there = _place_of(unit, place, same)
        members = min(tested, key=len) if there is None else tested[there]
        members += [name for name in unit if name not in place]
    fraction = 1.0 - valid if isinstance(valid, float) else 1.0
    added = []
    for fold, test in zip(folds, tested, strict=True):
        others = {split: fold[split] for split in ("train", "valid")}
        is_tested = set(test)
        found = add_to_splits(
            others,
            [name for name in new if name not in is_tested],
            names=[name for name in names if name not in is_tested],
            sizes={"valid": valid, "train": fraction},
            seed=seed,
            copies=copies,
        )
        added.append({**found, "test": sorted(set(test) - set(fold["test"]))})
    return added


def _place_of(
    unit: Sequence[str], place: Mapping[str, Place], same: Mapping[str, Sequence[str]]
) -> Place | None:
    """Return the place of a unit or of a copy of it, None if there is none."""
    names = [*unit, *same.get(unit[0], ())]
    return next((place[name] for name in names if name in place), None)


def _groups(copies: Copies) -> dict[str, Sequence[str]]:
    return {name: group for group in copies for name in group}
