"""Every command of the pages, at a tiny size, in the order that a reader meets them."""

from pathlib import Path

import pytest

from tests.support.cli import inr
from tests.support.pages import CONTRIBUTING, arguments, blocks, lines, pages, tiny, write_own_files

# the examples of what one may add are executed by test_worked_examples.py
PAGES = [page for page in pages() if page != CONTRIBUTING]
NOT_OURS = ("make",)


def commands(page: Path) -> list[list[str]]:
    """Return the commands of a page; what is no command of ours, the Makefile has."""
    words = [line for block in blocks(page, "bash") for line in lines(block)]
    others = [line for line in words if arguments(line) is None]
    assert all(line[0] in NOT_OURS for line in others), others
    return [found for line in words if (found := arguments(line)) is not None]


def test_every_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_own_files(tmp_path)
    done: list[list[str]] = []
    for page in PAGES:
        for command in commands(page):
            # a page that repeats a command adds nothing; the stages after training depend on
            # which run is the latest, and cost little
            if command in done and not any(word.endswith("=latest") for word in command):
                continue
            assert inr(monkeypatch, *command, *tiny(command)) == 0, (page.name, command)
            done.append(command)
        for block in blocks(page, "python"):
            exec(compile(block, page.name, "exec"), {})
    assert len(done) >= 25


def test_every_option_of_a_page_is_looked_at() -> None:
    shown = [block for page in PAGES for block in blocks(page, "python")]
    assert len(shown) >= 2
    assert not [page.name for page in PAGES if "@@" in page.read_text(encoding="utf-8")]
