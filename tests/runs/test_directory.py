import json
import logging
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import inr.runs.directory
from inr.config.compose import compose, register_resolvers
from inr.runs.directory import create_run, find_run, git_commit, log_to, new_run_path, next_log
from tests.support.paths import ROOT

register_resolvers()
CONFIG = {**compose(["logger=none"]), "shape": "é"}


@pytest.fixture(autouse=True)
def outputs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / "outputs"


def make_run(path: Path, *, has_checkpoint: bool = True, age: float = 0):
    run = create_run(path)
    run.write_config(CONFIG, ["seed=0"])
    if has_checkpoint:
        run.checkpoints.mkdir()
        (run.checkpoints / "last.pt").touch()
    os.utime(path / "config.yaml", (1e9 - age, 1e9 - age))
    return run


def test_paths_are_fresh_and_say_when_and_what():
    paths = {new_run_path("deepsdf") for _ in range(3)}
    assert len(paths) == 3
    for path in paths:
        pattern = r"outputs/\d{4}-\d\d-\d\d/\d\d-\d\d-\d\d_deepsdf_[0-9a-f]{4}"
        assert re.fullmatch(pattern, path.as_posix())


def test_configuration_round_trip(tmp_path):
    run = make_run(tmp_path / "run")
    assert find_run(str(tmp_path / "run")).config() == CONFIG
    assert run.config() == CONFIG  # reading does not change it
    assert (run.path / "overrides.yaml").read_text() == "- seed=0\n"
    assert not [p for p in run.path.iterdir() if p.name.startswith(".config")]


def test_a_run_is_never_overwritten(tmp_path):
    make_run(tmp_path / "run")
    with pytest.raises(ValueError, match="nothing is overwritten"):
        create_run(tmp_path / "run")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "cannot read"),
        ("- 1", "schema version 4"),
        ("stage: train", "schema version 4"),
        ("schema_version: 99\nstage: train", "schema version 4"),
        ("a: !!python/object/apply:os.mkdir [ran]", "cannot read"),
    ],
)
def test_configurations_that_cannot_be_used(tmp_path, text, message):
    run = make_run(tmp_path / "run")
    (run.path / "config.yaml").write_text(text)
    with pytest.raises(ValueError, match=rf"{message}|config\.yaml.*{message}"):
        run.config()
    assert not (tmp_path / "ran").exists()


def test_latest_is_the_newest_with_a_checkpoint(outputs):
    with pytest.raises(ValueError, match=r"no run with a checkpoint.*stage=train"):
        find_run("latest")
    make_run(outputs / "2024-01-01" / "10-00-00_a", age=100)
    newest = outputs / "2024-01-02" / "10-00-00_b"
    make_run(newest, age=50)
    make_run(outputs / "2024-01-03" / "10-00-00_c", has_checkpoint=False, age=10)
    assert find_run("latest").path.resolve() == newest
    sweep = outputs / "2024-01-04" / "10-00-00_sweep_d" / "1_lr=2"
    make_run(sweep, age=5)
    assert find_run("latest").path.resolve() == sweep


def test_a_checkpoint_without_a_configuration_is_no_run(outputs):
    make_run(outputs / "2024-01-01" / "10-00-00_a")
    stray = outputs / "2024-01-01" / "copied" / "checkpoints"
    stray.mkdir(parents=True)
    (stray / "last.pt").touch()
    assert find_run("latest").path.name == "10-00-00_a"


def test_runs_that_do_not_exist(tmp_path):
    with pytest.raises(ValueError, match="run=latest or run=<directory>"):
        find_run(None)
    with pytest.raises(ValueError, match=r"not a run directory \(it has no config\.yaml\)"):
        find_run(str(tmp_path))


def test_status_keeps_what_stood_there(tmp_path):
    run = make_run(tmp_path / "run")
    run.write_status("running", seed=3, commit="abc")
    run.write_status("failed", "no memory")
    status = json.loads((run.path / "status.json").read_text())
    assert (status["status"], status["why"]) == ("failed", "no memory")
    assert (status["seed"], status["commit"]) == (3, "abc")
    assert status["version"] == inr.__version__ and "time" in status
    run.write_status("done")
    assert json.loads((run.path / "status.json").read_text())["why"] == ""


def test_one_writer_at_a_time(tmp_path):
    run = make_run(tmp_path / "run")
    with run.lock(), pytest.raises(ValueError, match="another process is writing"), run.lock():
        pass
    with run.lock():  # given back
        pass


def test_a_process_that_dies_gives_the_lock_back(tmp_path):
    run = make_run(tmp_path / "run")
    code = (
        "import sys, pathlib, inr.runs.directory\n"
        f"with inr.runs.directory.Run(pathlib.Path({str(run.path)!r})).lock():\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(ValueError, match="another process"), run.lock():
            pass
    finally:
        holder.kill()
        holder.communicate()
    with run.lock():
        pass


def test_a_run_can_be_moved(tmp_path):
    run = make_run(tmp_path / "run")
    run.write_status("done")
    moved = tmp_path / "elsewhere" / "renamed"
    moved.parent.mkdir()
    shutil.move(run.path, moved)
    found = find_run(str(moved))
    assert found.config() == CONFIG
    for path in (
        found.checkpoints,
        found.renders,
        found.reconstruction("epoch_000001", "test"),
        found.evaluation("epoch_000001", "test", "default"),
    ):
        assert path.is_relative_to(moved)
    with found.lock():
        found.write_status("running")
    for path in moved.glob("*.*"):
        assert str(tmp_path / "run") not in path.read_text()


def test_logs_of_later_stages_are_numbered(tmp_path):
    run = make_run(tmp_path / "run")
    for number in (1, 2):
        path = next_log(run, "evaluate")
        assert path == run.path / "logs" / f"evaluate_{number}.log"
        with log_to(path):
            logging.getLogger("inr.somewhere").error("message %d", number)
        logging.getLogger("inr.somewhere").error("not this one")
        assert path.read_text().count("\n") == 1 and f"message {number}" in path.read_text()
    assert next_log(run, "reconstruct").name == "reconstruct_1.log"


def test_git_commit():
    folder = ROOT
    commit = git_commit()
    if (folder / ".git").exists():
        assert re.fullmatch("[0-9a-f]{40}", commit)
    else:
        assert commit is None or re.fullmatch("[0-9a-f]{40}", commit)
