import json

import pytest

from inr.data.names.lists import match_names, read_entries, read_names


def written(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_a_list(tmp_path):
    path = written(tmp_path / "train.json", ["b", "a", "Stuhl ä", "v1..2"])
    assert read_names(path) == ["b", "a", "Stuhl ä", "v1..2"]


def test_the_splits_of_deepsdf(tmp_path):
    nested = {"ShapeNetV2": {"02691156": ["d04", "d06"], "03001627": ["1a"]}, "Mine": {"x": ["y"]}}
    assert read_names(written(tmp_path / "sv2_train.json", nested)) == [
        "ShapeNetV2_02691156_d04",
        "ShapeNetV2_02691156_d06",
        "ShapeNetV2_03001627_1a",
        "Mine_x_y",
    ]


def test_a_text(tmp_path):
    path = written(tmp_path / "mine.txt", "\ufeffone\r\n\n  two \n# not this\nthree four")
    assert read_names(path) == ["one", "two", "three four"]


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "../a", "a\\b", "/etc/passwd", "a\0b"])
def test_what_is_no_shape_name(tmp_path, name):
    nested = {"d": {"c": [name]}}
    for file, content in (("a.json", ["good", name]), ("b.json", nested)):
        path = written(tmp_path / file, content)
        with pytest.raises(ValueError, match=rf"{file}' names '.*not a shape name"):
            read_names(path)
    if name.strip():
        with pytest.raises(ValueError, match=r"c\.txt' names"):
            read_names(written(tmp_path / "c.txt", f"good\n{name}\n"))


@pytest.mark.parametrize("above", ["..", "a/b"])
def test_a_class_that_leads_out(tmp_path, above):
    with pytest.raises(ValueError, match="not a shape name"):
        read_names(written(tmp_path / "a.json", {above: {"c": ["x"]}}))


@pytest.mark.parametrize(
    "content", [5, "name", [1], [["a"]], {"a": ["x"]}, {"a": {"b": "x"}}, {"a": {"b": {"c": []}}}]
)
def test_other_json(tmp_path, content):
    with pytest.raises(ValueError, match=r"a\.json' must be a list of shape names, or nested"):
        read_names(written(tmp_path / "a.json", json.dumps(content)))


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(ValueError, match=r"none\.json': No such file"):
        read_names(tmp_path / "none.json")
    with pytest.raises(ValueError, match=r"a\.json' is not valid JSON"):
        read_names(written(tmp_path / "a.json", "[1,"))
    (tmp_path / "b.txt").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(ValueError, match=r"b\.txt' is not valid text"):
        read_names(tmp_path / "b.txt")
    with pytest.raises(ValueError, match=r"c\.txt' names no shape"):
        read_names(written(tmp_path / "c.txt", "# nothing\n"))


def test_entries_of_published_splits(tmp_path):
    for number, ids in (("03001627", "a\nb"), ("04379243", "a\n")):
        (tmp_path / number).mkdir()
        written(tmp_path / number / "train.lst", ids)
    both = [("03001627", "a"), ("03001627", "b"), ("04379243", "a")]
    assert read_entries(str(tmp_path / "*" / "train.lst")) == both
    nested = written(tmp_path / "sv2.json", {"ShapeNetV2": {"03001627": ["a", "c"]}})
    entries = read_entries(str(nested))
    assert entries == [("ShapeNetV2", "03001627", "a"), ("ShapeNetV2", "03001627", "c")]
    known = {"03001627_a", "c", "ShapeNetV2_03001627_b"}
    assert match_names(entries, known) == ["03001627_a", "c"]
    assert match_names(both, known) == ["03001627_a", "03001627_b", "04379243_a"]
    assert read_entries(str(written(tmp_path / "mine.txt", "a"))) == [("a",)]
    with pytest.raises(ValueError, match=r"no file matches '.*nothing"):
        read_entries(str(tmp_path / "*" / "nothing"))
    odd = written(tmp_path / "of [2].txt", "x")  # a name, no pattern
    assert read_entries(str(odd)) == [("x",)]
