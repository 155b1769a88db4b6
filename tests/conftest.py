"""What every test shares."""

import shutil
from pathlib import Path

import pytest
import torch

from tests.support.cli import TINY, TINY_PARTS, inr

# tiny tensors: a second thread costs more than it gives
torch.set_num_threads(1)


def run_all(folder: Path, settings: list[str]) -> Path:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(folder)
        assert inr(monkeypatch, "stage=all", *settings) == 0
    return folder


def copy_to(folder: Path, finished: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(finished / "outputs", folder / "outputs")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which stage=all was run once."""
    return run_all(tmp_path_factory.mktemp("finished"), TINY)


@pytest.fixture
def copy(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another place with the same outputs: a run can be moved."""
    return copy_to(tmp_path, finished, monkeypatch)


@pytest.fixture(scope="session")
def parts_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which stage=all was run once on shapes made of parts."""
    return run_all(tmp_path_factory.mktemp("parts"), TINY_PARTS)


@pytest.fixture
def parts_copy(parts_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another place with the same outputs."""
    return copy_to(tmp_path, parts_run, monkeypatch)
