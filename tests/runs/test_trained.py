"""Opening a run from Python."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

import inr
from inr.runs.trained import TrainedRun
from tests.support.cli import only_run
from tests.support.paths import ROOT


def test_the_package_imports_nothing_until_it_is_asked() -> None:
    code = (
        "import sys, json, inr\n"
        "early = [name for name in sys.modules if name == 'torch' or name.startswith('inr.')]\n"
        "from inr import load_run\n"
        "print(json.dumps([early, load_run.__module__, 'torch' in sys.modules]))\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert json.loads(found.stdout) == [[], "inr.runs.trained", True], found.stderr


def test_the_package_has_no_other_names() -> None:
    assert "load_run" in inr.__all__
    with pytest.raises(AttributeError, match="module 'inr' has no attribute 'open_model'"):
        inr.open_model  # noqa: B018


def test_a_run_opens_without_its_data_set(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = only_run(copy)
    (copy / "outputs" / "datasets").rename(copy / "elsewhere")
    before = sorted(copy.rglob("*"))
    trained = inr.load_run(device="cpu")
    assert isinstance(trained, TrainedRun) and trained.run.path.resolve() == run.resolve()
    assert trained.epoch == 4 and not trained.model.training
    stored = torch.load(run / "checkpoints" / "last.pt", weights_only=True)["latents"]
    assert trained.names == list(stored) and trained.latents.shape == (2, 4)
    assert not trained.latents.requires_grad
    assert sorted(copy.rglob("*")) == before  # opening writes nothing
    values = trained.model.decode(torch.zeros(1, 5, 3), trained.latents[:1]).value
    assert values.shape == (1, 5, 1)


def test_what_a_run_allows_counts_for_nothing(copy: Path) -> None:
    path = only_run(copy) / "config.yaml"
    config = yaml.safe_load(path.read_text())
    config["allow"] = ["os"]
    config["model"]["activation"] = {"_target_": "os.system", "command": "touch ran"}
    path.write_text(yaml.safe_dump(config))
    with pytest.raises(ValueError, match=r"to trust it, add allow=\[os\]"):
        inr.load_run(device="cpu")
    assert not (copy / "ran").exists()
    with pytest.raises(ValueError, match="is not a run directory"):
        inr.load_run("nowhere")


def test_a_path_is_a_run_too_and_allow_is_a_list(copy: Path) -> None:
    assert inr.load_run(only_run(copy), device="cpu").epoch == 4
    with pytest.raises(ValueError, match=r"^'allow' is 'mine'; .*; write allow=\[mine\]$"):
        inr.load_run(device="cpu", allow="mine")


def test_messages_are_for_python_as_for_the_command_line(copy: Path) -> None:
    for wrong, message in (
        ({"epoch": 99}, "no checkpoint 'epoch_000099' in .*; available: "),
        ({"epoch": "first"}, "epoch is 'first'; it has to be latest, best or a number"),
        ({"device": "gpu"}, "device is 'gpu'; allowed: auto, cpu, "),
    ):
        with pytest.raises(ValueError, match=message) as caught:
            inr.load_run(**{"device": "cpu", **wrong})
        assert "command line" not in str(caught.value)
