"""What every test shares."""

import shutil
from pathlib import Path

import pytest
import torch

from tests.cli import TINY, inr

# tiny tensors: a second thread costs more than it gives
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which stage=all was run once."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(folder)
        assert inr(monkeypatch, "stage=all", *TINY) == 0
    return folder


@pytest.fixture
def copy(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another place with the same outputs: a run can be moved."""
    shutil.copytree(finished / "outputs", tmp_path / "outputs")
    monkeypatch.chdir(tmp_path)
    return tmp_path
