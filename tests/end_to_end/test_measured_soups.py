"""Triangle soups through the command line: measured, summed up, and shown on a page."""

import json
from pathlib import Path

import numpy as np
import pytest
import trimesh

from inr.config.infer import infer_settings
from inr.config.job import Job
from inr.config.overrides import Overrides
from inr.data.layout import Layout
from inr.stages.prepare import finalize
from inr.stages.prepare.manifest import adopt_settings
from tests.support.cli import TINY, inr, only_run
from tests.support.composed import composed
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
    settings += ["data.extent=0.4", "data.splits.train=2", "data.splits.test=0", "split=train"]
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


PREPARE = ["stage=prepare", "data=meshes", "data.source=soups", "data.root=made", "workers=1"]
PREPARE += ["data.extent=0.4", *(s for s in TINY if s.startswith("data.sampling"))]


def record_of(name: str) -> dict:
    return json.loads(Path("made/manifest.json").read_text())["shapes"][name]


def test_what_remedies_say_helps(soups, monkeypatch, capsys):
    (soups / "closed.ply").unlink()
    turned = trimesh.creation.icosphere(subdivisions=2)
    turned.faces[::3] = turned.faces[::3, ::-1]
    turned.update_faces([face != 5 for face in range(len(turned.faces))])
    turned.export(soups / "turned.ply")
    assert inr(monkeypatch, *PREPARE, "data.sign=winding") == 0
    said = capsys.readouterr().err
    remedy = "(try data.sign=auto overwrite=true): "
    assert said.count(remedy) == 2 and "turned" in said.split(remedy)[1].splitlines()[0]
    prepare = [*PREPARE, "eval.resolution=64"]
    remedy = "leave it out, or prepare it anew with data.sign=auto overwrite=true"
    for sign in ([], ["data.sign=winding"]):
        assert inr(monkeypatch, *prepare, "data.thickness=0.02", *sign) == 2
        assert f"no effect with data.sign=winding; {remedy}" in capsys.readouterr().err
    thin = [*prepare, "data.thickness=0.02"]
    assert inr(monkeypatch, *thin, "data.sign=auto", "overwrite=true") == 0
    said = capsys.readouterr().err
    assert "data.sign=auto" not in said and "repair" not in said
    assert record_of("turned")["sign"] == "outside"
    assert "in 2 triangle soups" in said
    assert "all sheet, which encloses nothing but its shells: 2 (open, turned)" in said
    remedy = "(try data.thickness=null overwrite=true)"
    assert f"less than 2 cells of eval.resolution=64, 0.0317 each {remedy}: 2 (open," in said
    assert inr(monkeypatch, *prepare, "data.thickness=null", "overwrite=true") == 0
    assert "thick are less" not in capsys.readouterr().err
    assert record_of("open")["enclosure"]["thickness"] == pytest.approx(2.5 * 2 / 63, abs=1e-6)


def test_shapes_that_are_added_have_shells_of_the_same_thickness(soups, monkeypatch, capsys):
    (soups / "closed.ply").unlink()
    assert inr(monkeypatch, *PREPARE, "eval.resolution=64") == 0
    made = json.loads(Path("made/manifest.json").read_text())["settings"]["thickness"]
    assert made == pytest.approx(2.5 * 2 / 63)
    (soups / "again.ply").write_bytes((soups / "open.ply").read_bytes())
    capsys.readouterr()
    assert inr(monkeypatch, *PREPARE, "eval.resolution=128") == 0
    assert "data.thickness" not in capsys.readouterr().err
    for name in ("open", "again"):
        assert record_of(name)["enclosure"]["thickness"] == pytest.approx(made, abs=1e-6)
    assert inr(monkeypatch, *PREPARE, "data.thickness=0.05") == 2
    assert "was prepared with data.thickness=0.079" in capsys.readouterr().err
    # later stages read it from the manifest, whatever they would infer
    lines = ["data=meshes", "data.root=made", "eval.resolution=128"]
    layout = Layout(Path("made"))

    def adopted(*more: str) -> Job:
        job = Job(infer_settings(composed(*lines, *more)), Overrides(more), "job", None)
        return adopt_settings(job, layout)

    assert adopted().config.data.thickness == made
    with pytest.raises(ValueError, match=r"prepared with data\.thickness=0\.079.*, not 0\.05"):
        adopted("data.thickness=0.05")


def test_a_page_shows_what_soups_became(soups, monkeypatch):
    halves = [trimesh.creation.box((5, 8, 6)) for _ in range(2)]
    for half, side in zip(halves, (-1, 1), strict=True):
        half.apply_translation((2.55 * side, 0, 0))  # 0.1 apart: narrower than data.gap
        half.update_faces(side * half.face_normals[:, 0] > -0.5)
    trimesh.util.concatenate(halves).export(soups / "halves.ply")
    warned = []
    monkeypatch.setattr(finalize.log, "warning", lambda text, *of: warned.append(text % of))
    assert inr(monkeypatch, *PREPARE) == 0
    (line,) = (line for line in warned if "stage=inspect" in line)
    assert "data.gap=0.03" in line and "data.gap=0 " in line and line.endswith(": 1 (halves)")
    assert inr(monkeypatch, "stage=inspect", "data=meshes", "data.root=made") == 0
    page = Path("made/inspect.html").read_text()
    assert page.count("data:image/png;base64,") == 3
    assert "<h2>Triangle soups: as given, their solid, and a cut" in page
    rows = {row.split("</td>")[0]: row for row in page.split("<tr><td>")[1:]}
    assert "<td>all sheet</td>" in rows["open"]
    assert "of the solid held by gaps" in rows["halves"]
    assert not any("not watertight" in row for row in rows.values())
    assert "not watertight: 2 (halves, open)" in page


def test_a_page_of_open_outlines(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("soups").mkdir()
    corners = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [0.0, 1.0]])
    edges = np.array([[0, 1], [1, 2], [2, 3]])
    np.savez("soups/open.npz", vertices=corners, edges=edges)
    prepare = [s.replace("data=meshes", "data=outlines") for s in PREPARE]
    assert inr(monkeypatch, *prepare, "data.sign=auto") == 0
    assert record_of("open")["enclosure"]["sheet"] == 1
    assert inr(monkeypatch, "stage=inspect", "data=outlines", "data.root=made") == 0
    page = Path("made/inspect.html").read_text()
    assert page.count("data:image/png;base64,") == 3 and "all sheet" in page
