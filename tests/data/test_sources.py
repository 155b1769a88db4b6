import os
from pathlib import Path

import pytest

from inr.data.sources import MAX_NAME_BYTES, find_files, fingerprint, has_changed, shape_name
from inr.shapes.formats.base import SURFACE
from inr.shapes.formats.table import suffixes


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_names_of_meshes(tmp_path):
    touch(tmp_path, "._b.ply", "__MACOSX/c.ply", ".git/d.ply")  # not meant to be seen
    touch(tmp_path, "b.ply", "a.OBJ", "cars/fast/red.v2.stl", "readme.txt", "c.glb", "d.off")
    found, refused = find_files(tmp_path, suffixes(SURFACE), leave_out=[])
    assert found == {
        "a": tmp_path / "a.OBJ",
        "b": tmp_path / "b.ply",
        "c": tmp_path / "c.glb",
        "cars_fast_red.v2": tmp_path / "cars/fast/red.v2.stl",
        "d": tmp_path / "d.off",
    }
    assert refused == {}


def test_two_files_of_one_name(tmp_path):
    touch(tmp_path, "a.obj", "a.ply", "x/y.ply")
    found, refused = find_files(tmp_path, suffixes(SURFACE), leave_out=[])
    assert set(found) == {"a", "x_y"} and found["a"].suffix == ".obj"
    assert list(refused) == ["a.ply"]
    assert "a.ply" in refused["a.ply"] and "a.obj" in refused["a.ply"]


def test_every_file_is_found_or_refused(tmp_path):
    touch(tmp_path, "a/b_c.ply", "a_b/c.ply", "a_b_c.ply")  # all three would be a_b_c
    found, refused = find_files(tmp_path, suffixes(SURFACE), leave_out=[])
    assert len(found) + len(refused) == 3


def test_sources_without_meshes(tmp_path):
    with pytest.raises(ValueError, match="does not exist"):
        find_files(tmp_path / "nowhere", suffixes(SURFACE), leave_out=[])
    touch(tmp_path, "readme.txt")
    with pytest.raises(ValueError, match=r"no shape .*\.obj"):
        find_files(tmp_path, suffixes(SURFACE), leave_out=[])


def test_a_file_that_changed(tmp_path):
    path = tmp_path / "a.ply"
    path.write_text("one")
    record = fingerprint(path)
    assert not has_changed(path, record)
    os.utime(path, ns=(1, 1))  # touched, as a copy is
    assert not has_changed(path, record)
    path.write_text("two")
    assert has_changed(path, record)
    path.unlink()
    assert has_changed(path, record)


def test_names_too_long_for_a_file():
    names = [shape_name(Path("folder") / ("é" * 150 + tail + ".ply")) for tail in "ab"]
    assert names[0] != names[1]
    assert all(len(name.encode()) <= MAX_NAME_BYTES for name in names)
    assert shape_name(Path("größe/häuschen.obj")) == "größe_häuschen"


def test_what_prepare_itself_wrote_is_left_out(tmp_path):
    touch(tmp_path, "a.ply", "made/meshes/a.ply")
    found, _ = find_files(tmp_path, suffixes(SURFACE), leave_out=[tmp_path / "made"])
    assert list(found) == ["a"]


def test_a_name_that_is_no_text_is_refused_alone(tmp_path):
    touch(tmp_path, "a.ply", os.fsdecode(b"caf\xe9.ply"))
    found, refused = find_files(tmp_path, suffixes(SURFACE), leave_out=[])
    assert list(found) == ["a"]
    assert list(refused.values()) == ["its name is not UTF-8; rename it"]
