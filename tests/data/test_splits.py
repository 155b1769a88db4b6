import json

import numpy as np
import pytest

from inr.data.splits import make_fold, make_splits

NAMES = [f"shape_{i}" for i in range(20)]


@pytest.mark.parametrize(
    ("sizes", "counts"),
    [
        ({"train": 12, "valid": 3, "test": 5}, (12, 3, 5)),
        ({"train": 0.8, "valid": 0.0, "test": 0.2}, (16, 0, 4)),
        ({"train": 0.7, "valid": 0.1, "test": 0.2}, (14, 2, 4)),
        ({"train": 0.33, "valid": 0.33, "test": 0.34}, (7, 6, 7)),
        ({"train": 4, "valid": 0.5, "test": 0.25}, (4, 10, 5)),
        ({"train": 1.0, "valid": 0, "test": 0}, (20, 0, 0)),
        ({"train": 1, "valid": 0, "test": 0}, (1, 0, 0)),
        ({"train": 0.1, "valid": 0.0, "test": 0.0}, (2, 0, 0)),
    ],
)
def test_sizes_of_splits(sizes, counts):
    splits = make_splits(NAMES, sizes, 0)
    assert tuple(len(splits[split]) for split in ("train", "valid", "test")) == counts
    assigned = [name for names in splits.values() for name in names]
    assert len(assigned) == len(set(assigned)) and set(assigned) <= set(NAMES)
    assert all(names == sorted(names) for names in splits.values())


@pytest.mark.parametrize("num_names", range(1, 60))
def test_fractions_of_one_use_every_shape(num_names):
    names = [str(i) for i in range(num_names)]
    splits = make_splits(names, {"train": 0.7, "valid": 0.1, "test": 0.2}, 0)
    assert sorted(name for assigned in splits.values() for name in assigned) == sorted(names)
    for split, fraction in (("train", 0.7), ("valid", 0.1), ("test", 0.2)):
        assert abs(len(splits[split]) - fraction * num_names) <= 1


def test_seed_and_names_decide_the_splits():
    sizes = {"train": 10, "test": 5}
    splits = make_splits(NAMES, sizes, 0)
    assert make_splits(NAMES[::-1], sizes, 0) == splits
    assert make_splits(NAMES, sizes, 1) != splits
    assert splits["train"] != sorted(NAMES)[:10]


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"train": 21}, "asks for 21 train shapes; there are 20"),
        ({"train": 12, "test": 0.5}, "asks for 12 train . 10 test shapes"),
        ({"train": -1}, r"data\.splits\.train is -1"),
        ({"train": 1.5}, r"data\.splits\.train is 1\.5"),
        ({"train": -0.1}, r"data\.splits\.train is -0\.1"),
        ({"train": 0.8, "test": 0.3}, r"add up to 1\.1"),
    ],
)
def test_sizes_that_cannot_be(sizes, message):
    with pytest.raises(ValueError, match=message):
        make_splits(NAMES, sizes, 0)


def test_lists_of_ones_own(tmp_path):
    (tmp_path / "test.json").write_text(json.dumps([NAMES[3], NAMES[7], "a stranger"]))
    (tmp_path / "valid.txt").write_text(f"{NAMES[1]}\n")
    sizes = {
        "train": 1.0,
        "valid": str(tmp_path / "valid.txt"),
        "test": str(tmp_path / "test.json"),
    }
    splits = make_splits(NAMES, sizes, 0)
    assert splits["test"] == [NAMES[3], NAMES[7]] and splits["valid"] == [NAMES[1]]
    assert sorted(splits["train"]) == sorted(set(NAMES) - {NAMES[1], NAMES[3], NAMES[7]})


def test_a_list_that_repeats_itself(tmp_path):
    (tmp_path / "test.txt").write_text(f"{NAMES[0]}\n{NAMES[0]}\n")
    with pytest.raises(ValueError, match=f"names '{NAMES[0]}' more than once"):
        make_splits(NAMES, {"train": 1.0, "test": str(tmp_path / "test.txt")}, 0)


def test_two_lists_that_name_one_shape(tmp_path):
    for split in ("train", "test"):
        (tmp_path / f"{split}.json").write_text(json.dumps([NAMES[0]]))
    sizes = {split: str(tmp_path / f"{split}.json") for split in ("train", "test")}
    with pytest.raises(ValueError, match=f"both name '{NAMES[0]}'"):
        make_splits(NAMES, sizes, 0)


@pytest.mark.parametrize("name", ["../other", "a/b", ".."])
def test_a_list_that_leads_out(tmp_path, name):
    (tmp_path / "test.json").write_text(json.dumps([name]))
    with pytest.raises(ValueError, match="not a shape name"):
        make_splits(NAMES, {"train": 1.0, "test": str(tmp_path / "test.json")}, 0)


def test_a_list_that_is_not_there():
    with pytest.raises(ValueError, match="cannot read the names in 'many'"):
        make_splits(NAMES, {"train": "many"}, 0)


def test_folds_test_each_shape_once():
    folds = [make_fold(NAMES, fold=k, folds=6, valid=0.25, seed=1) for k in range(6)]
    tested = [name for fold in folds for name in fold["test"]]
    assert sorted(tested) == sorted(NAMES)
    sizes = [len(fold["test"]) for fold in folds]
    assert max(sizes) - min(sizes) <= 1
    for fold in folds:
        everything = [name for names in fold.values() for name in names]
        assert sorted(everything) == sorted(NAMES)
        assert len(fold["valid"]) == round(0.25 * (len(NAMES) - len(fold["test"])))
    assert np.any([make_fold(NAMES, fold=0, folds=6, valid=0, seed=2)["test"] != folds[0]["test"]])


def test_more_folds_than_shapes():
    with pytest.raises(ValueError, match=r"data\.splits\.folds is 21; there are 20"):
        make_fold(NAMES, fold=0, folds=21, valid=0, seed=0)


def test_copies_come_into_one_split():
    copies = [NAMES[:2], NAMES[2:5], NAMES[5:7]]
    for seed in range(30):
        splits = make_splits(NAMES, {"train": 0.7, "valid": 0.1, "test": 0.2}, seed, copies)
        assert sorted(name for names in splits.values() for name in names) == sorted(NAMES)
        for group in copies:
            assert any(set(group) <= set(names) for names in splits.values())
        assert abs(len(splits["train"]) - 14) <= 1 and splits["test"]


def test_nothing_but_copies():
    """The shares cannot be what they were asked for; no split is left empty for that."""
    splits = make_splits(["a", "b", "c", "d"], {"train": 0.8, "test": 0.2}, 0, ["ab", "cd"])
    assert sorted(splits.values()) == [["a", "b"], ["c", "d"]]
    splits = make_splits(["a", "b"], {"train": 0.5, "test": 0.5}, 0, ["ab"])
    assert sorted(splits.values()) == [[], ["a", "b"]]


def test_a_count_is_kept_to_whatever_the_copies():
    for seed in range(10):
        splits = make_splits(["a", "b", "c"], {"train": 1, "test": 2}, seed, ["abc"])
        assert [len(names) for names in splits.values()] == [1, 2]
        splits = make_splits(NAMES, {"train": 5, "test": 4}, seed, [NAMES[:2], NAMES[2:4]])
        assert [len(names) for names in splits.values()] == [5, 4]
        assert not set(splits["train"]) & set(splits["test"])


def test_copies_come_into_one_fold():
    copies = [NAMES[:4], NAMES[7:9]]
    folds = [make_fold(NAMES, fold=k, folds=5, valid=3, seed=1, copies=copies) for k in range(5)]
    assert sorted(name for fold in folds for name in fold["test"]) == sorted(NAMES)
    assert [len(fold["test"]) for fold in folds] == [4] * 5
    for fold in folds:
        assert any(set(copies[0]) <= set(names) for names in fold.values())
        assert len(fold["valid"]) == 3
    with pytest.raises(ValueError, match=r"folds is 18; there are 20 shapes, 4 of them copies"):
        make_fold(NAMES, fold=0, folds=18, valid=0, seed=0, copies=copies)


def test_without_copies_the_order_alone_decides():
    """Splits that were dealt before copies counted are dealt the same again."""
    order = [sorted(NAMES)[i] for i in np.random.default_rng(3).permutation(20)]
    splits = make_splits(NAMES, {"train": 0.7, "valid": 2, "test": 0.2}, 3)
    assert splits["train"] == sorted(order[:14]) and splits["valid"] == sorted(order[14:16])
    assert make_fold(NAMES, fold=1, folds=3, valid=0, seed=3)["test"] == sorted(order[1::3])
