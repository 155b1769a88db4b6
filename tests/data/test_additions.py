import pytest

from inr.data.additions import add_to_folds, add_to_splits
from inr.data.splits import make_fold, make_splits

FRACTIONS = {"train": 0.7, "valid": 0.1, "test": 0.2}
OLD = [f"old_{i:02}" for i in range(20)]
NEW = [f"a_new_{i}" for i in range(10)]


def add(splits, new, sizes, *, seed=0, copies=(), known=OLD):
    names = [*known, *new]
    return add_to_splits(splits, new, names=names, sizes=sizes, seed=seed, copies=copies)


def joined(splits, added):
    return {split: [*splits[split], *added[split]] for split in splits}


def test_fractions_are_of_all_shapes():
    splits = make_splits(OLD, FRACTIONS, 0)
    added = add(splits, NEW, FRACTIONS)
    assert sorted(name for names in added.values() for name in names) == sorted(NEW)
    assert [len(names) for names in joined(splits, added).values()] == [21, 3, 6]
    assert add(splits, NEW[::-1], FRACTIONS) == added
    assert add(splits, NEW, FRACTIONS, seed=1) != added


def test_one_at_a_time_keeps_to_the_fractions():
    splits, known = make_splits(OLD[:1], FRACTIONS, 0), OLD[:1]
    for name in [*OLD[1:], *NEW]:
        splits = joined(splits, add(splits, [name], FRACTIONS, known=known))
        known = [*known, name]
        for split, fraction in FRACTIONS.items():
            assert abs(len(splits[split]) - fraction * len(known)) < 1.5
    assert sorted(name for names in splits.values() for name in names) == sorted([*OLD, *NEW])


def test_counts_are_filled_already():
    sizes = {"train": 12, "valid": 0, "test": 5}
    assert not any(add(make_splits(OLD, sizes, 0), NEW, sizes).values())
    sizes = {"train": 12, "valid": 0, "test": 0.4}
    added = add(make_splits(OLD, sizes, 0), NEW, sizes)
    assert [len(added[split]) for split in sizes] == [0, 0, 4]


def test_a_list_takes_those_that_it_names(tmp_path):
    path = tmp_path / "test.txt"
    path.write_text(f"{OLD[0]}\n{NEW[0]}\n")
    sizes = {"train": 0.9, "valid": 0.1, "test": str(path)}
    splits = make_splits(OLD, sizes, 0)
    assert splits["test"] == [OLD[0]]
    added = add(splits, NEW, sizes, copies=[NEW[:2], [OLD[0], NEW[2]]])
    assert added["test"] == [NEW[0]]
    # copies of what is tested on by list are not trained on
    assert sorted(added["train"] + added["valid"]) == sorted(NEW[3:])


def test_a_copy_goes_where_the_shape_is():
    splits = make_splits(OLD, FRACTIONS, 0)
    twin = splits["test"][0]
    added = add(splits, NEW, FRACTIONS, copies=[sorted([twin, *NEW[:4]]), NEW[5:7]])
    assert set(NEW[:4]) <= set(added["test"])
    assert any(set(NEW[5:7]) <= set(names) for names in added.values())
    sizes = {"train": 0.7, "valid": 0, "test": 5}  # a count is a count
    splits = make_splits(OLD, sizes, 0)
    added = add(splits, NEW, sizes, copies=[[splits["test"][0], NEW[0]]])
    assert added["test"] == [] and NEW[0] not in added["train"]


def test_what_a_kill_left_is_gone_on_with():
    splits = make_splits(OLD, FRACTIONS, 0)
    added = add(splits, NEW, FRACTIONS)
    half = {**splits, "test": [*splits["test"], *added["test"]]}  # train was not written
    again = add(half, NEW, FRACTIONS)
    assert again["test"] == []
    assert [len(names) for names in joined(half, again).values()] == [21, 3, 6]


@pytest.mark.parametrize("valid", [0, 3, 0.25])
def test_folds_test_each_new_shape_once(valid):
    def fold(names, number):
        return make_fold(names, fold=number, folds=4, valid=valid, seed=0)

    folds = [fold(OLD, number) for number in range(4)]
    twin = folds[2]["test"][0]
    settings = {"names": [*OLD, *NEW], "valid": valid, "seed": 0, "copies": [[NEW[0], twin]]}
    added = add_to_folds(folds, NEW, **settings)
    assert NEW[0] in added[2]["test"]
    assert sorted(name for one in added for name in one["test"]) == sorted(NEW)
    sizes = [len(one["test"]) + len(more["test"]) for one, more in zip(folds, added, strict=True)]
    assert max(sizes) - min(sizes) <= 1
    for one, more in zip(folds, added, strict=True):
        whole = joined(one, more)
        assert sorted(name for names in whole.values() for name in names) == sorted([*OLD, *NEW])
        rest = len(whole["train"]) + len(whole["valid"])
        assert len(whole["valid"]) == (valid if isinstance(valid, int) else round(valid * rest))
    # half of it written before a kill
    half = [joined(folds[0], added[0]), *folds[1:]]
    again = add_to_folds(half, NEW, **settings)
    assert not any(again[0].values())
    assert sorted(n for one in again[1:] for n in one["test"]) == sorted(
        set(NEW) - set(added[0]["test"])
    )
