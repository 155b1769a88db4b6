"""The table of formats; comments of YAML files name the same suffixes."""

import pickle
import re
from pathlib import Path

import numpy as np
import pytest

from inr.shapes.formats import meshes
from inr.shapes.formats.base import KINDS, OUTLINE, POINTS, SURFACE, Format
from inr.shapes.formats.table import FORMATS, reader, suffixes
from inr.shapes.mesh import read_mesh
from inr.shapes.points import read_points
from tests.support.paths import ROOT

CHOICES = {"meshes": SURFACE, "outlines": OUTLINE, "points": POINTS}
PICTURES = {suffix for suffix, row in FORMATS.items() if "masks" in row.get(OUTLINE, "")}


def test_each_row_has_a_reader():
    for suffix, row in FORMATS.items():
        assert suffix == suffix.lower() and row.keys() <= set(KINDS)
        for kind in row:
            assert callable(reader(suffix, kind))


def test_what_no_row_gives_is_said_with_what_does():
    with pytest.raises(ValueError, match=r"'.svg' is none of the suffixes \.ply, \.xyz, \.txt, "):
        reader(".svg", POINTS)


@pytest.mark.parametrize("choice", CHOICES)
def test_comments_of_data_groups_list_the_table(choice):
    text = (ROOT / "conf" / "data" / f"{choice}.yaml").read_text(encoding="utf-8")
    comment = text.partition("\ndim:")[0].replace("# ", "")
    named = set(re.findall(r"(?<![\w.])\.(?:3mf|[a-z]+)\b", comment))
    assert named <= set(suffixes(CHOICES[choice]))
    assert set(suffixes(CHOICES[choice])) - named <= PICTURES - {".png"}  # and other images


class Table(Format):
    """Numbers as numpy writes them: whatever kind is asked for."""

    def __init__(self, gives: str, second: object) -> None:
        self.gives, self.second = gives, second  # type: ignore[misc]

    def read(self, path: Path):
        return np.loadtxt(path), self.second


SQUARE = np.array([[0.0, 0], [0, 4], [4, 4], [4, 0]])  # clockwise
RING = np.array([[0, 1], [1, 2], [2, 3], [3, 0]])


def test_a_format_of_ones_own_comes_first(tmp_path):
    own = {".obj": pickle.loads(pickle.dumps(Table(OUTLINE, RING)))}  # as workers get it
    assert ".obj" not in suffixes(SURFACE, own) and suffixes(OUTLINE, own)[-1] == ".obj"
    np.savetxt(tmp_path / "a.OBJ", SQUARE)
    mesh = read_mesh(tmp_path / "a.OBJ", own)
    assert mesh.dim == 2 and mesh.volume() == 16  # turned


def test_points_of_a_format_of_ones_own(tmp_path):
    points = np.random.default_rng(0).normal(size=(20, 3))
    np.savetxt(tmp_path / "a.mine", points)
    found, normals = read_points(tmp_path / "a.mine", 3, {".mine": Table(POINTS, None)})
    np.testing.assert_allclose(found, points)
    assert normals is None
    found, normals = read_points(tmp_path / "a.mine", 3, {".mine": Table(POINTS, 2 * points)})
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1)
    with pytest.raises(ValueError, match=r"a\.mine': .*\(20, 3\); points in 2-D need 2 columns"):
        read_points(tmp_path / "a.mine", 2, {".mine": Table(POINTS, None)})


@pytest.mark.parametrize(
    ("gives", "second", "message"),
    [
        (SURFACE, RING, r"Table, which gives surface, read arrays of shapes \(4, 2\), \(4, 2\)"),
        (OUTLINE, RING[:, 0], r"shapes \(4, 2\), \(4,\)"),
        (OUTLINE, None, "Table cannot read it: "),
        (OUTLINE, RING + 1, "vertex indices that are out of range"),
        (OUTLINE, RING[:3], "the outline is open"),
        (OUTLINE, RING[:0], "has no faces"),
    ],
)
def test_what_ones_own_format_returns_is_checked(gives, second, message, tmp_path):
    np.savetxt(tmp_path / "a.mine", SQUARE)
    with pytest.raises(ValueError, match=rf"a\.mine.*{message}"):
        read_mesh(tmp_path / "a.mine", {".mine": Table(gives, second)})


def test_a_missing_file_of_ones_own_format_is_no_full_disk(tmp_path):
    with pytest.raises(ValueError, match=r"none\.mine.*Table cannot read it"):
        read_mesh(tmp_path / "none.mine", {".mine": Table(OUTLINE, RING)})


@pytest.mark.parametrize("data", [b'{"v": [0]}', b"<mesh/>", b"v 0 0 0\n", b"solid facet"])
def test_a_new_row_is_read_whatever_its_content_looks_like(
    data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    triangle = np.eye(3), np.array([[0, 1, 2]])
    monkeypatch.setattr(meshes, "reader", lambda suffix, kind: lambda content, beside: triangle)
    assert meshes.read_bytes(data, ".jmesh", lambda name: b"") is not None
    with pytest.raises(ValueError, match="the file is empty"):
        meshes.read_bytes(b"", ".jmesh", lambda name: b"")
