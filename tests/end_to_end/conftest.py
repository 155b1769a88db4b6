"""What tests share that run the program."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.evaluation import Evaluation
from tests.support.processes import forked_workers


@pytest.fixture(autouse=True, scope="module")
def quick_workers() -> Iterator[None]:
    with forked_workers():
        yield


@pytest.fixture
def evaluate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Evaluation:
    monkeypatch.chdir(tmp_path)
    Path("ours").mkdir()
    Path("ground_truth").mkdir()
    return Evaluation(monkeypatch, capsys)
