"""Shapes made of parts at a tiny size, as a user trains and reconstructs them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from inr.data.layout import read_split
from inr.data.parts.read import read_poses, read_present
from inr.models.parts.poses import pose_dim
from inr.shapes.mesh import read_mesh
from inr.training.checkpoint import load_checkpoint
from tests.support.cli import TINY_PARTS, inr, only_run
from tests.support.runs import layout_in

AGAIN = ("stage=reconstruct", "run=latest", "split=test", "overwrite=true")


def test_what_is_written(parts_run: Path) -> None:
    run, layout = only_run(parts_run), layout_in(parts_run)
    content = load_checkpoint(run / "checkpoints" / "last.pt")
    names = read_split(layout, "train")
    assert list(content["latents"]) == names
    for name in names:
        poses = read_poses(layout, name, 3)
        latent = content["latents"][name]
        assert latent.shape == (8, 4 + pose_dim(3))
        np.testing.assert_allclose(latent[:, 8:11], poses.translations, atol=1e-6)
        assert (latent[:, -1] == torch.from_numpy(poses.present)).all()
    for split in ("train", "test"):
        made = run / "reconstruction" / "epoch_000020" / split
        for name in read_split(layout, split):
            latent = np.load(made / "latents" / f"{name}.npy")
            assert latent.shape == (8, 4 + pose_dim(3))
            with np.load(made / "poses" / f"{name}.npz") as poses:
                sizes = {key: poses[key].shape for key in poses.files}
                np.testing.assert_array_equal(poses["translations"], latent[:, 8:11])
                present = poses["present"]
            assert sizes == {
                "quaternions": (8, 4),
                "translations": (8, 3),
                "scales": (8, 3),
                "present": (8,),
            }
            for path in (made / "parts" / name).glob("*"):
                assert present[int(path.stem.removeprefix("part"))]
                assert read_mesh(path).is_closed()
        assert json.loads((made / "shapes.json").read_text())
    assert list((run / "reconstruction").glob("*/*/parts/*/part*.ply"))
    for picture in ("train_epoch_000020", "valid_epoch_000020", "reconstruction_epoch_000020_test"):
        assert (run / "renders" / f"{picture}.png").exists()
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert any({"train/parts", "train/intersection"} <= line.keys() for line in lines)
    assert any("valid/loss" in line for line in lines)


def test_poses_of_the_data_may_be_given(parts_copy, monkeypatch, capsys) -> None:
    assert inr(monkeypatch, *AGAIN, "reconstruct.poses=given_frozen") == 0
    (name,), layout = read_split(layout_in(parts_copy), "test"), layout_in(parts_copy)
    made = only_run(parts_copy) / "reconstruction" / "epoch_000020" / "test"
    given = read_poses(layout, name, 3)
    with np.load(made / "poses" / f"{name}.npz") as poses:
        np.testing.assert_allclose(poses["scales"], given.scales, rtol=1e-6)
        np.testing.assert_array_equal(poses["present"], given.present)
    entry = json.loads((made / "shapes.json").read_text())[name]
    assert entry["settings"]["reconstruct.poses"] == "given_frozen"
    assert inr(monkeypatch, *AGAIN, "reconstruct.poses=gven") == 2
    assert "did you mean 'given'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("setting", "was"),
    [
        ("reconstruct.labels=True", "False"),
        ("reconstruct.pose_lr=0.1", "0.01"),
        ("reconstruct.poses=given", "mean"),
    ],
)
def test_finished_shapes_are_of_the_settings_they_were_made_with(
    setting, was, parts_copy, monkeypatch, capsys
) -> None:
    again = ("stage=reconstruct", "run=latest", "split=test")
    assert inr(monkeypatch, *again) == 0
    assert inr(monkeypatch, *again, setting) == 2
    key, value = setting.split("=")
    assert f"was made with {key}={was}, not {value}; overwrite=true" in capsys.readouterr().err


def test_labels_may_be_known(parts_copy, monkeypatch, capsys) -> None:
    made = only_run(parts_copy) / "reconstruction" / "epoch_000020" / "test"
    (latent,), layout = (made / "latents").glob("*.npy"), layout_in(parts_copy)
    without = np.load(latent)
    assert inr(monkeypatch, *AGAIN, "reconstruct.labels=true") == 0
    known = np.load(latent)
    np.testing.assert_array_equal(known[:, -1], read_present(layout, latent.stem))
    assert np.abs(known - without)[:, :-1].max() > 1e-3
    labels = list(layout_in(parts_copy).root.glob("parts/sample_labels/*/deepsdf.npz"))
    for path in labels:
        path.unlink()
    shutil.rmtree(layout_in(parts_copy).root / "packed", ignore_errors=True)
    assert inr(monkeypatch, *AGAIN) == 0
    assert inr(monkeypatch, *AGAIN, "reconstruct.labels=true") == 2
    assert "have no part labels" in capsys.readouterr().err
    arguments = ("reconstruct.labels=true", "reconstruct.observe=surface")
    assert inr(monkeypatch, *AGAIN, *arguments) == 2
    assert "reconstruct.observe=sdf" in capsys.readouterr().err


def test_parts_may_be_found_in_what_is_seen_from_one_side(parts_copy, monkeypatch) -> None:
    made = only_run(parts_copy) / "reconstruction" / "epoch_000020" / "test"
    (latent,) = (made / "latents").glob("*.npy")
    whole = np.load(latent)
    assert inr(monkeypatch, *AGAIN, "reconstruct.observe=partial") == 0
    assert np.abs(np.load(latent) - whole)[:, :-1].max() > 1e-3


def test_a_set_of_other_parts_does_not_go_with_a_run(parts_copy, monkeypatch, capsys) -> None:
    layout = layout_in(parts_copy)
    (name,) = read_split(layout, "test")
    for path in (layout.root / "parts" / "parameters" / name).glob("*.npy"):
        np.save(path, np.concatenate([np.load(path)] * 2)[:9])
    for poses in ("mean", "given"):
        again = (*AGAIN, f"reconstruct.poses={poses}", "reconstruct.labels=true")
        assert inr(monkeypatch, *again) == 2
        error = capsys.readouterr().err
        assert f"'{name}' has 9 parts" in error and "trained with 8" in error
    assert inr(monkeypatch, *AGAIN, "latent.num_parts=9") == 2
    assert "the latent of a run cannot be changed: leave it out" in capsys.readouterr().err
    assert inr(monkeypatch, *AGAIN, "eval.resolutoin=9") == 2
    assert capsys.readouterr().err.endswith("did you mean 'eval.resolution'?\n")


def test_a_loss_that_says_nothing_of_unseen_shapes(parts_copy, monkeypatch, capsys) -> None:
    train = [s for s in TINY_PARTS if not s.startswith("data.")]
    train += [f"data.root={layout_in(parts_copy).root}", "train.epochs=1", "~loss.distance"]
    assert inr(monkeypatch, "stage=train", *train, "reconstruct.labels=true") == 0
    assert inr(monkeypatch, *AGAIN) == 0
    assert inr(monkeypatch, *AGAIN, "reconstruct.labels=false") == 2
    assert "no term that can fit latents of unseen shapes" in capsys.readouterr().err


def test_a_resumed_run_goes_on(parts_copy, monkeypatch, capsys) -> None:
    run = only_run(parts_copy)
    path = run / "checkpoints" / "last.pt"
    before = load_checkpoint(path)
    assert inr(monkeypatch, "stage=train", "resume=latest", "train.epochs=22") == 0
    assert f"{run.name} on cpu: " in capsys.readouterr().err
    after = load_checkpoint(path)
    assert before["progress"]["epoch"] == 20 and after["progress"]["epoch"] == 22
    assert after["optimizer"]["state"][0]["step"] == after["progress"]["step"]
    for name, latent in before["latents"].items():
        moved = (after["latents"][name] - latent).abs()
        assert (moved[:, :4].amax(dim=1) > 0)[latent[:, -1] > 0].all()
        assert (moved[:, 4:] == 0).all()  # poses stay those of the data


def test_new_shapes_are_drawn(parts_copy, monkeypatch) -> None:
    sample = ("stage=sample", "run=latest", "sample.num_shapes=3", "eval.resolution=24")
    names = read_split(layout_in(parts_copy), "train")
    assert inr(monkeypatch, *sample, "sample.prior=pca") == 0
    assert inr(monkeypatch, *sample, f"sample.interpolate=[{names[0]},{names[1]}]") == 0
    samples = only_run(parts_copy) / "samples" / "epoch_000020"
    drawn = [np.load(path) for path in sorted(samples.glob("*/latents/*.npy"))]
    assert len(drawn) == 6
    for latent in drawn:
        assert set(np.unique(latent[:, -1])) <= {0.0, 1.0}
        np.testing.assert_allclose(np.linalg.norm(latent[:, 4:8], axis=1), 1, atol=1e-6)


WRONG = {
    ("model=partsdf",): "add latent=parts",
    ("latent=parts",): "add model=partsdf, or latent=default",
    ("loss=parts",): "add model=partsdf latent=parts, or leave it out: ~loss.parts",
    ("model=partsdf", "latent=parts", "model.output=occupancy"): "use model.output=sdf",
    ("model=partsdf", "latent=parts", "latent.num_parts=0"): "latent.num_parts is 0",
    ("reconstruct.pose_lr=0",): "reconstruct.pose_lr is 0; it has to be positive",
}


@pytest.mark.parametrize("arguments", WRONG)
def test_what_does_not_go_together(arguments, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert inr(monkeypatch, *arguments, "data=chairs", "logger=none", "device=cpu") == 2
    assert WRONG[arguments] in capsys.readouterr().err.strip().splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stage", ["prepare", "train", "all"])
def test_a_family_without_parts_is_refused_before_it_is_made(
    stage, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["experiment=partsdf", "data=naca", "logger=none", "device=cpu"]
    assert inr(monkeypatch, f"stage={stage}", *arguments) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert (
        "data.family=inr.shapes.procedural.naca.Naca have no parts" in said
        and "data=chairs" in said
    )
    assert list(tmp_path.iterdir()) == []


def test_another_number_of_parts_says_which(parts_copy, monkeypatch, capsys) -> None:
    root = layout_in(parts_copy).root
    train = [s for s in TINY_PARTS if not s.startswith("data.")]
    assert inr(monkeypatch, "stage=train", *train, f"data.root={root}", "latent.num_parts=5") == 2
    assert "has 8 parts, and latent.num_parts=5; set latent.num_parts=8" in capsys.readouterr().err


def test_poses_that_are_missing_are_named(parts_copy, monkeypatch, capsys) -> None:
    root = layout_in(parts_copy).root
    shutil.rmtree(root / "parts" / "parameters")
    train = [s for s in TINY_PARTS if not s.startswith("data.")]
    assert inr(monkeypatch, "stage=train", *train, f"data.root={root}") == 2
    assert "quaternions.npy' is missing" in capsys.readouterr().err
