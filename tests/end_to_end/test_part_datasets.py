"""Shapes with parts through stage=prepare: from a folder of files, and of chairs."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from inr.data.layout import Layout
from inr.data.parts import prepare as prepare_parts
from inr.data.parts.read import part_mesh, read_labels, read_parts, read_poses
from inr.data.parts.sources import find_part_files
from inr.data.prepare.shape import prepare_shape
from inr.shapes.mesh import Mesh, read_mesh, write_mesh
from inr.shapes.normalize import Normalization
from inr.shapes.poses import rotation_matrices
from inr.shapes.sdf import signed_distance
from tests.support.cli import TINY, inr
from tests.support.lamps import (
    HALVES,
    MIDDLES,
    SMALL,
    TURN,
    parts_of,
    whole_of,
    write_lamps,
    write_poses,
)
from tests.support.making import recipe
from tests.support.meshes import square

PREPARE = ["stage=prepare", "data=meshes", "data.source=lamps", "data.root=made", *SMALL]


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "lamps"


def check_lamps(layout: Layout) -> None:
    assert layout.names() == ["lamp0", "lamp1", "lamp2"]
    for name in layout.names():
        frame = Normalization.load(layout.normalization(name))
        poses = read_poses(layout, name, 3, num_parts=3)
        assert poses.present.tolist() == [True, True, name != "lamp1"]
        foot = np.roll(TURN.as_quat(), 1)
        np.testing.assert_allclose(poses.rotations, [foot, *[[1, 0, 0, 0]] * 2], atol=1e-3)
        halves = HALVES.copy()
        halves[1, 1] *= 1 + 0.05 * int(name[-1])
        there = poses.present
        np.testing.assert_allclose(poses.scales[there], frame.scale * halves[there], atol=1e-3)
        middles = frame.apply(MIDDLES[there])
        np.testing.assert_allclose(poses.translations[there], middles, atol=1e-3)
        # meshes stand where the whole does
        parts = read_parts(layout, name)
        bounds = np.stack([part.bounds for part in parts if part is not None])
        whole = read_mesh(layout.mesh(name)).bounds
        np.testing.assert_allclose(bounds[:, 0].min(axis=0), whole[0], atol=1e-6)
        np.testing.assert_allclose(bounds[:, 1].max(axis=0), whole[1], atol=1e-6)
        check_labels(layout, name, parts)


def check_labels(layout: Layout, name: str, parts) -> None:
    uniform = {}
    for path in (layout.labels(name), layout.uniform_labels(name)):
        with np.load(path) as file:
            uniform = {side: file[side] for side in ("pos", "neg")}
    for samples, labels in (
        (layout.samples(name), dict(zip(("pos", "neg"), read_labels(layout, name), strict=True))),
        (layout.uniform(name), uniform),
    ):
        with np.load(samples) as arrays:
            for side in ("pos", "neg"):
                points = arrays[side][:, :-1].astype(float)
                assert labels[side].shape == (len(points),) and labels[side].dtype == np.int64
                distances = np.full((len(points), len(parts)), np.inf)
                for number, part in enumerate(parts):
                    if part is not None:
                        distances[:, number] = signed_distance(part, points)
                chosen = np.take_along_axis(distances, labels[side][:, None], axis=1)[:, 0]
                np.testing.assert_allclose(chosen, distances.min(axis=1), atol=1e-8)


@pytest.mark.parametrize("nested", [True, False], ids=["meshes and parts/meshes", "top and parts"])
def test_parts_beside_the_meshes(folder, monkeypatch, capsys, nested):
    write_lamps(folder, nested=nested)
    assert inr(monkeypatch, *PREPARE) == 0
    layout = Layout(Path("made"))
    check_lamps(layout)
    primitives = sorted(path.name for path in layout.primitives("lamp1").iterdir())
    assert primitives == ["part0_cuboid.obj", "part1_cuboid.obj"]
    for number in range(2):
        fitted = read_mesh(layout.primitives("lamp1") / primitives[number]).bounds
        np.testing.assert_allclose(fitted, read_parts(layout, "lamp1")[number].bounds, atol=2e-3)
    assert inr(monkeypatch, *PREPARE) == 0
    assert "nothing to do, 3 shapes ready" in capsys.readouterr().err


def test_given_poses_are_used(folder, monkeypatch):
    write_lamps(folder)
    given = HALVES * 1.25  # which no fit would give
    for number in range(3):
        write_poses(folder, f"lamp{number}", scales=given)
    assert inr(monkeypatch, *PREPARE) == 0
    layout = Layout(Path("made"))
    for name in layout.names():
        frame = Normalization.load(layout.normalization(name))
        poses = read_poses(layout, name, 3)
        there = poses.present
        np.testing.assert_allclose(poses.scales[there], frame.scale * given[there])
        np.testing.assert_allclose(poses.translations[there], frame.apply(MIDDLES[there]))
        np.testing.assert_allclose(poses.rotations[0], np.roll(TURN.as_quat(), 1))


def test_poses_that_are_not_given_are_fitted(folder, monkeypatch, capsys):
    write_lamps(folder)
    given = HALVES * 1.25
    write_poses(folder, "lamp1", scales=given)
    assert inr(monkeypatch, *PREPARE) == 0
    assert "those of the other 2 are fitted (lamp0 first)" in capsys.readouterr().err
    layout = Layout(Path("made"))
    for name, halves in (("lamp0", HALVES), ("lamp1", given)):
        scale = Normalization.load(layout.normalization(name)).scale
        poses = read_poses(layout, name, 3)
        there = poses.present
        np.testing.assert_allclose(poses.scales[there], scale * halves[there], atol=1e-3)
    assert inr(monkeypatch, *PREPARE) == 0
    assert "nothing to do" in capsys.readouterr().err
    write_poses(folder, "lamp0", scales=given)  # fitted before, given now
    assert inr(monkeypatch, *PREPARE) == 2
    assert (
        "the parts of 'lamp0' in 'made' were made before their files changed"
        in capsys.readouterr().err
    )


def test_cylinders(folder, monkeypatch):
    write_lamps(folder)
    assert inr(monkeypatch, *PREPARE, "data.primitive=cylinder") == 0
    layout = Layout(Path("made"))
    scales = read_poses(layout, "lamp0", 3).scales
    assert (scales[:, 0] == scales[:, 1]).all()
    assert (layout.primitives("lamp0") / "part1_cylinder.obj").exists()
    assert json.loads(layout.manifest.read_text())["num_parts"] == 3


def test_chairs_bring_their_own(folder, monkeypatch):
    sampling = [s for s in TINY if s.startswith("data.sampling")]
    arguments = ["stage=prepare", "data=chairs", "data.root=made", "data.family.num_shapes=5"]
    arguments.append("data.family.seed=1")
    arguments += ["data.splits.train=4", "data.splits.valid=0", "data.splits.test=1", *sampling]
    assert inr(monkeypatch, *arguments) == 0
    layout = Layout(Path("made"))
    absent = 0
    for name in layout.names():
        poses, parts = read_poses(layout, name, 3, num_parts=8), read_parts(layout, name)
        check_labels(layout, name, parts)
        absent += int((~poses.present).sum())
        matrices = rotation_matrices(poses.rotations)
        for number, part in enumerate(parts):
            assert (part is not None) == poses.present[number]
            if part is not None:  # the pose takes the unit box to the part's oriented box
                local = (part.vertices - poses.translations[number]) @ matrices[number]
                local /= poses.scales[number]
                np.testing.assert_allclose(local.max(axis=0), 1, atol=1e-5)
                np.testing.assert_allclose(local.min(axis=0), -1, atol=1e-5)
    assert absent > 0


def test_outlines_of_parts(folder, monkeypatch):
    """A T of a bar and a stem that touch, in 2-D."""
    bar, stem = square((0, 5), (3, 1)), square((0, 2), (1, 2))
    corners = [(-1, 0), (1, 0), (1, 4), (3, 4), (3, 6), (-3, 6), (-3, 4), (-1, 4)]
    loop = np.stack([np.arange(8), np.roll(np.arange(8), -1)], axis=1)
    write_mesh(Mesh(np.array(corners, float), loop), folder / "meshes" / "t.npz")
    write_mesh(bar, folder / "parts" / "meshes" / "t" / "part0.npz")
    write_mesh(stem, folder / "parts" / "meshes" / "t" / "part2.npz")
    arguments = ["stage=prepare", "data=outlines", "data.source=lamps", "data.root=made", *SMALL]
    assert inr(monkeypatch, *arguments) == 0
    layout = Layout(Path("made"))
    assert layout.names() == ["t"]
    poses = read_poses(layout, "t", 2, num_parts=3)
    assert poses.rotations.shape == (3, 1) and np.abs(poses.rotations).max() < 1e-3
    assert poses.present.tolist() == [True, False, True]
    scale = Normalization.load(layout.normalization("t")).scale
    halves = [[3 * scale, scale], [1, 1], [scale, 2 * scale]]
    np.testing.assert_allclose(poses.scales, halves, atol=1e-3)
    check_labels(layout, "t", read_parts(layout, "t"))


def test_a_shape_that_was_cut_off_has_no_samples(tmp_path, monkeypatch):
    """Parts are written first, so that a kill among them leaves nothing that looks whole."""
    folder, root = write_lamps(tmp_path / "lamps"), tmp_path / "made"
    parts = find_part_files(folder, ["lamp0"], (".ply", ".obj"))[0]["lamp0"]

    def killed(*paths, **arrays):
        raise KeyboardInterrupt

    for step in ("write_mesh", "write_npz"):  # of a part, of labels
        monkeypatch.setattr(prepare_parts, step, killed)
        with pytest.raises(KeyboardInterrupt):
            prepare_shape("lamp0", whole_of(folder, "lamp0"), root, recipe(), parts)
        assert not Layout(root).is_ready("lamp0")
        monkeypatch.undo()
    record = prepare_shape("lamp0", whole_of(folder, "lamp0"), root, recipe(), parts)
    assert record["status"] == "ok" and Layout(root).is_ready("lamp0")
    assert set(record["parts"]) == {"part0.obj", "part1.obj", "part2.obj"}


def test_what_was_made_of_parts_before_is_gone(tmp_path):
    folder, layout = write_lamps(tmp_path / "lamps"), Layout(tmp_path / "made")
    source = whole_of(folder, "lamp0")
    suffixes = (".ply", ".obj")
    parts = find_part_files(folder, ["lamp0"], suffixes)[0]["lamp0"]
    prepare_shape("lamp0", source, layout.root, recipe(), parts)
    (parts_of(folder, "lamp0") / "part0.obj").unlink()
    parts = find_part_files(folder, ["lamp0"], suffixes)[0]["lamp0"]
    prepare_shape("lamp0", source, layout.root, recipe(), parts)
    assert not part_mesh(layout, "lamp0", 0).exists()
    assert read_poses(layout, "lamp0", 3).present.tolist() == [False, True, True]
    prepare_shape("lamp0", source, layout.root, recipe())
    assert not layout.labels("lamp0").exists() and not layout.poses("lamp0").exists()


def test_parts_that_changed_are_noticed(folder, monkeypatch, capsys):
    write_lamps(folder)
    assert inr(monkeypatch, *PREPARE) == 0
    path = parts_of(folder, "lamp2") / "part1.obj"
    shutil.copy(parts_of(folder, "lamp0") / "part1.obj", path)
    assert inr(monkeypatch, *PREPARE) == 2
    assert (
        "the parts of 'lamp2' in 'made' were made before their files changed"
        in capsys.readouterr().err
    )
    shutil.rmtree("made/samples/lamp2")
    assert inr(monkeypatch, *PREPARE) == 0
    assert "3 shapes ready (1 of them made now)" in capsys.readouterr().err
    shutil.copy(path, path.with_name("part3.obj"))
    assert inr(monkeypatch, *PREPARE) == 2
    assert "was prepared with 3 parts per shape, but there are now 4" in capsys.readouterr().err
    assert inr(monkeypatch, *PREPARE, "overwrite=true") == 0
    assert read_poses(Layout(Path("made")), "lamp0", 3).present.tolist() == [True] * 3 + [False]
    shutil.rmtree(folder / "parts")
    assert inr(monkeypatch, *PREPARE) == 2
    assert "was prepared with 4 parts per shape, but there are now 0" in capsys.readouterr().err


def test_the_number_of_parts_may_change_where_no_shape_is_ready(folder, monkeypatch, capsys):
    write_lamps(folder)
    foot = parts_of(folder, "lamp0") / "part0.obj"
    whole = foot.read_bytes()
    for name in ("lamp0", "lamp1", "lamp2"):
        (parts_of(folder, name) / "part0.obj").write_text("no mesh")
    assert inr(monkeypatch, *PREPARE) == 2
    assert "every shape was refused" in capsys.readouterr().err
    for name in ("lamp0", "lamp1", "lamp2"):
        (parts_of(folder, name) / "part0.obj").write_bytes(whole)
    shutil.copy(foot, foot.with_name("part4.obj"))
    assert inr(monkeypatch, *PREPARE) == 0
    layout = Layout(Path("made"))
    assert json.loads(layout.manifest.read_text())["num_parts"] == 5
    assert read_poses(layout, "lamp1", 3, num_parts=5).present.tolist() == [
        True,
        True,
        *[False] * 3,
    ]


def checks_in(layout: Layout) -> dict:
    shapes = json.loads(layout.manifest.read_text())["shapes"]
    return {name: record["part_checks"] for name, record in shapes.items()}


def test_the_sum_counts_parts_and_names_odd_ones(folder, monkeypatch, capsys):
    write_lamps(folder)
    assert inr(monkeypatch, *PREPARE) == 0
    said = capsys.readouterr().err
    assert "parts: 0 in 3, 1 in 3, 2 in 2 shapes" in said
    for text in ("no shape has", "open parts", "flat parts", "in no part"):
        assert text not in said
    layout = Layout(Path("made"))
    sound = {"present": [True, True, True], "open": [], "flat": [], "in_no_part": 0.0}
    absent = {**sound, "present": [True, True, False]}
    assert checks_in(layout) == {"lamp0": sound, "lamp1": absent, "lamp2": sound}
    # all numbered from 1; one open, one flat, one forgotten
    for name in ("lamp0", "lamp1", "lamp2"):
        for number in (2, 1, 0):
            path = parts_of(folder, name) / f"part{number}.obj"
            if path.exists():
                path.rename(path.with_name(f"part{number + 1}.obj"))
    foot = parts_of(folder, "lamp0") / "part1.obj"
    mesh = read_mesh(foot)
    write_mesh(Mesh(mesh.vertices, mesh.faces[1:]), foot)
    pole = parts_of(folder, "lamp1") / "part2.obj"
    mesh = read_mesh(pole)
    middle = mesh.bounds.mean(axis=0)
    write_mesh(Mesh((mesh.vertices - middle) * [1, 1, 1e-4] + middle, mesh.faces), pole)
    (parts_of(folder, "lamp2") / "part3.obj").unlink()
    assert inr(monkeypatch, *PREPARE, "overwrite=true") == 0
    said = capsys.readouterr().err
    assert "parts: 0 in 0, 1 in 3, 2 in 3, 3 in 1 shapes" in said
    assert "no shape has these parts: 0; " in said
    assert "open parts: 1 (lamp0)" in said
    assert "flat parts: 1 (lamp1)" in said
    assert "over 2% of the inner samples in no part (is one missing?): 2 (lamp1, lamp2)" in said
    checks = checks_in(layout)
    assert checks["lamp0"]["open"] == [1] and checks["lamp1"]["flat"] == [2]
    # against the distance to every part that is left
    with np.load(layout.samples("lamp2")) as file:
        points = file["neg"][:, :3].astype(float)
    parts = [part for part in read_parts(layout, "lamp2") if part is not None]
    least = np.min([signed_distance(part, points) for part in parts], axis=0)
    assert checks["lamp2"]["in_no_part"] == pytest.approx((least > 0.01).mean(), abs=1e-9)
