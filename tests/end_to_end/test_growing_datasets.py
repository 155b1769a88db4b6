"""A data set whose source changes between two calls of prepare, through the command line."""

import json
from pathlib import Path

import numpy as np
import pytest
import trimesh

from inr.data.layout import Layout
from inr.training.checkpoint import load_checkpoint
from tests.support.cli import TINY, inr, only_run
from tests.support.runs import SPLITS, names_in

SMALL = [s for s in TINY if s.startswith("data.sampling")]
PREPARE = ["stage=prepare", "data=points", "data.source=clouds", "data.root=made", *SMALL]
PREPARE += ["workers=1", "data.sampling.near_counts=[500,500]"]
FRACTIONS = ["data.splits.train=0.8", "data.splits.test=0.2"]


def write(*numbers: int, content: int | None = None) -> None:
    """Point clouds, which are prepared at once."""
    Path("clouds").mkdir(exist_ok=True)
    for number in numbers:
        rng = np.random.default_rng(number if content is None else content)
        np.save(f"clouds/c{number:02}.npy", rng.normal(size=(200, 3)))


def manifest() -> dict:
    return json.loads(Path("made/manifest.json").read_text())


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_new_shapes_are_assigned_and_none_moves(monkeypatch, capsys):
    write(*range(10))
    assert inr(monkeypatch, *PREPARE, *FRACTIONS) == 0
    before = names_in(Layout(Path("made")))
    write(*range(10, 20))
    assert inr(monkeypatch, *PREPARE, *FRACTIONS) == 0
    after = names_in(Layout(Path("made")))
    assert [len(after[split]) for split in SPLITS] == [16, 0, 4]
    for split in SPLITS:
        assert after[split][: len(before[split])] == before[split]
    assert "added to the splits: 8 train (c" in capsys.readouterr().err
    assert inr(monkeypatch, *PREPARE, *FRACTIONS) == 0
    assert names_in(Layout(Path("made"))) == after
    assert "nothing to do, 20 shapes ready" in capsys.readouterr().err
    # one that the user took out stays out
    Layout(Path("made")).split("train").write_text(json.dumps(after["train"][1:]))
    write(20)
    assert inr(monkeypatch, *PREPARE, *FRACTIONS) == 0
    again = names_in(Layout(Path("made")))
    assert not any(after["train"][0] in names for names in again.values())
    assert f"1 shapes are in no split ({after['train'][0]} first); add" in capsys.readouterr().err


def test_a_data_set_of_before_takes_new_shapes(monkeypatch):
    """Its manifest does not say of which shapes the splits were made."""
    write(*range(5))
    counted = ["data.splits.train=0.6", "data.splits.test=0.2"]
    assert inr(monkeypatch, *PREPARE, *counted) == 0
    content = manifest()
    del content["dealt"]
    Path("made/manifest.json").write_text(json.dumps(content))
    before = names_in(Layout(Path("made")))
    (left_out,) = {f"c{n:02}" for n in range(5)} - {*before["train"], *before["test"]}
    write(*range(5, 10))
    assert inr(monkeypatch, *PREPARE, *counted) == 0
    after = names_in(Layout(Path("made")))
    assert (len(after["train"]), len(after["test"])) == (6, 2)
    assert left_out not in after["train"] + after["test"]


def test_counts_leave_no_place(monkeypatch, capsys):
    write(*range(4))
    counted = [*PREPARE, "data.splits.train=3", "data.splits.test=1"]
    assert inr(monkeypatch, *counted) == 0
    before = names_in(Layout(Path("made")))
    write(4, 5)
    assert inr(monkeypatch, *counted) == 0
    assert names_in(Layout(Path("made"))) == before
    said = capsys.readouterr().err
    assert "2 shapes are in no split (c04 first), 2 of them new" in said
    assert (
        "(train=3, valid=0, test=1) has no place for them" in said and "delete made/splits" in said
    )


def test_copies_are_assigned_to_one_split(monkeypatch, capsys):
    write(*range(6))
    write(6, 7, 8, 9, content=0)  # c00 five times
    assert inr(monkeypatch, *PREPARE, *FRACTIONS) == 0
    copies = {"c00", "c06", "c07", "c08", "c09"}
    assert any(copies <= set(names) for names in names_in(Layout(Path("made"))).values())
    assert "1 shapes have copies: c00 = c06 = c07" in capsys.readouterr().err
    write(10, content=0)
    assert inr(monkeypatch, *PREPARE, *FRACTIONS) == 0
    copies.add("c10")
    assert any(copies <= set(names) for names in names_in(Layout(Path("made"))).values())


def test_copies_of_a_mesh_in_another_format(monkeypatch):
    Path("meshes").mkdir()
    for number in range(4):
        box = trimesh.creation.box((10, 5 + number, 3))
        box.export(f"meshes/box{number}.ply")
        box.export(f"meshes/text{number}.obj")
    prepare = ["stage=prepare", "data=meshes", "data.source=meshes", "data.root=made", *SMALL]
    assert inr(monkeypatch, *prepare, "data.splits.train=0.5", "data.splits.test=0.5") == 0
    for names in names_in(Layout(Path("made"))).values():
        assert {name[-1] for name in names if "box" in name} == {
            n[-1] for n in names if "text" in n
        }


def test_folds_take_new_shapes(monkeypatch, capsys):
    write(*range(6))
    folded = [*PREPARE, "data.splits.folds=3"]
    assert inr(monkeypatch, *folded) == 0
    layouts = [Layout(Path("made"), f"{fold}_of_3") for fold in range(3)]
    before = [names_in(layout) for layout in layouts]
    write(*range(6, 9))
    assert inr(monkeypatch, *PREPARE) == 0  # whatever is asked for now
    assert "added 3 shapes to each of the 3 folds" in capsys.readouterr().err
    after = [names_in(layout) for layout in layouts]
    assert sorted(name for one in after for name in one["test"]) == [f"c{n:02}" for n in range(9)]
    for one, other in zip(before, after, strict=True):
        assert all(set(one[split]) <= set(other[split]) for split in SPLITS)
        assert len(other["test"]) == 3 and len(other["train"]) == 6
    assert inr(monkeypatch, *folded) == 0
    assert [names_in(layout) for layout in layouts] == after


def test_a_source_that_is_gone_stays_until_it_is_dropped(monkeypatch, capsys):
    write(*range(5))
    counted = [*PREPARE, "data.splits.train=4", "data.splits.test=1"]
    assert inr(monkeypatch, *counted) == 0
    assert inr(monkeypatch, *counted, "data.splits.folds=2") == 0
    before = names_in(Layout(Path("made")))
    gone = before["train"][0]
    Path(f"clouds/{gone}.npy").rename("elsewhere.npy")
    capsys.readouterr()
    assert inr(monkeypatch, *counted) == 0
    said = capsys.readouterr().err
    assert "the source files of 1 shapes are missing; the shapes stay" in said
    assert f": {gone}; add prepare.drop_missing=true" in said
    assert manifest()["shapes"][gone]["gone"] is True and Layout(Path("made")).is_ready(gone)
    assert names_in(Layout(Path("made"))) == before
    Path("elsewhere.npy").rename(f"clouds/{gone}.npy")  # it is back
    assert inr(monkeypatch, *counted) == 0
    assert "gone" not in manifest()["shapes"][gone]
    Path(f"clouds/{gone}.npy").unlink()
    assert inr(monkeypatch, *counted, "prepare.drop_missing=true") == 0
    assert f"dropped 1 shapes whose source files are missing: {gone}" in capsys.readouterr().err
    assert gone not in manifest()["shapes"] and not Layout(Path("made")).is_ready(gone)
    for layout in (
        Layout(Path("made")),
        Layout(Path("made"), "0_of_2"),
        Layout(Path("made"), "1_of_2"),
    ):
        assert all(gone not in names for names in names_in(layout).values())
    assert not [path for path in Path("made").rglob("*") if gone in path.name]
    assert inr(monkeypatch, *counted, "data.splits.folds=2") == 0


def test_shapes_of_another_folder_are_not_gone(monkeypatch, capsys):
    write(*range(3))
    assert inr(monkeypatch, *PREPARE, *FRACTIONS) == 0
    Path("clouds").rename("others")
    write(3)
    Path("clouds").rename("later")
    Path("others").rename("clouds")
    again = [setting.replace("=clouds", "=later") for setting in PREPARE]
    assert inr(monkeypatch, *again, *FRACTIONS, "prepare.drop_missing=true") == 0
    assert len(Layout(Path("made")).names()) == 4
    assert "source files" not in capsys.readouterr().err


def test_a_run_goes_on_with_the_shapes_that_it_had(monkeypatch, capsys):
    write(*range(3))
    assert inr(monkeypatch, *PREPARE) == 0  # all of them to train on
    kept = ("train", "model.hidden", "logger", "device", "eval", "renderer")
    train = [s for s in TINY if s.startswith(kept)]
    train += ["stage=train", "data=points", "data.root=made", "model=igr_small", "loss=hotspot"]
    train += ["latent.dim=4", "model.skip_layers=[1]", "model.num_layers=2"]
    assert inr(monkeypatch, *train, "train.space_per_shape=32", "train.surface_per_shape=32") == 0
    run = only_run(Path())
    write(3, 4)
    assert inr(monkeypatch, *PREPARE) == 0
    assert len(names_in(Layout(Path("made")))["train"]) == 5
    capsys.readouterr()
    assert inr(monkeypatch, "stage=train", f"resume={run}", "train.epochs=6") == 0
    assert "2 shapes were added, 0 removed" in capsys.readouterr().err
    for stage in ("reconstruct", "evaluate"):
        later = [f"stage={stage}", f"run={run}", "split=train", "eval.resolution=24"]
        assert inr(monkeypatch, *later, "reconstruct.iterations=4") == 0
    assert list(load_checkpoint(run / "checkpoints" / "last.pt")["latents"]) == [
        "c00",
        "c01",
        "c02",
    ]
    (summary,) = run.glob("evaluation/*/train/summary.json")
    assert json.loads(summary.read_text())["num_shapes"] == 3
