"""Data sets through the command line: shards, folds, frames, a page on them, others' layouts."""

import json
from pathlib import Path

import numpy as np
import pytest
import trimesh

from inr.data.journal import file_lock
from inr.data.layout import Layout
from inr.shapes.mesh import read_mesh
from inr.training.checkpoint import load_checkpoint
from tests.support.cli import TINY, inr, only_run
from tests.support.runs import names_in

SMALL = [s for s in TINY if s.startswith("data.sampling")]
TRAIN = ["experiment=small_cpu", *(s for s in TINY if not s.startswith(("data.", "experiment")))]


@pytest.fixture
def boxes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of six boxes, and one of them again under another name."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "boxes"
    folder.mkdir()
    for number in range(6):
        box = trimesh.creation.box((10, 5 + number, 3))
        box.apply_translation((100, 0, 0))
        box.export(folder / f"box{number}.ply")
    box.export(folder / "copy.obj")
    return folder


def latents_of(run: Path) -> list[str]:
    return list(load_checkpoint(run / "checkpoints" / "last.pt")["latents"])


def test_shards_make_what_one_process_makes(boxes, monkeypatch, capsys):
    prepare = ["stage=prepare", "data=meshes", "data.source=boxes", *SMALL, "workers=1"]
    assert inr(monkeypatch, *prepare, "data.root=whole") == 0
    for shard in ("1/3", "0/3"):
        assert inr(monkeypatch, *prepare, "data.root=shards", f"prepare.shard={shard}") == 0
    assert "left to other shards" in capsys.readouterr().err
    assert not Layout(Path("shards")).split("train").exists()
    assert inr(monkeypatch, *prepare, "data.root=shards", "prepare.shard=2/3") == 0
    whole, shards = Layout(Path("whole")), Layout(Path("shards"))
    assert names_in(whole) == names_in(shards)
    for name in whole.names():
        assert whole.samples(name).read_bytes() == shards.samples(name).read_bytes()
    assert inr(monkeypatch, *prepare, "data.root=shards") == 0
    assert "nothing to do, 7 shapes ready" in capsys.readouterr().err
    assert inr(monkeypatch, *prepare, "data.root=shards", "prepare.shard=3/3") == 2
    assert "prepare.shard is '3/3'" in capsys.readouterr().err


def test_a_shape_under_two_names_is_reported(boxes, monkeypatch, capsys):
    prepare = ["stage=prepare", "data=meshes", "data.source=boxes", "data.root=made", *SMALL]
    (boxes.parent / "test.txt").write_text("copy\n")
    assert inr(monkeypatch, *prepare, "data.splits.train=1.0", "data.splits.test=test.txt") == 0
    assert "box5 (train) = copy (test)" in capsys.readouterr().err
    manifest = json.loads(Path("made/manifest.json").read_text())
    assert manifest["near_duplicates"] == [["box5", "copy"]]


def test_a_shape_that_took_too_long_gets_another_chance(boxes, monkeypatch, capsys):
    prepare = ["stage=prepare", "data=meshes", "data.source=boxes", "data.root=made", *SMALL]
    prepare.append("data.sampling.near_counts=[100000,100000]")
    inr(monkeypatch, *prepare, "workers=2", "prepare.time_limit=0.01")
    assert "took longer than prepare.time_limit=0.01" in capsys.readouterr().err
    assert len(Layout(Path("made")).names()) < 7
    assert inr(monkeypatch, *prepare, "prepare.time_limit=120") == 0
    assert len(Layout(Path("made")).names()) == 7


def test_a_list_that_was_edited_is_noticed(boxes, monkeypatch, capsys):
    prepare = ["stage=prepare", "data=meshes", "data.source=boxes", "data.root=made", *SMALL]
    prepare += ["data.splits.train=1.0", "data.splits.test=test.txt"]
    Path("test.txt").write_text("box1.ply\n")
    assert inr(monkeypatch, *prepare) == 2
    assert "names no shape of the data set ('box1.ply' first)" in capsys.readouterr().err
    Path("test.txt").write_text("box1\n")
    assert inr(monkeypatch, *prepare) == 0
    assert names_in(Layout(Path("made")))["test"] == ["box1"]
    Path("test.txt").write_text("box2\n")
    assert inr(monkeypatch, *prepare) == 2
    assert "delete made/splits to assign them anew" in capsys.readouterr().err


def test_a_data_set_inside_its_source(boxes, monkeypatch, capsys):
    prepare = ["stage=prepare", "data=meshes", "data.source=boxes", "data.root=boxes/made", *SMALL]
    for _ in range(2):
        assert inr(monkeypatch, *prepare) == 0
    assert "nothing to do, 7 shapes ready" in capsys.readouterr().err


def test_what_is_refused_when_made_anew_is_not_used(boxes, monkeypatch):
    prepare = ["stage=prepare", "data=meshes", "data.source=boxes", "data.root=made", *SMALL]
    assert inr(monkeypatch, *prepare) == 0
    (boxes / "box0.ply").write_text("no longer a mesh")
    assert inr(monkeypatch, *prepare, "overwrite=true") == 0
    assert "box0" not in Layout(Path("made")).names()
    assert all("box0" not in names for names in names_in(Layout(Path("made"))).values())


def test_settings_may_change_where_no_shape_is_ready(boxes, monkeypatch, capsys):
    for path in boxes.iterdir():
        path.unlink()
    sheet = trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]], [[0, 1, 2], [1, 3, 2]])
    for name in ("one", "two"):
        sheet.export(boxes / f"{name}.ply")
    prepare = ["stage=prepare", "data=meshes", "data.source=boxes", "data.root=made", *SMALL]
    prepare += ["data.splits.train=1.0", "data.splits.test=0"]
    for is_again in (False, True):
        assert inr(monkeypatch, *prepare, "data.sign=winding") == 2
        said = capsys.readouterr().err
        assert "every shape was refused" in said and ("nothing to do" in said) == is_again
    with file_lock(Path("made/.lock_0_of_2")):
        assert inr(monkeypatch, *prepare, "data.sign=unsigned") == 2
        assert "another process is preparing 'made'" in capsys.readouterr().err
    assert inr(monkeypatch, *prepare, "data.sign=unsigned") == 0
    assert names_in(Layout(Path("made")))["train"] == ["one", "two"]
    assert json.loads(Path("made/manifest.json").read_text())["settings"]["sign"] == "unsigned"
    capsys.readouterr()
    assert inr(monkeypatch, *prepare, "data.sign=winding") == 2  # shapes are ready now
    assert "was prepared with data.sign=unsigned, not winding" in capsys.readouterr().err


def test_one_shape_that_is_ready_keeps_the_settings(boxes, monkeypatch, capsys):
    (boxes / "none.ply").write_text("no mesh")
    prepare = ["stage=prepare", "data=meshes", "data.source=boxes", "data.root=made", *SMALL]
    assert inr(monkeypatch, *prepare, "prepare.shard=0/8") == 0  # of eight, in its journal alone
    assert inr(monkeypatch, *prepare, "data.extent=0.5") == 2
    assert "was prepared with data.extent=0.9, not 0.5" in capsys.readouterr().err


def test_a_data_set_of_before(boxes, monkeypatch, capsys):
    """Its manifest knows neither the newer settings nor the checks."""
    prepare = ["stage=prepare", "data=meshes", "data.source=boxes", "data.root=made", *SMALL]
    assert inr(monkeypatch, *prepare) == 0
    path = Path("made/manifest.json")
    manifest = json.loads(path.read_text())
    for key in ("sign", "repair"):
        del manifest["settings"][key]
    for key in ("edge_fraction", "dtype"):
        del manifest["settings"]["sampling"][key]
    kept = ("status", "reason", "source", "digest", "seconds", "faces", "closed")
    for name, record in manifest["shapes"].items():
        manifest["shapes"][name] = {key: record[key] for key in kept}
    path.write_text(json.dumps(manifest))
    train = [*TRAIN]
    capsys.readouterr()
    assert inr(monkeypatch, *prepare) == 0
    assert "prepared with data.sign=winding, which is kept" in capsys.readouterr().err
    assert inr(monkeypatch, *prepare, "data.sign=auto", "overwrite=true") == 0
    manifest["settings"].pop("sign", None)
    path.write_text(json.dumps(manifest))
    assert inr(monkeypatch, "stage=inspect", "data=meshes", "data.root=made") == 0
    train += ["stage=train", "data=meshes", "data.root=made", "train.epochs=1"]
    assert inr(monkeypatch, *train) == 0


def test_folds_share_their_samples(boxes, monkeypatch):
    train = TRAIN + SMALL
    train += ["stage=train", "data=meshes", "data.source=boxes", "data.splits.folds=3"]
    tested = []
    for fold in range(3):
        assert inr(monkeypatch, *train, f"data.splits.fold={fold}", "train.epochs=1") == 0
        (root,) = Path("outputs/datasets").glob("boxes_*")
        splits = names_in(Layout(root, f"{fold}_of_3"))
        assert not set(splits["train"]) & set(splits["test"])
        tested += splits["test"]
    assert sorted(tested) == Layout(root).names()
    assert inr(monkeypatch, "stage=reconstruct", "run=latest", "split=test") == 0
    made = next(Path("outputs").glob("2*/*/reconstruction/*/test/shapes.json"))
    assert set(json.loads(made.read_text())) == set(splits["test"])


def test_meshes_and_metrics_in_the_frame_of_the_users_files(boxes, monkeypatch):
    settings = [s for s in TRAIN + SMALL if not s.startswith("model")]
    # a sphere at the start, so that there is a surface
    settings += ["model=igr_small", "model.hidden_dim=16", "train.epochs=1", "split=train"]
    settings += ["data=meshes", "data.source=boxes"]
    assert inr(monkeypatch, "stage=all", *settings, "eval.frame=native") == 0
    run = only_run(Path())
    (folder,) = run.glob("reconstruction/*/train")
    exported = list((folder / "meshes_native").iterdir())
    assert exported
    bounds = read_mesh(exported[0]).bounds
    assert bounds[0, 0] > 80 and bounds[1, 0] < 120
    (path,) = run.glob("evaluation/*/train/summary.json")
    metrics = json.loads(path.read_text())["metrics"]
    assert metrics["chamfer_l1"]["unit"] == "native units"
    # 300 points of a box of about 10 x 10 x 3, not of one that spans 1.8
    assert 0.1 < metrics["chamfer_l1_floor"]["mean"] < 1


def test_a_page_on_a_data_set(boxes, monkeypatch, capsys):
    prepare = ["stage=prepare", "data=meshes", "data.source=boxes", "data.root=made", *SMALL]
    assert inr(monkeypatch, *prepare) == 0
    assert inr(monkeypatch, "stage=inspect", "data=meshes", "data.root=made") == 0
    page = Path("made/inspect.html").read_text()
    assert "7 shapes, 7 of them inspected" in page and "box3" in page
    assert page.count("data:image/png;base64,") == 2
    assert inr(monkeypatch, "stage=inspect", "data=meshes", "data.root=nowhere") == 2
    assert "does not exist" in capsys.readouterr().err


def test_the_layout_of_deepsdf_is_used_in_place(boxes, monkeypatch, capsys):
    prepare = ["stage=prepare", "data=meshes", "data.source=boxes", "data.root=made", *SMALL]
    assert inr(monkeypatch, *prepare) == 0
    made = Layout(Path("made"))
    samples = Path("deepsdf/SdfSamples/ShapeNet/0300")
    samples.mkdir(parents=True)
    for name in made.names():
        with np.load(made.samples(name)) as arrays:
            np.savez_compressed(samples / f"{name}.npz", **arrays)
    split = {"ShapeNet": {"0300": ["box0", "box1"]}}
    (Path("deepsdf") / "splits").mkdir()
    for which in ("train", "test"):
        (Path("deepsdf") / "splits" / f"{which}.json").write_text(json.dumps(split))
    train = [*TRAIN]
    train += ["stage=train", "data=meshes", "data.root=deepsdf", "train.epochs=4"]
    capsys.readouterr()
    assert inr(monkeypatch, *train) == 0
    run = only_run(Path())
    assert (run / "checkpoints" / "last.pt").exists()
    # there is nothing to measure against: said once, with what helps, and the loss is there
    lines = [
        line for line in capsys.readouterr().err.splitlines() if "have no ground truth" in line
    ]
    assert len(lines) == 1 and "2 of 2 shapes" in lines[0] and "stage=prepare" not in lines[0]
    assert "deepsdf/SurfaceSamples/ShapeNet/0300/box0.ply" in lines[0]
    assert "train.best_metric=valid/loss" in lines[0]
    logged = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    measured = [entry for entry in logged if "valid/loss" in entry]
    assert len(measured) == 2 and all(m["valid/loss"] > 0 for m in measured)
    assert len(list((run / "renders").glob("valid_*.png"))) == 2
    assert inr(monkeypatch, "stage=reconstruct", "run=latest", "split=train") == 0
    capsys.readouterr()
    assert inr(monkeypatch, "stage=evaluate", "run=latest", "split=train") == 0
    assert capsys.readouterr().err.count("box0") == 3  # in one line: its name and two files
    (latents,) = run.glob("reconstruction/*/train/latents")
    assert sorted(p.stem for p in latents.iterdir()) == ["ShapeNet_0300_box0", "ShapeNet_0300_box1"]
    # another split by name, where there are several
    other = Path("deepsdf/splits/lamps_train.json")
    other.write_text(json.dumps({"ShapeNet": {"0300": ["box4"]}}))
    train += [f"data.splits.train={other}", "train.validate_every=0", "seed=1"]
    assert inr(monkeypatch, *train) == 0
    trained = {tuple(latents_of(run)) for run in Path("outputs").glob("2*/*")}
    assert trained == {("ShapeNet_0300_box0", "ShapeNet_0300_box1"), ("ShapeNet_0300_box4",)}


def test_training_does_not_take_other_splits_than_were_assigned(boxes, monkeypatch, capsys):
    prepare = ["stage=prepare", "data=meshes", "data.source=boxes", "data.root=made", *SMALL]
    assert inr(monkeypatch, *prepare, "data.splits.train=5") == 0
    train = ["stage=train", "data=meshes", "data.root=made", *TRAIN, "data.splits.train=3"]
    assert inr(monkeypatch, *train) == 2
    assert "assigned with {'train': 5}, not {'train': 3}" in capsys.readouterr().err


def test_a_sweep_over_shards(boxes, monkeypatch):
    arguments = ["-m", "stage=prepare", "data=meshes", "data.source=boxes", "data.root=made"]
    arguments += [*SMALL, "prepare.shard=0/2,1/2", "workers=1"]
    assert inr(monkeypatch, *arguments) == 0
    assert len(Layout(Path("made")).names()) == 7
    assert Layout(Path("made")).split("train").exists()
