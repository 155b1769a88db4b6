"""Parts that are wrong: their shape is refused by name, the others are made."""

import io
import json
from collections.abc import Callable
from contextlib import redirect_stderr
from pathlib import Path

import numpy as np
import pytest
import trimesh

from inr.data.layout import Layout
from inr.shapes.mesh import Mesh, write_mesh
from tests.support.cli import inr
from tests.support.lamps import (
    HALVES,
    MIDDLES,
    SMALL,
    parts_of,
    whole_of,
    write_lamp,
    write_lamps,
    write_poses,
)

PREPARE = ["stage=prepare", "data=meshes", "data.source=lamps", "data.root=made", *SMALL]
Spoil = Callable[[Path, str], object]


def part(folder: Path, name: str, suffix: str = ".obj") -> Path:
    return parts_of(folder, name) / f"part1{suffix}"


def outside(folder: Path, name: str) -> None:
    made = trimesh.creation.box(2 * HALVES[1])
    shifted = np.asarray(made.vertices) + MIDDLES[1] + [50.0, 0, 0]
    write_mesh(Mesh(shifted, np.asarray(made.faces, np.int64)), part(folder, name))


def one_triangle(folder: Path, name: str) -> None:
    write_mesh(Mesh(MIDDLES[1] + np.eye(3), np.array([[0, 1, 2]])), part(folder, name))


def no_parts(folder: Path, name: str) -> None:
    for path in parts_of(folder, name).iterdir():
        path.unlink()


def with_poses(**changed: object) -> Spoil:
    return lambda folder, name: write_poses(folder, name, **changed)


FILE = "lamps/parts/meshes/NAME/part1.obj"
CASES: dict[str, tuple[Spoil, str]] = {
    "outside the box": (outside, f"part 1 ('{FILE}') spans .* leaves the box [-1, 1]^D"),
    "one triangle": (one_triangle, f"part 1 ('{FILE}') has no extent: 3 points from"),
    "no parts": (no_parts, "it has no parts: 'lamps/parts/meshes/NAME' has no part<i>"),
    "no mesh": (lambda f, n: part(f, n).write_text("none"), "meshes/NAME/part1.obj"),
    "twice": (lambda f, n: part(f, n, ".ply").touch(), "are both its part 1"),
    "no whole": (lambda f, n: whole_of(f, n).unlink(), "but no mesh of the whole shape"),
    "no scales": (with_poses(scales=None), "scales.npy' is missing"),
    "norm zero": (with_poses(quaternions=np.zeros((3, 4))), "part 0 has a quaternion of norm 0"),
    "zero scale": (with_poses(scales=HALVES * [1, 0, 1]), "part 0 has a scale that is not above 0"),
    "negative scale": (with_poses(scales=-HALVES), "part 0 has a scale that is not above 0"),
    "not finite": (with_poses(scales=HALVES * np.nan), "part 0 has a non-finite pose"),
    "other number": (with_poses(num_parts=2), "has shape (2, 4); 3 parts"),
    "other frame": (with_poses(translations=MIDDLES - MIDDLES[0]), "does not match its mesh"),
}  # fmt: skip
SOUND = ["fitted", "posed"]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Layout, str]:
    """One lamp that is wrong in each way, beside two that are sound; and what was said."""
    folder = tmp_path_factory.mktemp("lamps")
    for name in SOUND:
        write_lamp(folder / "lamps", name)
    write_poses(folder / "lamps", "posed")
    for number, (case, (spoil, _)) in enumerate(CASES.items()):
        write_lamp(folder / "lamps", case, height=1 + 0.01 * number, has_shade=False)
        spoil(folder / "lamps", case)
    with pytest.MonkeyPatch.context() as monkeypatch, redirect_stderr(io.StringIO()) as said:
        monkeypatch.chdir(folder)
        assert inr(monkeypatch, *PREPARE) == 0
    return Layout(folder / "made"), said.getvalue()


@pytest.mark.parametrize("case", CASES)
def test_a_shape_whose_parts_are_wrong(prepared: tuple[Layout, str], case: str) -> None:
    layout, said = prepared
    record = json.loads(layout.manifest.read_text())["shapes"][case]
    assert record["status"] == "refused"
    for piece in CASES[case][1].replace("NAME", case).split(" .* "):
        assert piece in record["reason"]
    assert f"refused {case}: " in said and "Traceback" not in said


def test_the_others_are_made_and_the_wrong_ones_are_not_tried_again(
    prepared: tuple[Layout, str], monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    layout, _ = prepared
    monkeypatch.chdir(layout.root.parent)
    assert layout.names() == SOUND
    assert inr(monkeypatch, *PREPARE) == 0
    assert "nothing to do, 2 shapes ready" in capsys.readouterr().err
    assert inr(monkeypatch, *PREPARE, "strict=true") == 1


def test_an_unknown_primitive(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_lamps(Path("lamps"))
    assert inr(monkeypatch, *PREPARE, "data.primitive=sphere") == 2
    shown = capsys.readouterr().err
    assert "data.primitive" in shown and "cuboid" in shown and not Path("made").exists()
