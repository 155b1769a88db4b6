"""A file format of a package of one's own, named on the command line or in a YAML file."""

import sys

import numpy as np
import pytest
import trimesh

from inr.data.layout import Layout
from inr.data.read import read_surface_points
from inr.shapes.mesh import read_mesh
from tests.support.cli import inr

PACKAGE = '''
from pathlib import Path
import numpy as np
from inr.shapes.formats.base import Format

class Tri(Format):
    """Corners of triangles, nine numbers a line."""
    gives = "surface"
    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale
    def read(self, path):
        corners = self.scale * np.loadtxt(path).reshape(-1, 3)
        return corners, np.arange(len(corners)).reshape(-1, 3)

class Ring(Format):
    gives = "outline"
    def read(self, path):
        points = np.loadtxt(path)
        index = np.arange(len(points))
        return points, np.stack([index, (index + 1) % len(points)], axis=1)

class Cloud(Format):
    gives = "points"
    def read(self, path):
        points = np.loadtxt(path)
        return points, points / np.linalg.norm(points, axis=1, keepdims=True)

class Silent(Format):
    def read(self, path):
        raise AssertionError


class Odd(Format):
    gives = "pictures"
    def read(self, path):
        return None
'''
PREPARE = [
    "stage=prepare",
    "data.root=made",
    "data.sampling.num_uniform=100",
    "data.sampling.num_surface=100",
    "workers=1",
    "data.splits.train=1",
    "data.splits.test=0",
]
NEAR = "data.sampling.near_counts=[200,200]"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where a package `mine_of_formats` lies, and a sphere in the user's format."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "mine_of_formats", raising=False)
    (tmp_path / "mine_of_formats.py").write_text(PACKAGE)
    sphere = trimesh.creation.icosphere(subdivisions=2)
    np.savetxt(tmp_path / "ball.tri", sphere.triangles.reshape(-1, 9))
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    np.savetxt(tmp_path / "round.ring", np.stack([np.cos(angles), np.sin(angles)], axis=1)[::-1])
    np.savetxt(tmp_path / "scan.cloud", sphere.vertices)
    return tmp_path


def own(suffix, name, *more):
    entry = ",".join([f"_target_:mine_of_formats.{name}", *more])
    return [f"+data.formats={{{suffix}:{{{entry}}}}}", "allow=[mine_of_formats]"]


def test_meshes_of_an_own_format_are_prepared(folder, monkeypatch):
    settings = ["data=meshes", "data.source=ball.tri", NEAR, *own("tri", "Tri", "scale:2.0")]
    assert inr(monkeypatch, *PREPARE, *settings, "data.normalize=none") == 0
    mesh = read_mesh(folder / "made" / "meshes" / "ball.ply")
    assert mesh.is_closed()  # each triangle had corners of its own
    np.testing.assert_allclose(mesh.bounds, [[-2] * 3, [2] * 3], atol=0.1)


def test_one_shape_of_an_own_outline_tells_its_dimension(folder, monkeypatch):
    settings = ["data=single", "data.source=round.ring", *own("ring", "Ring")]
    near = "data.sampling.near_counts=[50,50,50,50]"
    assert inr(monkeypatch, *PREPARE, *settings, near) == 0
    mesh = read_mesh(folder / "made" / "meshes" / "round.npz")
    assert mesh.dim == 2 and mesh.volume() > 0  # it was clockwise in the file


def test_points_of_an_own_format_from_a_yaml_file(folder, monkeypatch):
    (folder / "conf" / "data").mkdir(parents=True)
    (folder / "conf" / "data" / "clouds.yaml").write_text(
        "defaults: [points, _self_]\n"
        "source: scan.cloud\n"
        "formats:\n  .cloud: {_target_: mine_of_formats.Cloud}\n"
    )
    search = ["--config-dir", "conf", "data=clouds", "allow=[mine_of_formats]"]
    assert inr(monkeypatch, *search, *PREPARE, NEAR) == 0
    surface = read_surface_points(Layout(folder / "made"), "scan", 3, with_normals=True)
    assert surface.shape[1] == 6


def test_what_is_no_format_is_said_at_once(folder, monkeypatch, capsys):
    for settings, message in (
        (own("tri", "Tri")[:1], "to trust it, add allow=[mine_of_formats]"),
        (own("tri", "Odd"), "'data.formats.tri' gives 'pictures'; it has to be surface | outline"),
        (own("tri", "Silent"), "'data.formats.tri' gives None; it has to be surface | outline"),
        (own("tri", "Tri", "size:1"), "unknown key 'data.formats.tri.size'"),
        (["+data.formats={tri:3}"], "data.formats"),
        (["+data.formats={tri:{_target_:inr.shapes.mesh.Mesh}}"], "has to be a Format"),
    ):
        for data in ("meshes", "single"):
            given = [*PREPARE, f"data={data}", "data.source=ball.tri", *settings]
            assert inr(monkeypatch, *given) == 2
            assert message in capsys.readouterr().err


def test_a_file_that_an_own_format_cannot_read_is_refused_alone(folder, monkeypatch, capsys):
    (folder / "in").mkdir()
    (folder / "ball.tri").rename(folder / "in" / "ball.tri")
    (folder / "in" / "bad.tri").write_text("1 2 x")
    (folder / "in" / "flat.tri").write_text("\n".join(["1 2 3 4"] * 4))
    settings = ["data=meshes", "data.source=in", NEAR, *own("tri", "Tri")]
    assert inr(monkeypatch, *PREPARE, *settings, "data.splits.train=1.0") == 0
    said = capsys.readouterr().err
    assert "bad.tri': Tri cannot read it: could not convert string" in said
    assert "1 shapes ready" in said and "2 refused" in said
