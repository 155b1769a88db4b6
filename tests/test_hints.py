import pytest

from inr.hints import find_nearest, nearest, shorten


@pytest.mark.parametrize(
    ("count", "text"), [(0, ""), (1, "a"), (2, "a, b"), (3, "a, b, ..."), (4, "a, b, ...")]
)
def test_long_lists_of_names_are_cut_short(count, text):
    assert shorten("abcd"[:count], 2) == text


def test_five_names_are_shown_unless_said_otherwise():
    assert shorten([str(number) for number in range(6)]) == "0, 1, 2, 3, 4, ..."
    assert shorten(["a = b", "c = d"], 1, separator="; ") == "a = b; ..."


def test_the_names_to_choose_from_are_listed_if_none_is_near():
    names = ["chair_1", "chair_2", "table"]
    assert find_nearest("TABEL", names) == "table" and find_nearest("xyz", names) is None
    assert nearest("tabel", names) == "did you mean 'table'?"
    assert nearest("xyz", names) == "allowed: chair_1, chair_2, table"
    assert nearest("xyz", names, limit=2) == "allowed: chair_1, chair_2, ..."
