"""What every test shares: finished runs and an installation, made once for all workers."""

import os
import shutil
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from filelock import FileLock
from omegaconf import OmegaConf

from tests.support.cli import TINY, TINY_PARTS, inr
from tests.support.install import install_plainly
from tests.support.paths import CONF
from tests.support.processes import forked_workers

# what takes longest, each place before all that is not named or named after it
LONGEST_FIRST = (
    *("test_documentation", "test_worked_examples", "test_pipeline", "test_other_device"),
    *("test_plain_install", "end_to_end", "test_volumes", "reconstruct", "training", "stages"),
)
# tiny tensors: a second thread costs more than it gives
torch.set_num_threads(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the tests that run the program: no worker is to end alone with a long file."""
    items.sort(key=lambda item: [part in str(item.path) for part in LONGEST_FIRST], reverse=True)


@pytest.fixture(autouse=True, scope="session")
def yaml_read_once() -> Iterator[None]:
    """Each file of conf/ is parsed once a process; composing reads some twenty of them."""
    load, known = OmegaConf.load, {}

    def remembered(file: Any) -> Any:
        path = Path(getattr(file, "name", ""))
        if not path.is_relative_to(CONF):
            return load(file)
        if path not in known:
            known[path] = load(file)
        return deepcopy(known[path])

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(OmegaConf, "load", staticmethod(remembered))
        yield


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder that one of pytest-xdist's workers fills, and all of them read."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # a worker's own folder is inside of what they share
        base = base.parent
    folder = base / name
    with FileLock(base / f"{name}.lock"):
        if not (base / f"{name}.made").exists():
            shutil.rmtree(folder, ignore_errors=True)  # what another worker did not finish
            folder.mkdir()
            make(folder)
            (base / f"{name}.made").touch()
    return folder


def run_all(folder: Path, settings: list[str]) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch, forked_workers():
        monkeypatch.chdir(folder)
        assert inr(monkeypatch, "stage=all", *settings) == 0


def copy_to(folder: Path, finished: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(finished / "outputs", folder / "outputs")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which stage=all was run once."""
    return made_once(tmp_path_factory, "finished", lambda folder: run_all(folder, TINY))


@pytest.fixture
def copy(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another place with the same outputs: a run can be moved."""
    return copy_to(tmp_path, finished, monkeypatch)


@pytest.fixture(scope="session")
def parts_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which stage=all was run once on shapes made of parts."""
    return made_once(tmp_path_factory, "parts", lambda folder: run_all(folder, TINY_PARTS))


@pytest.fixture
def parts_copy(parts_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another place with the same outputs."""
    return copy_to(tmp_path, parts_run, monkeypatch)


@pytest.fixture(scope="session")
def plain_install(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment that holds the project, installed plainly."""
    return made_once(tmp_path_factory, "install", install_plainly) / "env" / "bin"
