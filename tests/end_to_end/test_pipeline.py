"""Every stage at a tiny size, as a user runs it."""

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
import yaml

from inr.config.compose import compose, group_choices
from inr.config.migrate import SCHEMA_VERSION
from inr.config.renamed import in_old_names
from inr.data.journal import read_records
from inr.data.layout import Layout
from inr.shapes.mesh import read_mesh
from tests.support.cli import TINY, inr, only_run


def test_a_run_of_an_earlier_version_goes_on(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = only_run(copy) / "config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    del config["schema_version"], config["train"]["clip_gradient_norm"], config["data"]["formats"]
    earlier = {"schema_version": SCHEMA_VERSION - 1, **in_old_names(config)}
    path.write_text(yaml.safe_dump(earlier), encoding="utf-8")
    assert "code_lr" in path.read_text() and "inr.models.latents.Codes" in path.read_text()
    before = only_run(copy) / "evaluation"
    rows = [p.read_text() for p in sorted(before.rglob("shapes.json"))]
    for stage in ("reconstruct", "evaluate"):
        assert inr(monkeypatch, f"stage={stage}", "run=latest", "split=test") == 0
    assert rows == [p.read_text() for p in sorted(before.rglob("shapes.json"))]
    by_hydra = "hydra.verbose=false"  # a setting of its own: it launches the job
    assert inr(monkeypatch, "stage=train", "resume=latest", "train.epochs=6", by_hydra) == 0
    again = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert again["schema_version"] == SCHEMA_VERSION and "latent_lr" in again["optimizer"]


def test_all_writes_the_run_directory_of_the_design(finished: Path) -> None:
    run = only_run(finished)
    assert json.loads((run / "status.json").read_text())["status"] == "done"
    assert yaml.safe_load((run / "config.yaml").read_text())["schema_version"] == SCHEMA_VERSION
    assert "latent.dim=4" in yaml.safe_load((run / "overrides.yaml").read_text())
    assert "experiment=quickstart" in yaml.safe_load((run / "overrides.yaml").read_text())
    assert {path.name for path in (run / "checkpoints").glob("*.pt")} >= {
        "last.pt",
        "epoch_000002.pt",
        "epoch_000004.pt",
    }
    assert (run / "renders" / "train_epoch_000004.png").stat().st_size > 0
    assert (run / "renders" / "reconstruction_epoch_000004_test.png").stat().st_size > 0
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert all({"epoch", "step", "time"} <= line.keys() for line in lines)
    assert any("train/loss" in line for line in lines)
    assert any("valid/loss" in line for line in lines)
    for split, count in (("train", 2), ("test", 1)):
        folder = run / "evaluation" / "epoch_000004" / split
        summary = json.loads((folder / "summary.json").read_text())
        assert summary["num_shapes"] == count
        assert summary["protocol"] == "default"
        with (folder / "per_shape.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == count
        assert all(row["status"] in ("ok", "empty") for row in rows)
        latents = run / "reconstruction" / "epoch_000004" / split / "latents"
        assert [np.load(path).shape for path in latents.glob("*.npy")] == [(4,)] * count


def test_a_finished_shape_is_skipped_until_overwritten(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = copy / only_run(copy) / "reconstruction" / "epoch_000004" / "test" / "shapes.json"
    before = made.read_text()
    assert inr(monkeypatch, "stage=reconstruct", "run=latest", "split=test") == 0
    assert made.read_text() == before
    assert "1 of them finished earlier" in capsys.readouterr().err
    assert inr(monkeypatch, "stage=reconstruct", "run=latest", "eval.resolution=32") == 2
    assert "overwrite=true makes it anew" in capsys.readouterr().err
    arguments = ("stage=reconstruct", "run=latest", "split=test", "eval.resolution=32")
    assert inr(monkeypatch, *arguments, "overwrite=true") == 0
    (entry,) = json.loads(made.read_text()).values()
    assert entry["settings"]["eval.resolution"] == 32


def test_the_checkpoint_is_not_contradicted(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert inr(monkeypatch, "stage=evaluate", "run=latest", "model.hidden_dim=8") == 2
    assert "contradicts the run" in capsys.readouterr().err
    assert inr(monkeypatch, "stage=evaluate", "run=latest", "model.hidden_dim=16") == 0


@pytest.mark.parametrize(
    ("one", "other"), [("hidden_dim: 16", "hidden_dim: 8"), ("\n  dim: 4\n", "\n  dim: 5\n")]
)
def test_a_checkpoint_that_does_not_fit_is_refused(
    one: str,
    other: str,
    copy: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = only_run(copy) / "config.yaml"
    assert one in config.read_text()
    config.write_text(config.read_text().replace(one, other))
    assert inr(monkeypatch, "stage=reconstruct", "run=latest") == 2
    assert "does not fit the run's config.yaml" in capsys.readouterr().err


def test_an_empty_reconstruction_is_a_row_with_its_reason(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = only_run(copy) / "checkpoints" / "last.pt"
    content = torch.load(path, weights_only=True)
    content["decoder"]["output.bias"] += 100  # everywhere outside
    torch.save(content, path)
    assert inr(monkeypatch, "stage=reconstruct", "run=latest", "overwrite=true") == 0
    assert inr(monkeypatch, "stage=evaluate", "run=latest", "split=test") == 0
    assert "1 shapes: 1 empty" in capsys.readouterr().out
    folder = only_run(copy) / "evaluation" / "epoch_000004" / "test"
    (row,) = csv.DictReader((folder / "per_shape.csv").open())
    assert row["status"] == "empty"
    assert "same sign" in row["reason"]
    assert float(row["iou"]) == 0
    assert row["chamfer_l2"] == ""
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["num_empty"] == 1
    assert summary["metrics"]["iou"]["mean"] == 0
    assert summary["metrics"]["chamfer_l2"]["mean"] is None


def test_a_missing_reconstruction_is_counted(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = only_run(copy)
    made = run / "reconstruction" / "epoch_000004" / "train" / "shapes.json"
    shapes = json.loads(made.read_text())
    del shapes["chair_0000" if "chair_0000" in shapes else min(shapes)]
    made.write_text(json.dumps(shapes))
    shutil.rmtree(run / "evaluation")
    assert inr(monkeypatch, "stage=evaluate", "run=latest", "split=train") == 0
    assert "1 missing" in capsys.readouterr().out


def test_resumed_is_the_same_as_uninterrupted(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = only_run(copy)
    whole = torch.load(run / "checkpoints" / "last.pt", weights_only=True)
    shutil.copy(run / "checkpoints" / "epoch_000002.pt", run / "checkpoints" / "last.pt")
    assert inr(monkeypatch, "stage=train", "resume=latest", "device=cpu") == 0
    resumed = torch.load(run / "checkpoints" / "last.pt", weights_only=True)
    assert resumed["progress"]["epoch"] == whole["progress"]["epoch"] == 4
    for name, tensor in whole["decoder"].items():
        assert torch.equal(tensor, resumed["decoder"][name]), name
    for name, latent in whole["latents"].items():
        assert torch.equal(latent, resumed["latents"][name]), name


def test_a_split_that_names_a_stranger_is_refused(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (splits,) = copy.glob("outputs/datasets/*/splits/test.json")
    splits.write_text('["car_7"]')
    assert inr(monkeypatch, "stage=reconstruct", "run=latest", "split=test") == 2
    assert "split 'test' has no sample file for 'car_7'; run stage=prepare" in (
        capsys.readouterr().err
    )
    splits.write_text("[]")
    assert inr(monkeypatch, "stage=reconstruct", "run=latest", "split=test") == 2
    assert "is empty" in capsys.readouterr().err


def test_a_sweep_makes_one_directory_a_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sweep = ("-m", "stage=train", *TINY, "model.hidden_dim=8,16", "logger=wandb")
    assert inr(monkeypatch, *sweep, "logger.mode=offline") == 0
    jobs = sorted(tmp_path.glob("outputs/2*/*_sweep_quickstart/*/config.yaml"))
    assert [yaml.safe_load(job.read_text())["model"]["hidden_dim"] for job in jobs] == [8, 16]
    for job in jobs:
        assert json.loads((job.parent / "status.json").read_text())["status"] == "done"
        (stream,) = job.parent.glob("wandb/offline-run-*/*.wandb")
        assert stream.stat().st_size > 0
    assert len(list(tmp_path.glob("outputs/datasets/*"))) == 1


def test_airfoils_in_2d(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tiny = ["data=naca", *TINY[1:]]
    assert inr(monkeypatch, "stage=all", *tiny, "split=[train,test]", "data.splits.valid=0") == 0
    (summary,) = tmp_path.glob("outputs/2*/*/evaluation/*/test/summary.json")
    assert json.loads(summary.read_text())["num_shapes"] == 1


def test_own_meshes_are_normalised_and_bad_ones_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    source = tmp_path / "mine" / "deep"
    source.mkdir(parents=True)
    for number, suffix in enumerate((".obj", ".ply", ".off", ".stl", ".glb")):
        box = trimesh.creation.box((100, 50, 20 + number))
        box.apply_translation((7, 8, 9))
        box.export(source / f"box{number}{suffix}")
    (source / "empty.obj").write_text("")
    (source / "noise.stl").write_bytes(b"\0" * 30)
    (source / "nan.obj").write_text("v nan 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    arguments = ["data=meshes", "data.source=mine", "data.root=mine_prepared", *TINY[7:10]]
    assert inr(monkeypatch, "stage=prepare", *arguments, "workers=2") == 0
    layout = Layout(tmp_path / "mine_prepared")
    manifest = json.loads(layout.manifest.read_text())["shapes"]
    refused = {name: entry["reason"] for name, entry in manifest.items() if entry["reason"]}
    assert set(refused) == {"deep_empty", "deep_noise", "deep_nan"}
    assert "not finite" in refused["deep_nan"]
    assert layout.names() == [f"deep_box{number}" for number in range(5)]
    for number in range(5):
        mesh = read_mesh(layout.mesh(f"deep_box{number}"))
        assert np.allclose(mesh.bounds[:, 0], [-0.9, 0.9])
        assert np.isclose(mesh.volume(), 1.8**3 * 0.5 * (20 + number) / 100)
    splits = [json.loads(layout.split(split).read_text()) for split in ("train", "valid", "test")]
    assert [len(names) for names in splits] == [4, 0, 1]
    before = layout.samples("deep_box0").stat().st_mtime_ns
    assert inr(monkeypatch, "stage=prepare", *arguments) == 0
    assert layout.samples("deep_box0").stat().st_mtime_ns == before
    assert inr(monkeypatch, "stage=prepare", *arguments, "data.extent=0.5") == 2
    assert "was prepared with data.extent=0.9, not 0.5" in capsys.readouterr().err
    assert inr(monkeypatch, "stage=prepare", *arguments, "strict=true") == 1


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 75)])
def test_a_signal_stops_with_a_checkpoint_to_go_on_from(
    copy: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    shutil.rmtree(next(copy.glob("outputs/2*")))
    long = [s for s in TINY if not s.startswith("train.")] + ["train.epochs=1000000"]
    long += ["train.validate_every=0", "train.render_every=0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "inr", "stage=train", *long, "train.log_every=10"],
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not list(copy.glob("outputs/2*/*/metrics.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code, errors
    run = only_run(copy)
    assert f"continue with: stage=train resume={run.relative_to(copy)}" in errors
    assert json.loads((run / "status.json").read_text())["status"] == "failed"
    progress = torch.load(run / "checkpoints" / "last.pt", weights_only=True)["progress"]
    assert progress["step"] > 0
    done = progress["epoch"] + 1
    assert inr(monkeypatch, "stage=train", f"resume={run}", f"train.epochs={done}") == 0
    assert json.loads((run / "status.json").read_text())["status"] == "done"


def test_choices_on_the_command_line_win_over_an_experiment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for experiment in group_choices()["experiment"]:
        config = compose([f"experiment={experiment}", "latent=none", "model=deepsdf"])
        assert config["latent"]["dim"] == 0
        assert config["model"] == compose(["model=deepsdf"])["model"]


def test_a_run_records_what_its_data_was_prepared_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for number in range(2):
        box = trimesh.creation.box((1, 1, 0.5 + number))
        box.export(tmp_path / f"box{number}.ply")
    meshes = ["data=meshes", "data.root=made", "data.splits.train=1", "data.splits.test=1"]
    sampling = [s for s in TINY if s.startswith("data.sampling")]
    prepare = ["stage=prepare", "data.source=.", *meshes, *sampling, "data.extent=0.5"]
    assert inr(monkeypatch, *prepare) == 0
    tiny = [s for s in TINY if not s.startswith("data.") and not s.startswith("experiment")]
    train = ["stage=train", "experiment=small_cpu", *meshes, *tiny]
    assert inr(monkeypatch, *train, "data.extent=0.6") == 2
    assert "was prepared with data.extent=0.5, not 0.6" in capsys.readouterr().err
    assert inr(monkeypatch, *train) == 0
    data = yaml.safe_load((only_run(tmp_path) / "config.yaml").read_text())["data"]
    assert data["extent"] == 0.5
    assert data["sampling"]["near_counts"] == [2000, 2000]
    everything = [s for s in train if s != "stage=train"]
    assert inr(monkeypatch, "stage=all", *everything, "split=train") == 0
    later = ("stage=reconstruct", "run=latest", "split=train", "data=meshes", "data.root=made")
    assert inr(monkeypatch, *later) == 0
    before = len(list(tmp_path.glob("outputs/2*/*")))
    Layout(tmp_path / "made").split("valid").write_text('["car_7"]')
    assert inr(monkeypatch, *train) == 2
    assert "split 'valid' has no sample file for 'car_7'" in capsys.readouterr().err
    assert len(list(tmp_path.glob("outputs/2*/*"))) == before
    Layout(tmp_path / "made").split("valid").write_text("[]")
    box.export(tmp_path / "box0.ply")  # another shape under the same name
    assert inr(monkeypatch, *prepare) == 2
    assert "before that file changed" in capsys.readouterr().err


def test_a_killed_prepare_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = ["stage=prepare", "data.root=made", "workers=1", "data.family.num_shapes=6"]
    settings += ["data.splits.train=6", "data.splits.valid=0", "data.splits.test=0"]
    settings += ["data.sampling.near_counts=[50000,50000]"]
    process = subprocess.Popen([sys.executable, "-m", "inr", *settings], stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    done: list[str] = []
    while len(done) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
        done = list(read_records(Layout(tmp_path / "made")))
    process.kill()
    process.communicate(timeout=60)
    assert 2 <= len(done) < 6
    before = Layout(tmp_path / "made").samples(done[0]).stat().st_mtime_ns
    assert inr(monkeypatch, *settings) == 0
    assert Layout(tmp_path / "made").samples(done[0]).stat().st_mtime_ns == before
    assert len(Layout(tmp_path / "made").names()) == 6
