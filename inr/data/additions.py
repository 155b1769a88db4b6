"""Assigning splits to shapes added later, without moving the shapes that have one."""

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
    """Return the new shapes to add to each split.

    A shape that a list names goes to that split. A copy of an assigned shape goes to the same split
    if the size of that split is a fraction, and to none if it is a count or a list. Each remaining
    shape goes to the split furthest below its fraction of all shapes. Splits sized by a count get
    no shapes: they are full.

    Args:
        splits: split to its names so far.
        new: shapes to assign; those already in a split stay there.
        names: all shapes, including the new ones.
        sizes: see `inr.data.splits.make_splits`.
        seed: seed of the shuffle.
        copies: groups of names of the same shape.

    Raises:
        ValueError: if a list cannot be read, or lists name the same shape twice.
    """
    lists, counted = read_lists(sizes, names)
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
    """Return the new shapes to add to each split of each fold.

    Each new shape is a test shape in one fold (the fold with a copy of it, else the one with the
    fewest test shapes), and a training or validation shape in the others.

    Args:
        folds: splits train, valid and test of each fold.
        new: shapes to assign; those already in a split of a fold stay there.
        names: all shapes, including the new ones.
        valid: count, or fraction of a fold's non-test shapes, of the validation split.
        seed: seed of the shuffle.
        copies: groups of names of the same shape.
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
    """Return the place of a unit or of one of its copies; None if neither has one."""
    names = [*unit, *same.get(unit[0], ())]
    return next((place[name] for name in names if name in place), None)


def _groups(copies: Copies) -> dict[str, Sequence[str]]:
    return {name: group for group in copies for name in group}
