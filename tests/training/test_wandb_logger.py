"""With the real library, offline."""

import builtins
import getpass
import json
import sys

import numpy as np
import pytest

from inr.training.wandb_logger import Wandb, _has_key

wandb = pytest.importorskip("wandb")


class Terminal:
    """A standard input at which somebody could be asked."""

    def isatty(self) -> bool:
        return True

    def readline(self, *_) -> str:
        pytest.fail("W&B asked for something")

    read = readline

    def fileno(self) -> int:
        return 0


@pytest.fixture(autouse=True)
def fresh(tmp_path, monkeypatch):
    """An account without a key, at a terminal."""
    for name in ("WANDB_MODE", "WANDB_API_KEY", "WANDB_BASE_URL", "WANDB_DIR", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "home").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "elsewhere")

    def refuse(*_, **__):
        pytest.fail("W&B asked for something")

    monkeypatch.setattr(builtins, "input", refuse)
    monkeypatch.setattr(getpass, "getpass", refuse)
    yield
    if wandb.run is not None:
        wandb.run.finish()


def make_logger(mode: str = "auto") -> Wandb:
    return Wandb(project="inr-tests", entity=None, mode=mode, tags=["t"])


def test_offline_without_a_key_and_inside_the_folder(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(sys, "stdin", Terminal())
    folder = tmp_path / "run"
    folder.mkdir()
    logger = make_logger()
    logger.start(folder, name="one", group="", config={"seed": 3})
    assert logger.run is not None and logger.run.settings.mode == "offline"
    logger.log({"train/loss": 0.5}, epoch=1)
    logger.image("train/shapes", np.zeros((8, 8, 3), np.uint8), epoch=1)
    logger.histogram("train/norms", np.linspace(0, 1, 9), epoch=1)
    first = logger.run.id
    assert logger.run.config["seed"] == 3
    logger.finish(0)
    assert logger.mode == "auto", caplog.text  # nothing failed
    assert list((folder / "wandb").glob(f"offline-run-*-{first}/run-{first}.wandb"))
    assert [p.name for p in folder.iterdir()] == ["wandb"]
    assert not any((tmp_path / "elsewhere").iterdir())
    assert json.loads((folder / "wandb" / "run_id.json").read_text()) == {"id": first}

    later = make_logger("offline")  # a later stage, in the same directory
    later.start(folder, name="one", group="", config={})
    assert later.run.id == first
    later.finish(0)


def fake_init(monkeypatch, fails_online: bool = False) -> list[str]:
    """Stand in for wandb.init, and return the modes that it is asked for."""
    modes = []

    class Run:
        def define_metric(self, *_, **__):
            pass

        def log(self, values):
            raise RuntimeError("the service is gone")

    def init(*, mode, **_):
        modes.append(mode)
        if fails_online and mode == "online":
            raise wandb.errors.CommError("no network")
        return Run()

    monkeypatch.setattr(wandb, "init", init)
    return modes


@pytest.mark.parametrize("how", ["environment", "netrc"])
def test_online_with_a_key(tmp_path, monkeypatch, how):
    assert not _has_key()
    if how == "environment":
        monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    else:
        path = tmp_path / "home" / ".netrc"
        path.write_text(f"machine api.wandb.ai login user password {'0' * 40}\n")
        path.chmod(0o600)
    assert _has_key()
    modes = fake_init(monkeypatch)
    make_logger().start(tmp_path, name="n", group="", config={})
    assert modes == ["online"]


def test_a_key_for_another_server_is_none_for_this(tmp_path, monkeypatch):
    path = tmp_path / "home" / ".netrc"
    path.write_text("machine example.org login user password secret\n")
    path.chmod(0o600)
    assert not _has_key()
    monkeypatch.setenv("WANDB_BASE_URL", "https://example.org")
    assert _has_key()


def test_without_network_it_goes_on_offline(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    modes = fake_init(monkeypatch, fails_online=True)
    logger = make_logger()
    logger.start(tmp_path, name="n", group="", config={})
    assert modes == ["online", "offline"] and logger.run is not None
    assert "no network" in caplog.text


def test_the_environment_wins(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    modes = fake_init(monkeypatch)
    make_logger("online").start(tmp_path, name="n", group="", config={})
    assert modes == ["offline"]


def test_online_without_a_key_never_asks(tmp_path, monkeypatch):
    # wandb.init(mode="online") asks at a terminal where no key is configured
    modes = fake_init(monkeypatch)
    make_logger("online").start(tmp_path, name="n", group="", config={})
    assert modes in (["offline"], [])


def test_a_failure_turns_it_off_once(tmp_path, monkeypatch, caplog):
    fake_init(monkeypatch)
    logger = make_logger("offline")
    logger.start(tmp_path, name="n", group="", config={})
    for epoch in range(3):
        logger.log({"a": 1.0}, epoch=epoch)
        logger.image("b", np.zeros((2, 2, 3), np.uint8), epoch=epoch)
    logger.finish(1)
    assert caplog.text.count("the service is gone") == 1
    assert "metrics.jsonl continues" in caplog.text


def test_a_library_that_cannot_be_imported_fails_nothing(tmp_path, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "wandb", None)
    logger = make_logger("offline")
    logger.start(tmp_path, name="n", group="", config={})
    logger.log({"a": 1.0}, epoch=0)
    logger.image("b", np.zeros((2, 2, 3), np.uint8), epoch=0)
    logger.histogram("c", np.zeros(3), epoch=0)
    logger.finish(0)
    assert "is off from here on" in caplog.text


def test_disabled_does_nothing(tmp_path, monkeypatch):
    modes = fake_init(monkeypatch)
    logger = make_logger("disabled")
    logger.start(tmp_path / "run", name="n", group="", config={})
    logger.log({"a": 1.0}, epoch=0)
    logger.finish(0)
    assert modes == [] and not (tmp_path / "run").exists()


def test_modes_are_checked():
    with pytest.raises(ValueError, match="auto, online, offline, disabled"):
        make_logger("sometimes")
