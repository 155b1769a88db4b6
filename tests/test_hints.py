import pytest

from inr.hints import shorten


@pytest.mark.parametrize(
    ("count", "text"), [(0, ""), (1, "a"), (2, "a, b"), (3, "a, b, ..."), (4, "a, b, ...")]
)
def test_long_lists_of_names_are_cut_short(count, text):
    assert shorten("abcd"[:count], 2) == text


def test_five_names_are_shown_unless_said_otherwise():
    assert shorten([str(number) for number in range(6)]) == "0, 1, 2, 3, 4, ..."
    assert shorten(["a = b", "c = d"], 1, separator="; ") == "a = b; ..."
