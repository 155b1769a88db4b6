"""ShapeNet's, ModelNet's and Objaverse's folders as they lie, and published split files."""

from pathlib import Path

import pytest

from inr.data.layout import Layout
from tests.support.cli import TINY, inr, only_run
from tests.support.runs import names_in
from tests.support.trees import CHAIRS, TABLES, write_trees

PREPARE = ["stage=prepare", "data=meshes", *(s for s in TINY if s.startswith("data.sampling"))]
SHAPENET = [*PREPARE, "data.source=ShapeNetCore.v2", "workers=1"]
DEEPSDF = ["data.splits.train=sv2_chairs_train.json", "data.splits.test=sv2_chairs_test.json"]
OCCNET = ["data.splits.train=occnet/*/train.lst", "data.splits.test=occnet/*/test.lst"]
TRAIN = ["experiment=small_cpu", *(s for s in TINY if not s.startswith(("data.", "experiment")))]


@pytest.fixture(autouse=True)
def trees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_trees(tmp_path)


def test_the_splits_of_deepsdf(monkeypatch, capsys):
    command = [*SHAPENET, "data.classes=[chair]", *DEEPSDF]
    assert inr(monkeypatch, *command, "data.root=made") == 0
    said = capsys.readouterr().err
    assert "names 1 shapes that the data set lacks" in said and "of 3" in said
    assert "3 of 4 shapes are in the lists of data.splits" in said
    layout = Layout(Path("made"))
    splits = {"train": [f"{CHAIRS}_a", f"{CHAIRS}_b"], "valid": [], "test": [f"{CHAIRS}_c"]}
    assert names_in(layout) == splits
    assert layout.names() == [f"{CHAIRS}_{i}" for i in "abc"]
    # a second call finds all done; a call without the class has other names
    assert inr(monkeypatch, *command, "data.root=made") == 0
    assert "nothing to do, 3 shapes ready" in capsys.readouterr().err
    assert inr(monkeypatch, *SHAPENET, *DEEPSDF, "data.root=made") == 2
    assert "was prepared with data.name=shapenet, not None" in capsys.readouterr().err
    assert inr(monkeypatch, "stage=train", "data=meshes", "data.root=made", *TRAIN) == 0


def test_a_data_set_that_is_prepared_on_first_use(tmp_path, monkeypatch):
    own = ["data.source=ShapeNetCore.v2", "data.classes=chair", *DEEPSDF, *PREPARE[1:]]
    assert inr(monkeypatch, "stage=train", *own, *TRAIN) == 0
    (root,) = tmp_path.glob("outputs/datasets/*")
    assert Layout(root).names() == [f"{CHAIRS}_{i}" for i in "abc"]
    assert "name: shapenet" in (only_run(tmp_path) / "config.yaml").read_text()
    assert (
        inr(
            monkeypatch,
            "stage=reconstruct",
            "run=latest",
            "device=cpu",
            "logger=none",
            "eval.resolution=16",
        )
        == 0
    )


def test_the_splits_of_occupancy_networks(monkeypatch):
    assert inr(monkeypatch, *SHAPENET, "data.name=shapenet", *OCCNET, "data.root=made") == 0
    train = [f"{CHAIRS}_a", f"{CHAIRS}_b", f"{TABLES}_a"]
    test = [f"{CHAIRS}_c", f"{TABLES}_f"]
    assert names_in(Layout(Path("made"))) == {"train": train, "valid": [], "test": test}


def test_the_split_of_modelnet(monkeypatch, capsys):
    command = [*PREPARE, "data.source=ModelNet10", "data.name=modelnet", "workers=1"]
    folders = ["data.splits.train=folder", "data.splits.test=folder"]
    assert inr(monkeypatch, *command, *folders, "data.root=made") == 0
    train = ["chair_0001", "chair_0002", "night_stand_0001", "night_stand_0002"]
    test = ["chair_0003", "night_stand_0003"]
    assert names_in(Layout(Path("made"))) == {"train": train, "valid": [], "test": test}
    # shapes that are added come to the split of their folder
    old = Path("ModelNet10/chair/test/chair_0003.off")
    Path("ModelNet10/chair/test/chair_0004.off").write_text(old.read_text().replace("0.5", "0.6"))
    assert inr(monkeypatch, *command, *folders, "data.root=made") == 0
    assert "chair_0004" in names_in(Layout(Path("made")))["test"]
    assert inr(monkeypatch, *command, "data.splits.valid=folder", "data.root=other") == 2
    assert "and none of 7 shapes is in one" in capsys.readouterr().err


def test_the_ids_of_objaverse(monkeypatch):
    command = [*PREPARE, "data.source=hf-objaverse-v1", "data.name=objaverse", "workers=1"]
    assert inr(monkeypatch, *command, "data.root=made") == 0
    assert Layout(Path("made")).names() == [str(i) * 32 for i in range(4)]


def test_names_by_the_path_are_kept_and_the_collection_is_said(monkeypatch, capsys):
    assert inr(monkeypatch, *SHAPENET, "data.root=made") == 0
    assert f"{CHAIRS}_a_models_model_normalized" in Layout(Path("made")).names()
    assert "data.name=shapenet names the shapes" in capsys.readouterr().err
    assert inr(monkeypatch, *SHAPENET, *DEEPSDF, "data.root=other") == 2
    said = capsys.readouterr().err
    assert "names no shape of the data set" in said and "data.name=shapenet" in said


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["data.name=shapnet"], "did you mean 'shapenet'?"),
        (["data.name=modelnet"], "data.name=shapenet fits it"),
        (["data.classes=chiar"], "did you mean 'chair'?"),
        (["data.name=shapenet", "data.classes=[]"], "it takes names of classes"),
        (["data.name='*/{id}/*/*'", "data.classes=chair"], "a data.name that has {class}"),
        (["data.source=occnet", "data.classes=chair"], "needs to know where data.source=occnet"),
        (["data.source=null", "data.classes=chair"], "chooses among the shapes of data.source"),
        (["data.splits.test=occnet/*/val.lst"], "no file matches 'occnet/*/val.lst'"),
    ],
)
def test_mistakes(settings, message, monkeypatch, capsys):
    assert inr(monkeypatch, *SHAPENET, "data.root=made", *settings) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("inr: ")]
    assert len(lines) == 1 and message in lines[0]
    assert not Path("made").exists()
