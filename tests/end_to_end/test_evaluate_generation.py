"""stage=evaluate eval=generation, as a user runs it: of a run, and of two folders."""

import csv
import json
from pathlib import Path

import pytest
import trimesh

from tests.support.cli import inr

SMALL = ("stage=evaluate", "eval=generation", "eval.num_points=200")


def test_new_shapes_of_a_run(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    split = ("run=latest", "split=train")
    assert inr(monkeypatch, *SMALL, *split) == 2
    assert "run stage=sample run=" in capsys.readouterr().err
    sample = ("stage=sample", "run=latest", "sample.num_shapes=3", "eval.resolution=24")
    assert inr(monkeypatch, *sample) == 0
    meshes = list(Path().glob("outputs/2*/*/samples/*/gaussian/meshes/*.ply"))
    if not meshes:  # a network trained for so short may have no surface
        folder = next(iter(Path().glob("outputs/2*/*/samples/*/gaussian")))
        (folder / "meshes").mkdir(exist_ok=True)
        for path in (folder / "latents").glob("*.npy"):
            trimesh.creation.icosphere().export(folder / "meshes" / f"{path.stem}.ply")
    assert inr(monkeypatch, *SMALL, *split) == 0
    (path,) = Path().glob("outputs/2*/*/evaluation/*/train/generation/summary.json")
    summary = json.loads(path.read_text())
    assert (summary["num_shapes"], summary["num_references"]) == (3, 2)
    assert 0 < summary["metrics"]["coverage"]["mean"] <= 1
    with (path.parent / "per_shape.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 and {row["nearest"] for row in rows} - {""} <= {
        "chair_0000",
        "chair_0001",
        "chair_0002",
    }
    assert inr(monkeypatch, *SMALL, *split, "eval.frame=native") == 2
    assert "use eval.frame=box" in capsys.readouterr().err


def test_two_folders_need_no_common_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder, prefix in (("made", "new"), ("real", "old")):
        Path(folder).mkdir()
        for number in range(3):
            box = trimesh.creation.box((1, 1 + number, 1))
            box.export(Path(folder) / f"{prefix}_{number}.ply")
    assert inr(monkeypatch, *SMALL, "meshes=made", "ground_truth=real") == 0
    (path,) = Path().glob("outputs/*/*/summary.json")
    found = json.loads(path.read_text())["metrics"]
    assert found["coverage"]["mean"] == 1
    floor = found["minimum_matching_distance"]["floor"]
    assert found["minimum_matching_distance"]["mean"] == pytest.approx(floor, rel=0.3)
    assert "3 shapes: 0 empty" in capsys.readouterr().out
