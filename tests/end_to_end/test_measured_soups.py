"""Triangle soups through the command line: measured against their solid, or as they came."""

import json
from pathlib import Path

import pytest
import trimesh

from tests.support.cli import TINY, inr, only_run
from tests.support.runs import put_ground_truth_in_place

SETTINGS = ["experiment=small_cpu", *(s for s in TINY if not s.startswith(("data.f", "exp")))]
THICKNESS = 0.2


@pytest.fixture
def soups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of a box without a lid, of walls without thickness, and the same box closed."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "soups"
    folder.mkdir()
    box = trimesh.creation.box((10, 8, 6))
    box.export(folder / "closed.ply")
    box.update_faces(box.face_normals[:, 2] < 0.5)
    box.export(folder / "open.ply")
    return folder


def summary_of(run: Path) -> dict:
    return json.loads((run / "evaluation/epoch_000004/train/summary.json").read_text())


def test_a_soup_is_measured_against_its_solid_or_its_faces(soups, monkeypatch, capsys):
    settings = [*SETTINGS, "data=meshes", "data.source=soups", f"data.thickness={THICKNESS}"]
    settings += ["data.splits.train=2", "data.splits.test=0", "split=train"]
    assert inr(monkeypatch, "stage=train", *settings) == 0
    assert inr(monkeypatch, "stage=reconstruct", "run=latest", "split=train") == 0
    run = only_run(Path())
    put_ground_truth_in_place(run, "train")
    evaluate = ["stage=evaluate", "run=latest", "split=train", "eval.num_points=20000"]
    assert inr(monkeypatch, *evaluate) == 0
    solid = summary_of(run)
    assert solid["ground_truth"] == "solid" and solid["metrics"]["iou"]["min"] > 0.99
    assert solid["metrics"]["chamfer_l1"]["max"] < 0.02
    record = run / "evaluation/epoch_000004/train/shapes.json"
    before = record.read_text()
    capsys.readouterr()
    assert inr(monkeypatch, *evaluate, "eval.ground_truth=given") == 2
    said = capsys.readouterr().err
    assert "was made with ground_truth=solid, not given; overwrite=true" in said
    assert record.read_text() == before
    assert inr(monkeypatch, *evaluate, "eval.ground_truth=given", "overwrite=true") == 0
    shown = capsys.readouterr().out
    assert "no iou for 1 of them (open: the ground truth is the visible part" in shown
    assert "eval.ground_truth" in shown.split("except for ")[1].splitlines()[0]
    given = summary_of(run)
    assert given["ground_truth"] == "given"
    # the closed box has an inside; the other lies half a shell within what was reconstructed
    assert given["metrics"]["iou"]["count"] == 1
    for metric in ("accuracy", "completeness", "chamfer_l1"):
        floor = solid["metrics"][metric]["min"]
        assert given["metrics"][metric]["min"] == pytest.approx(floor, rel=1e-6)
        assert given["metrics"][metric]["max"] == pytest.approx(THICKNESS / 2, abs=3e-3)


def test_folders_have_no_given_faces(soups, monkeypatch, capsys):
    folders = ["stage=evaluate", "meshes=soups", "ground_truth=soups"]
    assert inr(monkeypatch, *folders, "eval.ground_truth=given") == 2
    assert "eval.ground_truth=given is of a data set" in capsys.readouterr().err
