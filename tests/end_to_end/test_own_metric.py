"""A metric of one's own, from a package outside inr, on the command line."""

import json

import pytest

from inr.shapes.mesh import write_mesh
from tests.support.cli import inr
from tests.support.pairs import ball, cube

OWN = '''
from inr.metrics.base import Metric, MetricInfo


class VertexRatio(Metric):
    """Number of vertices, as a multiple of the ground truth's."""

    def __init__(self, *, percent: bool):
        self.percent = percent

    def info(self, conditions):
        return MetricInfo("%" if self.percent else "1", "vertices, by those of the ground truth")

    def measure(self, pair):
        ratio = len(pair.reconstruction.mesh.vertices) / len(pair.ground_truth.mesh.vertices)
        return 100 * ratio if self.percent else ratio
'''


def test_folders_are_evaluated_with_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "vertex_metrics.py").write_text(OWN)
    meshes = {"ours": ball(0.5, 3), "scanned": cube(3)}
    for folder, mesh in meshes.items():
        (tmp_path / folder).mkdir()
        write_mesh(mesh, tmp_path / folder / "cube.ply")
    command = ["stage=evaluate", "meshes=ours", "ground_truth=scanned", "allow=[vertex_metrics]"]
    command += ["+eval.metrics.vertices._target_=vertex_metrics.VertexRatio"]
    small = ["eval.num_points=50", "eval.metrics.iou.resolution=8", "renderer.solid.size=16"]
    assert inr(monkeypatch, *command, "+eval.metrics.vertices.percent=true", *small) == 0
    (path,) = tmp_path.glob("outputs/**/summary.json")
    entry = json.loads(path.read_text())["metrics"]["vertices"]
    assert (
        entry["mean"] == pytest.approx(100 * len(meshes["ours"].vertices) / 8)
        and entry["unit"] == "%"
    )
    assert entry["definition"] == "vertices, by those of the ground truth"


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["allow=[]"], "add allow=[vertex_metrics]"),
        (["+eval.metrics.vertices.percents=true"], "did you mean 'percent'?"),
    ],
)
def test_mistakes_are_told_at_once(tmp_path, monkeypatch, capsys, extra, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "vertex_metrics.py").write_text(OWN)
    command = ["stage=evaluate", "meshes=ours", "ground_truth=scanned", "allow=[vertex_metrics]"]
    command += ["+eval.metrics.vertices._target_=vertex_metrics.VertexRatio"]
    assert inr(monkeypatch, *command, *extra) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "outputs").exists()
