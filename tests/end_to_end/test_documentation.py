"""Every command of the pages, at a tiny size, in the order that a reader meets them."""

from pathlib import Path

import pytest

from tests.support.cli import inr
from tests.support.pages import CONTRIBUTING, arguments, blocks, lines, pages, tiny, write_own_files

# the examples of what one may add are executed by test_worked_examples.py
PAGES = [page for page in pages() if page != CONTRIBUTING]
NOT_OURS = ("make",)


def commands(block: str) -> list[list[str]]:
    """Return the commands of a block; what is no command of ours, the Makefile has."""
    words = lines(block)
    others = [line for line in words if arguments(line) is None]
    assert all(line[0] in NOT_OURS for line in others), others
    return [found for line in words if (found := arguments(line)) is not None]


def smaller(block: str) -> str:
    """Return a block of Python with a coarser grid and fewer steps."""
    for said, small in (('"resolution": 64', '"resolution": 32'), ("steps=30", "steps=4")):
        block = block.replace(said, small)
    return block


def test_every_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_own_files(tmp_path)
    done: list[list[list[str]]] = []  # blocks that several pages show are run once
    for page in PAGES:
        for block in blocks(page, "bash"):
            found = commands(block)
            for command in found if found not in done else []:
                assert inr(monkeypatch, *command, *tiny(command)) == 0, (page.name, command)
            done.append(found)
        for block in blocks(page, "python"):
            exec(compile(smaller(block), page.name, "exec"), {})
    assert len(done) >= 15


def test_no_option_is_forgotten() -> None:
    shown = [block for page in PAGES for block in blocks(page, "python")]
    assert len(shown) >= 2 and sum(smaller(block) != block for block in shown) == 1
    assert not [page.name for page in PAGES if "@@" in page.read_text(encoding="utf-8")]
