import shutil
from pathlib import Path

import numpy as np
import pytest
import trimesh

from inr.data.layout import Layout, write_npz
from inr.data.parts.read import (
    count_parts,
    part_mesh,
    read_labels,
    read_parts,
    read_poses,
    read_present,
)
from inr.shapes.mesh import Mesh, write_mesh
from tests.support.paths import GOLDEN

PUBLISHED = GOLDEN / "dataset"


def cube(half: float = 0.2, centre=(0.0, 0.0, 0.0)) -> Mesh:
    made = trimesh.creation.box([2 * half] * 3)
    return Mesh(np.asarray(made.vertices) + centre, np.asarray(made.faces, np.int64))


def write_shape(layout: Layout, name: str = "s", present=(True, False, True)) -> None:
    """Write three parts, of which the second is absent, with NaN for its pose."""
    for number, is_present in enumerate(present):
        if is_present:
            write_mesh(cube(), layout.part_meshes(name) / f"part{number}.obj")
    save(layout, name, "quaternions", [[2, 0, 0, 0], [np.nan] * 4, [-0.6, 0, 0.8, 0]])
    save(layout, name, "translations", [[0, 0, 0], [np.nan] * 3, [0.1, 0.2, 0.3]])
    save(layout, name, "scales", [[0.2] * 3, [np.nan] * 3, [0.1, 0.2, 0.3]])
    write_npz(layout.samples(name), pos=np.ones((4, 4)), neg=-np.ones((3, 4)))
    write_npz(layout.labels(name), pos=np.array([0, 2, 0, 2]), neg=np.array([[2], [0], [0]]))


def save(layout: Layout, name: str, what: str, rows) -> None:
    layout.poses(name).mkdir(parents=True, exist_ok=True)
    np.save(layout.poses(name) / f"{what}.npy", np.array(rows, dtype=float))


@pytest.fixture
def layout(tmp_path) -> Layout:
    layout = Layout(tmp_path)
    write_shape(layout)
    return layout


def test_poses_of_present_and_absent_parts(layout):
    poses = read_poses(layout, "s", 3, num_parts=3)
    assert poses.present.tolist() == [True, False, True]
    np.testing.assert_allclose(poses.rotations, [[1, 0, 0, 0], [1, 0, 0, 0], [0.6, 0, -0.8, 0]])
    np.testing.assert_allclose(poses.translations, [[0] * 3, [0] * 3, [0.1, 0.2, 0.3]])
    np.testing.assert_allclose(poses.scales, [[0.2] * 3, [1] * 3, [0.1, 0.2, 0.3]])


def test_what_says_which_parts_there_are(layout):
    assert count_parts(layout, "s") == 3
    assert read_present(layout, "s").tolist() == [True, False, True]
    np.save(layout.poses("s") / "present.npy", np.array([True, True, False]))
    assert read_present(layout, "s").tolist() == [True, True, False]
    shutil.rmtree(layout.root / "parts" / "meshes")
    (layout.poses("s") / "present.npy").unlink()
    assert read_present(layout, "s").tolist() == [True, False, True]  # by the labels
    shutil.rmtree(layout.poses("s"))
    assert count_parts(layout, "s") == 3
    shutil.rmtree(layout.root / "parts")
    assert count_parts(layout, "s") == 0
    with pytest.raises(ValueError, match="'s' has no parts"):
        read_present(layout, "s")


def test_labels_are_flat_whole_numbers(layout):
    pos, neg = read_labels(layout, "s")
    assert pos.dtype == neg.dtype == np.int64
    assert pos.tolist() == [0, 2, 0, 2] and neg.tolist() == [2, 0, 0]


def test_meshes_of_parts(layout):
    first, absent, last = read_parts(layout, "s")
    assert absent is None and len(first.faces) == len(last.faces) == 12
    assert part_mesh(layout, "s", 0).exists() and not part_mesh(layout, "s", 1).exists()


def test_angles_in_two_dimensions(tmp_path):
    layout = Layout(tmp_path)
    save(layout, "flat", "angles", [0.5, -0.5])
    save(layout, "flat", "translations", [[0, 0], [0.5, 0.5]])
    save(layout, "flat", "scales", [[1, 1], [0.5, 0.5]])
    poses = read_poses(layout, "flat", 2)
    assert poses.rotations.tolist() == [[0.5], [-0.5]] and poses.present.all()


@pytest.mark.parametrize(
    ("what", "rows", "message"),
    [
        ("quaternions", [[0, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]], "part 0 has a quaternion of n"),
        ("quaternions", [[1, 0, 0], [1, 0, 0], [1, 0, 0]], r"shape \(3, 3\); 3 parts .* \(3, 4\)"),
        ("scales", [[1, 1, 1], [1, 1, 1], [1, 0, 1]], "part 2 has a scale that is not above 0"),
        ("scales", [[1, -1, 1], [1, 1, 1], [1, 1, 1]], "part 0 has a scale that is not above 0"),
        ("scales", [[1, 1, 1], [1, 1, 1]], r"scales\.npy' has shape \(2, 3\); 3 parts"),
        ("translations", [[0, 0, 0], [0, 0, 0], [0, 1.5, 0]], r"part 2 has its centre outside"),
        ("translations", [[0, 0, 0], [0, 0, 0], [0, np.nan, 0]], "part 2 has a non-finite pose"),
    ],
)
def test_poses_that_are_none(layout, what, rows, message):
    save(layout, "s", what, rows)
    with pytest.raises(ValueError, match=message) as caught:
        read_poses(layout, "s", 3)
    assert str(layout.poses("s")) in str(caught.value)


@pytest.mark.parametrize("file", ["quaternions", "translations", "scales"])
def test_missing_and_broken_pose_files(layout, file):
    path = layout.poses("s") / f"{file}.npy"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match=f"cannot read the array in '{path}'"):
        read_poses(layout, "s", 3)
    np.save(layout.poses("s") / "present.npy", np.array([True, False, True]))
    path.unlink()
    other = "translations" if file == "quaternions" else "quaternions"
    message = rf"'{path}' is missing beside '{other}\.npy'; add it, or run stage=prepare"
    with pytest.raises(ValueError, match=message):
        read_poses(layout, "s", 3)
    for other in ("quaternions", "translations", "scales"):
        (layout.poses("s") / f"{other}.npy").unlink(missing_ok=True)
    with pytest.raises(
        ValueError, match=r"no poses of the parts \('.*' is missing\), or run stage=p"
    ):
        read_poses(layout, "s", 3)


def test_the_wrong_number_of_parts(layout):
    for asked in (2, 4):
        message = rf"'s' has 3 parts, and latent\.num_parts={asked}; set latent\.num_parts=3"
        with pytest.raises(ValueError, match=message) as caught:
            read_poses(layout, "s", 3, num_parts=asked)
        assert str(layout.poses("s")) in str(caught.value)


@pytest.mark.parametrize("suffix", [".obj", ".ply"])
def test_a_mesh_beyond_the_parts_that_there_are(layout, suffix):
    extra = layout.part_meshes("s") / f"part7{suffix}"
    write_mesh(cube(), extra)
    for read in (read_present, read_labels, read_parts, lambda *shape: read_poses(*shape, 3)):
        with pytest.raises(ValueError, match=rf"'{extra}' is of a part beyond the 3 that .*row"):
            read(layout, "s")
    extra.rename(extra.with_suffix(".mtl"))  # no mesh
    assert read_present(layout, "s").tolist() == [True, False, True]


def write_archive(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, scales=np.ones((3, 3)))


def write_array(array):
    return lambda path: np.save(path, np.array(array))


@pytest.mark.parametrize(
    ("what", "write", "message"),
    [
        ("scales", write_archive, "is an archive of arrays; write one array, with numpy.save"),
        ("scales", write_array([["1"] * 3] * 3), "holds <U1; real numbers are needed"),
        ("scales", write_array(np.full((3, 3), 1 + 2j)), "holds complex128; real numbers"),
        ("quaternions", write_archive, "is an archive of arrays"),
        ("present", write_archive, "is an archive of arrays"),
        ("present", write_array([["yes", "no", "yes"]]), "holds <U3; real numbers are needed"),
        ("present", write_array([[True], [False], [True]]), r"has shape \(3, 1\) and dtype bool; "),
        ("present", write_array(True), r"has shape \(\) and dtype bool; it must be \(P,\)"),
        ("present", write_array([1.0, np.nan, 1.0]), "has shape .* true where the shape has"),
    ],
)  # fmt: skip
def test_files_that_are_no_arrays_of_numbers(layout, what, write, message):
    path = layout.poses("s") / f"{what}.npy"
    write(path)
    with pytest.raises(ValueError, match=f"'{path}' {message}"):
        read_poses(layout, "s", 3)


def test_a_text_is_no_array(layout):
    path = layout.poses("s") / "scales.npy"
    path.write_text("0.2 0.2 0.2")
    with pytest.raises(ValueError, match=f"'{path}': it is not a .npy file of numbers$"):
        read_poses(layout, "s", 3)
    for path, read in ((layout.labels("s"), read_labels), (layout.samples("s"), read_labels)):
        whole = path.read_bytes()
        path.write_text("0.2 0.2 0.2")
        with pytest.raises(ValueError, match=r"it is not a \.npz file of numbers$") as caught:
            read(layout, "s")
        assert str(path) in str(caught.value)
        path.write_bytes(whole)


def test_flags_may_be_numbers(layout):
    np.save(layout.poses("s") / "present.npy", np.array([1.0, 0.0, 1.0]))
    assert read_present(layout, "s").tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("pos", "neg", "message"),
    [
        ([0, 2, 0], [0, 0, 0], "labels 3 outer and 3 inner samples, and .* has 4 and 3"),
        ([0, 2, 0, 3], [0, 0, 0], "labels from 0 to 3; 3 parts are numbered from 0 to 2"),
        ([0, 2, 0, 2], [0, 0, -1], "labels from -1 to 2"),
        ([0, 1, 0, 2], [0, 0, 0], "labels samples with part 1, which 's' does not have"),
        ([0, 0.5, 0, 2], [0, 0, 0], "labels that are not integers"),
    ],
)
def test_labels_that_are_wrong(layout, pos, neg, message):
    write_npz(layout.labels("s"), pos=np.array(pos), neg=np.array(neg))
    with pytest.raises(ValueError, match=message) as caught:
        read_labels(layout, "s")
    assert str(layout.labels("s")) in str(caught.value)


def test_missing_and_broken_labels(layout):
    layout.labels("s").write_text("nothing")
    with pytest.raises(ValueError, match=r"cannot read the labels 'pos' and 'neg' of"):
        read_labels(layout, "s")
    layout.labels("s").unlink()
    with pytest.raises(ValueError, match=r"no part labels .*deepsdf\.npz' is missing"):
        read_labels(layout, "s")


@pytest.mark.parametrize("middle", [-0.9, 0.9])
def test_a_part_outside_the_box(layout, middle):
    write_mesh(cube(centre=(middle, 0, 0)), layout.part_meshes("s") / "part2.obj")
    with pytest.raises(ValueError, match=r"part2\.obj' spans .* leaves the box \[-1, 1\]\^D"):
        read_parts(layout, "s")


def test_a_present_part_without_mesh(layout):
    np.save(layout.poses("s") / "present.npy", np.array([True, True, True]))
    with pytest.raises(ValueError, match="no mesh of its part 1"):
        read_parts(layout, "s")


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published codes' data set is not here")
def test_reads_parts_of_a_published_code():
    layout = Layout(PUBLISHED)
    for name in layout.names():
        poses = read_poses(layout, name, 3, num_parts=2)
        assert poses.present.all() and (poses.rotations[:, 0] > 0.99).all()
        stored = np.load(PUBLISHED / "parts" / "parameters" / name / "scales.npy")
        np.testing.assert_array_equal(poses.scales, stored)
        for part, shift, scale in zip(read_parts(layout, name), *poses[1:3], strict=True):
            # of a box and of a cylinder about y
            np.testing.assert_allclose(part.bounds.mean(axis=0), shift, atol=0.02)
            np.testing.assert_allclose(np.ptp(part.bounds, axis=0) / 2, scale, rtol=0.2)
        pos, neg = read_labels(layout, name)
        with np.load(layout.samples(name)) as samples:
            assert [len(pos), len(neg)] == [len(samples["pos"]), len(samples["neg"])]
