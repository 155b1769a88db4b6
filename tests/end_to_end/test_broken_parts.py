"""Parts that are wrong: their shape is refused by name, the others are made."""

import json
from pathlib import Path

import numpy as np
import pytest
import trimesh

from inr.data.layout import Layout
from inr.shapes.mesh import Mesh, write_mesh
from tests.support.cli import inr
from tests.support.lamps import HALVES, MIDDLES, SMALL, parts_of, whole_of, write_lamps, write_poses

PREPARE = ["stage=prepare", "data=meshes", "data.source=lamps", "data.root=made", *SMALL]


def part(folder: Path, number: int = 1, suffix: str = ".obj") -> Path:
    return parts_of(folder, "lamp1") / f"part{number}{suffix}"


def outside(folder: Path) -> None:
    made = trimesh.creation.box(2 * HALVES[1])
    shifted = np.asarray(made.vertices) + MIDDLES[1] + [50.0, 0, 0]
    write_mesh(Mesh(shifted, np.asarray(made.faces, np.int64)), part(folder))


def one_triangle(folder: Path) -> None:
    write_mesh(Mesh(MIDDLES[1] + np.eye(3), np.array([[0, 1, 2]])), part(folder))


def no_parts(folder: Path) -> None:
    for path in parts_of(folder, "lamp1").iterdir():
        path.unlink()


def with_poses(**changed):
    def spoil(folder: Path) -> None:
        for number in (0, 2):
            write_poses(folder, f"lamp{number}")
        write_poses(folder, "lamp1", **changed)

    return spoil


FILE = "lamps/parts/meshes/lamp1/part1.obj"
CASES = {
    "outside the box": (outside, f"part 1 ('{FILE}') spans .* leaves the box [-1, 1]^D"),
    "one triangle": (one_triangle, f"part 1 ('{FILE}') has no extent: 3 points from"),
    "no parts": (no_parts, "it has no parts: 'lamps/parts/meshes/lamp1' holds no part<i>"),
    "no mesh": (lambda f: part(f).write_text("none"), "meshes/lamp1/part1.obj"),
    "twice": (lambda f: part(f, 1, ".ply").touch(), "are both its part 1"),
    "no whole": (lambda f: whole_of(f, "lamp1").unlink(), "and there is no mesh of the whole"),
    "no scales": (with_poses(scales=None), "scales.npy' is missing"),
    "norm zero": (with_poses(quaternions=np.zeros((3, 4))), "part 0 has a quaternion of norm 0"),
    "zero scale": (with_poses(scales=HALVES * [1, 0, 1]), "part 0 has a scale that is not above 0"),
    "negative scale": (with_poses(scales=-HALVES), "part 0 has a scale that is not above 0"),
    "not finite": (with_poses(scales=HALVES * np.nan), "part 0 has a pose that is not finite"),
    "other number": (with_poses(num_parts=2), "is of shape (2, 4); 3 parts"),
    "other frame": (with_poses(translations=MIDDLES - MIDDLES[0]), "is not that of its mesh"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_shape_whose_parts_are_wrong(tmp_path, monkeypatch, capsys, case):
    monkeypatch.chdir(tmp_path)
    spoil, reason = CASES[case]
    spoil(write_lamps(Path("lamps")))
    assert inr(monkeypatch, *PREPARE) == 0
    layout = Layout(Path("made"))
    record = json.loads(layout.manifest.read_text())["shapes"]["lamp1"]
    assert record["status"] == "refused"
    for piece in reason.split(" .* "):
        assert piece in record["reason"]
    assert layout.names() == ["lamp0", "lamp2"]
    shown = capsys.readouterr().err
    assert "refused lamp1: " in shown and "Traceback" not in shown
    assert inr(monkeypatch, *PREPARE) == 0
    assert "nothing to do, 2 shapes ready" in capsys.readouterr().err
    assert inr(monkeypatch, *PREPARE, "strict=true") == 1


def test_an_unknown_primitive(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_lamps(Path("lamps"))
    assert inr(monkeypatch, *PREPARE, "data.primitive=sphere") == 2
    shown = capsys.readouterr().err
    assert "data.primitive" in shown and "cuboid" in shown and not Path("made").exists()
