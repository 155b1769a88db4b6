import json

import numpy as np
import pytest

from inr.data.layout import Layout, read_json, read_manifest, read_split, write_json, write_npz

NAMES = [f"shape_{i}" for i in range(20)]


@pytest.fixture
def layout(tmp_path):
    layout = Layout(tmp_path)
    for name in ("ant", "bee", "cat"):
        write_npz(layout.samples(name), pos=np.zeros((1, 3)), neg=np.zeros((1, 3)))
    return layout


def test_where_files_lie(layout):
    root = layout.root
    assert layout.samples("ant") == root / "samples" / "ant" / "deepsdf.npz"
    assert layout.uniform("ant") == root / "samples" / "ant" / "uniform.npz"
    assert layout.surface("ant") == root / "samples" / "ant" / "surface.npz"
    assert layout.normalization("ant") == root / "normalization" / "ant.npz"
    assert layout.split("valid") == root / "splits" / "valid.json"
    assert layout.manifest == root / "manifest.json"
    assert layout.names() == ["ant", "bee", "cat"]


@pytest.mark.parametrize("suffix", [".obj", ".ply", ".npz"])
def test_a_mesh_is_found_whatever_its_suffix(layout, suffix):
    assert layout.mesh("ant").name == "ant.ply"
    path = layout.root / "meshes" / f"ant{suffix}"
    path.parent.mkdir()
    path.touch()
    assert layout.mesh("ant") == path


def write_split(layout: Layout, text: str) -> None:
    path = layout.split("train")
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def test_read_split_keeps_the_order(layout):
    write_split(layout, '["cat", "ant"]')
    assert read_split(layout, "train") == ["cat", "ant"]


def test_a_split_that_is_missing(layout):
    with pytest.raises(ValueError, match=r"no split 'valid'.*stage=prepare"):
        read_split(layout, "valid")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "is empty"),
        ('["ant", ', "not valid JSON"),
        ("\xff", "not valid JSON"),
        ('{"ant": 1}', "list of shape names"),
        ('["ant", 3]', "list of shape names"),
        ('"ant"', "list of shape names"),
        ('["ant", "dog"]', "no sample file for 'dog'.*stage=prepare"),
        ('["ant", "bee", "ant"]', "'ant' more than once"),
        ('["../samples/ant"]', "not a shape name"),
        ('["/etc"]', "not a shape name"),
        ('["a/b"]', "not a shape name"),
        ('["a\\\\b"]', "not a shape name"),
        ('[".."]', "not a shape name"),
        ('["."]', "not a shape name"),
        ('[""]', "not a shape name"),
        ('["ant\\u0000"]', "no sample file|not a shape name"),
    ],
)
def test_a_split_that_is_wrong(layout, text, message):
    write_split(layout, text)
    with pytest.raises(ValueError, match=message):
        read_split(layout, "train")


def test_a_split_in_another_encoding_is_not_json(layout):
    layout.split("train").parent.mkdir()
    layout.split("train").write_bytes('["é"]'.encode("latin-1"))
    with pytest.raises(ValueError, match="not valid JSON"):
        read_split(layout, "train")


def test_json_is_strict_and_whole(tmp_path):
    path = tmp_path / "new" / "file.json"
    write_json({"a": [1, 2.5, None, "é"]}, path)
    assert read_json(path) == {"a": [1, 2.5, None, "é"]}
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json({"a": float("nan")}, path)
    assert read_json(path) == {"a": [1, 2.5, None, "é"]}  # the old file stands
    assert [p.name for p in path.parent.iterdir()] == ["file.json"]


def test_npz_leaves_nothing_else(tmp_path):
    write_npz(tmp_path / "new" / "a.npz", pos=np.arange(3.0))
    with np.load(tmp_path / "new" / "a.npz") as file:
        assert file["pos"].tolist() == [0, 1, 2]
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["a.npz"]


def test_written_splits_are_lists(layout):
    write_json(["ant"], layout.split("test"))
    assert json.loads(layout.split("test").read_text()) == ["ant"]
    assert read_split(layout, "test") == ["ant"]


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        '{"shapes": []}',
        '{"shapes": {"a": {}}}',
        '{"shapes": {"a": "ok"}}',
        '{"settings": 3}',
        '{"settings": {"sampling": 3}}',
    ],
)
def test_a_manifest_edited_by_hand_is_refused_by_name(tmp_path, content):
    layout = Layout(tmp_path)
    layout.manifest.write_text(content)
    with pytest.raises(ValueError, match=r"manifest\.json' is not as stage=prepare writes it"):
        read_manifest(layout)
