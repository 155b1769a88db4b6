from pathlib import Path

import pytest

from inr.data.parts.sources import find_part_files, part_folder
from inr.shapes.formats.base import OUTLINE, SURFACE
from inr.shapes.formats.table import suffixes


def touch(folder: Path, *paths: str) -> Path:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(path)
    return folder


@pytest.mark.parametrize("under", ["parts/meshes", "parts"])
def test_parts_of_each_shape(tmp_path, under):
    touch(tmp_path, f"{under}/a/part0.obj", f"{under}/a/part11.PLY", f"{under}/b/Part2.STL")
    touch(tmp_path, f"{under}/b/part1.txt", f"{under}/b/lamp.mtl", f"{under}/b/.part3.obj")
    touch(tmp_path, f"{under}/__MACOSX/part1.obj", f"{under}/part4.obj")
    assert part_folder(tmp_path, suffixes(SURFACE)) == tmp_path / under
    found, refused = find_part_files(tmp_path, ["a", "b"], suffixes(SURFACE))
    assert refused == {} and set(found) == {"a", "b"}
    assert set(found["a"].meshes) == {0, 11} and set(found["b"].meshes) == {2}
    assert {files.num_parts for files in found.values()} == {12}
    assert all(files.poses is None for files in found.values())


def test_no_parts_at_all(tmp_path):
    assert part_folder(tmp_path / "nowhere", suffixes(SURFACE)) is None
    touch(tmp_path, "parts/a.obj", "parts/partition/a.obj")  # shapes, in a folder of that name
    assert part_folder(tmp_path, suffixes(SURFACE)) is None
    assert find_part_files(tmp_path, ["parts_a"], suffixes(SURFACE)) == ({}, {})


def test_shapes_in_folders_and_with_dots_are_named_as_the_whole_is(tmp_path):
    touch(tmp_path, "parts/meshes/x/y.v2/part0.obj")
    found, refused = find_part_files(tmp_path, ["x_y.v2"], suffixes(SURFACE))
    assert set(found) == {"x_y.v2"} and refused == {}
    touch(tmp_path, "parts/parameters/x/y.v2/scales.npy")
    files = find_part_files(tmp_path, ["x_y.v2"], suffixes(SURFACE))[0]["x_y.v2"]
    assert files.poses == tmp_path / "parts/parameters/x/y.v2"
    assert set(files.fingerprints()) == {"part0.obj", "scales.npy"}


def test_what_is_refused(tmp_path):
    touch(tmp_path, "parts/meshes/a/part0.obj", "parts/meshes/a/part00.obj")
    touch(tmp_path, "parts/meshes/alone/part0.obj", "parts/meshes/fine/part0.obj")
    found, refused = find_part_files(tmp_path, ["a", "bare", "fine"], suffixes(SURFACE))
    assert set(found) == {"fine"}
    assert "are both its part 0" in refused["a"]
    assert "it has no parts" in refused["bare"]
    assert "no mesh of the whole" in refused["alone"]


@pytest.mark.parametrize("name", ["part_2.obj", "shade.PLY", "part2_old.obj", "part-1.obj"])
def test_a_mesh_that_is_named_as_no_part_is(tmp_path, name):
    touch(tmp_path, "parts/meshes/a/part0.obj", f"parts/meshes/a/{name}", "parts/meshes/a/z.obj")
    touch(tmp_path, "parts/meshes/fine/part0.obj", f"parts/meshes/bare/{name}")
    found, refused = find_part_files(tmp_path, ["a", "bare", "fine"], suffixes(SURFACE))
    assert set(found) == {"fine"} and set(refused) == {"a", "bare"}
    for shape in refused:
        path = tmp_path / "parts/meshes" / shape / name
        assert f"'{path}' is not named as a part: call it part<i>{path.suffix}" in refused[shape]


def test_no_mesh_at_all_is_named_as_a_part_is(tmp_path):
    touch(tmp_path, "parts/meshes/a/part_0.obj", "parts/meshes/a/part_1.obj")
    found, refused = find_part_files(tmp_path, ["a"], suffixes(SURFACE))
    assert found == {} and "part_0.obj' is not named as a part" in refused["a"]


def test_poses_are_no_outlines_of_parts(tmp_path):
    touch(tmp_path, "parts/a/part0.npy", "parts/parameters/a/scales.npy")
    found, refused = find_part_files(tmp_path, ["a"], suffixes(OUTLINE))
    assert refused == {} and set(found["a"].fingerprints()) == {"part0.npy", "scales.npy"}


def test_parts_of_one_shape_in_two_folders(tmp_path):
    touch(tmp_path, "parts/meshes/x/y/part0.obj", "parts/meshes/x_y/part1.obj")
    found, refused = find_part_files(tmp_path, ["x_y"], suffixes(SURFACE))
    assert found == {} and "x/y' both hold its parts" in refused["x_y"]


def test_what_is_refused_does_not_count(tmp_path):
    touch(tmp_path, "parts/meshes/a/part1.obj", "parts/meshes/alone/part99.obj")
    touch(tmp_path, "parts/meshes/b/part7.obj", "parts/meshes/b/part07.obj")
    found, refused = find_part_files(tmp_path, ["a", "b"], suffixes(SURFACE))
    assert set(refused) == {"alone", "b"}
    assert found["a"].num_parts == 2
    assert find_part_files(tmp_path, ["b"], suffixes(SURFACE))[0] == {}


def test_a_change_of_any_file_is_noticed(tmp_path):
    touch(tmp_path, "parts/meshes/a/part0.obj", "parts/parameters/a/scales.npy")
    files = find_part_files(tmp_path, ["a"], suffixes(SURFACE))[0]["a"]
    record = {"parts": files.fingerprints()}
    assert set(record["parts"]) == {"part0.obj", "scales.npy"}
    assert not files.have_changed(record)
    touch(tmp_path, "parts/meshes/a/part0.obj")  # another time, the same content
    assert not files.have_changed(record)
    (tmp_path / "parts/parameters/a/scales.npy").write_text("others")
    assert files.have_changed(record)
    touch(tmp_path, "parts/meshes/a/part1.obj")
    more = find_part_files(tmp_path, ["a"], suffixes(SURFACE))[0]["a"]
    assert more.have_changed({"parts": more.fingerprints() | {"part2.obj": {}}})
    assert files.have_changed({})  # made before there were parts


def test_poses_of_some_shapes(tmp_path, caplog):
    caplog.set_level("INFO")
    touch(tmp_path, *(f"parts/meshes/{name}/part0.obj" for name in "abc"))
    touch(tmp_path, "parts/parameters/b/scales.npy")
    found, refused = find_part_files(tmp_path, ["a", "b", "c"], suffixes(SURFACE))
    folder = tmp_path / "parts/parameters"
    assert refused == {}
    assert {n: files.poses for n, files in found.items()} == {
        "a": None,
        "b": folder / "b",
        "c": None,
    }
    assert "poses of 1 shapes are given; those of the other 2 are fitted (a first)" in caplog.text
    assert "belong to no shape" not in caplog.text
    touch(tmp_path, "parts/parameters/A/scales.npy")
    find_part_files(tmp_path, ["a", "b", "c"], suffixes(SURFACE))
    assert (
        f"1 folders of poses belong to no shape with parts, '{folder / 'A'}' first" in caplog.text
    )
