import logging
from pathlib import Path

import pytest

from inr.data.names.paths import COLLECTIONS, Naming, find_class, mistake_in, recognise
from inr.data.sources import find_files
from inr.shapes.formats.base import SURFACE
from inr.shapes.formats.table import suffixes
from tests.support.trees import CHAIRS, TABLES, write_trees


def found(source: Path, setting: str, classes: list[str] | None = None) -> dict[str, Path]:
    naming = Naming(setting)
    files, refused = find_files(
        source, suffixes(SURFACE), leave_out=[], naming=naming, classes=classes
    )
    assert refused == {}
    return files


@pytest.mark.parametrize(
    ("setting", "path", "fields"),
    [
        ("shapenet", "03001627/1a/models/model_normalized.obj", ["03001627", "1a"]),
        ("shapenet", "/d/v1/03001627/1a/model.obj", ["03001627", "1a"]),
        ("modelnet", "night_stand/test/night_stand_0201.off", ["night_stand", "0201"]),
        ("objaverse", "glbs/000-023/0e70.glb", ["0e70"]),
        ("{class}/{id}", "b/c.v2.obj", ["b", "c.v2"]),
        ("{class}/{id}.obj", "a/b/c.obj", ["b", "c"]),
        ("{kind}-{n}/mesh", "x/car-7/mesh.ply", ["car", "7"]),
        ("{a}/{a}", "x/x.obj", ["x"]),
    ],
)
def test_fields_of_a_path(setting, path, fields):
    assert mistake_in(setting) is None
    got = Naming(setting).fields(Path(path))
    assert got is not None and list(got.values()) == fields


@pytest.mark.parametrize(
    ("setting", "path"),
    [
        ("shapenet", "03001627/1a/models/model_normalized_old.obj"),
        ("shapenet", "1a/models/model_normalized/x.obj"),
        ("modelnet", "chair/test/sofa_0001.off"),
        ("objaverse", "glbs/0e70.glb"),
        ("{class}/{id}.obj", "b/c.ply"),
        ("a.c/{id}", "abc/x.obj"),
        ("{a}/{a}", "x/y.obj"),
    ],
)
def test_a_path_that_does_not_match(setting, path):
    assert Naming(setting).fields(Path(path)) is None


@pytest.mark.parametrize("setting", ["mesh", "", "{}", "{a b}/x", "{a}/{", "}{a}", "{{a}}", "*"])
def test_what_is_no_pattern(setting):
    assert "it has to be one of shapenet" in (mistake_in(setting) or "")
    assert "did you mean 'shapenet'?" in (mistake_in("ShapNet") or "")


def test_the_trees_of_collections(tmp_path):
    write_trees(tmp_path)
    ours = found(tmp_path / "ShapeNetCore.v2", "shapenet")
    assert list(ours) == [f"{CHAIRS}_{i}" for i in "abcd"] + [f"{TABLES}_{i}" for i in "aef"]
    assert ours[f"{TABLES}_a"].parts[-4:] == (TABLES, "a", "models", "model_normalized.obj")
    names = ["chair_0001", "chair_0002", "chair_0003"]
    assert sorted(found(tmp_path / "ModelNet10", "modelnet", ["chair"])) == names
    names = [str(i) * 32 for i in range(4)]
    assert list(found(tmp_path / "hf-objaverse-v1", "objaverse")) == names


@pytest.mark.parametrize(
    ("source", "setting", "first"),
    [
        (f"ShapeNetCore.v2/{CHAIRS}", "shapenet", f"{CHAIRS}_a"),
        (f"ShapeNetCore.v2/{CHAIRS}/b/models/model_normalized.obj", "shapenet", f"{CHAIRS}_b"),
        ("ModelNet10/chair/train", "modelnet", "chair_0001"),
        ("hf-objaverse-v1/glbs/000-022", "objaverse", "2" * 32),
    ],
)
def test_a_part_of_a_tree_has_the_same_names(source, setting, first, tmp_path, monkeypatch):
    write_trees(tmp_path)
    assert next(iter(found(tmp_path / source, setting))) == first
    monkeypatch.chdir((tmp_path / source) if (tmp_path / source).is_dir() else tmp_path)
    if (tmp_path / source).is_dir():
        assert next(iter(found(Path(), setting))) == first


def test_every_collection_is_recognised(tmp_path):
    write_trees(tmp_path)
    trees = {
        "ShapeNetCore.v2": "shapenet",
        "ModelNet10": "modelnet",
        "hf-objaverse-v1": "objaverse",
    }
    assert set(trees.values()) == set(COLLECTIONS)
    for tree, collection in trees.items():
        paths = [path for path in (tmp_path / tree).rglob("*") if path.is_file()]
        assert {recognise(path) for path in paths} == {collection}
    assert recognise(tmp_path / "a" / "b.obj") is None


def test_classes(tmp_path, caplog):
    write_trees(tmp_path)
    source = tmp_path / "ShapeNetCore.v2"
    with caplog.at_level(logging.INFO):
        for word in ("chair", "Chair", CHAIRS):
            assert list(found(source, "shapenet", [word])) == [f"{CHAIRS}_{i}" for i in "abcd"]
    assert f"1 of 2 classes: 4 {CHAIRS}" in caplog.text
    assert len(found(source, "shapenet", ["chair", TABLES])) == 7
    with pytest.raises(ValueError, match=r"'chiar', which is none of the 2 .*mean 'chair'\?"):
        found(source, "shapenet", ["chiar"])
    with pytest.raises(ValueError, match=r"'lamp' \(03636649\), which is none of the 2 classes"):
        found(source, "shapenet", ["chair", "lamp"])
    assert find_class("car", {"car": 1, "02958343": 1}) == "car"


def test_files_that_are_named_otherwise(tmp_path, caplog):
    write_trees(tmp_path)
    source = tmp_path / "ShapeNetCore.v2"
    (source / "notes.obj").touch()
    assert len(found(source, "shapenet")) == 7
    assert "1 of 8 files are not named as data.name=shapenet says" in caplog.text
    with pytest.raises(ValueError, match=r"none of 4 files .*; data.name=objaverse fits it"):
        found(tmp_path / "hf-objaverse-v1", "shapenet")


def test_names_that_collide_or_are_too_long(tmp_path):
    for name in ("a_b/c.obj", "a/b_c.obj", f"{'x' * 150}/{'y' * 150}.obj"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    files, refused = find_files(
        tmp_path, suffixes(SURFACE), leave_out=[], naming=Naming("{class}/{id}")
    )
    assert set(refused) == {"a_b/c.obj"} and "would have the same name" in refused["a_b/c.obj"]
    assert "a_b_c" in files and max(map(len, files)) == 200
