"""Metrics of one's own, from a package outside inr, as the base classes tell to write them."""

import math

import numpy as np
import pytest

from inr.config.compose import compose
from inr.config.factories import build_protocol, build_set_metrics
from inr.config.validate import check_config
from inr.metrics.base import FLOOR, NotMeasuredError
from inr.shapes.mesh import empty_mesh
from tests.support.pairs import Settings, ball, cube, pair, sheet

OWN = '''
from inr.metrics.base import Metric, MetricInfo
from inr.metrics.requirements import require_solid
from inr.metrics.sets import SetMetric
from inr.metrics.surfaces import Distance


class EdgeError(Metric):
    """Relative error of the bounding box's edge along one axis."""

    higher_is_better = False

    def __init__(self, *, axis: int):
        self.axis = axis

    def info(self, conditions):
        return MetricInfo("fraction", f"relative error of the edge along axis {self.axis}")

    def measure(self, pair):
        if pair.reconstruction.is_empty:
            return 1.0
        meshes = pair.reconstruction.mesh, require_solid(pair)
        ours, true = ((mesh.bounds[1] - mesh.bounds[0])[self.axis] for mesh in meshes)
        return abs(ours - true) / true


class MedianDistance(Distance):
    """Median distance from the ground truth to the reconstruction."""

    is_one_sided = True

    def info(self, conditions):
        return MetricInfo(conditions.unit(), f"median distance; {conditions.points}")

    def measure(self, pair):
        return float(sorted(pair.matches.to_reconstruction)[pair.num_points // 2])


class Spread(SetMetric):
    """Largest distance of two generated shapes."""

    has_floor = False

    def info(self, conditions):
        return MetricInfo(conditions.unit(2), "largest distance of two generated shapes")

    def measure(self, distances):
        return float(distances.generated_to_generated.max())
'''
ALLOW = "allow=[own_metrics]"
EDGE = {"_target_": "own_metrics.EdgeError", "axis": 0}
MEDIAN = {"_target_": "own_metrics.MedianDistance"}


@pytest.fixture(autouse=True)
def own_package(tmp_path, monkeypatch):
    (tmp_path / "own_metrics.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)


def checked(metrics, *overrides):
    raw = compose(["stage=evaluate", ALLOW, *overrides])
    raw["eval"]["metrics"] = metrics
    check_config(raw)
    settings = Settings(raw["eval"])
    settings.allow = raw["allow"]
    return settings


@pytest.mark.parametrize("dim", [2, 3])
def test_a_protocol_measures_with_it(dim):
    protocol = build_protocol(checked({"median": MEDIAN, "edge": EDGE}))
    small, large = cube(dim, 0.4), cube(dim, 0.5)
    values, reasons = protocol.evaluate(pair(small, large))
    assert reasons == {}
    assert list(values) == list(protocol.infos()) == ["median", "edge", "median" + FLOOR]
    assert values["edge"] == pytest.approx(0.2)
    assert values["median"] == pytest.approx(0.1, abs=0.02)
    assert 0 < values["median" + FLOOR] < 0.05
    info = protocol.infos()["median"]
    assert info.unit == "box units" and "30000 points per surface" in info.definition
    # the first that looks both ways, of which less is better
    assert protocol.ranking_metric == "edge" and not protocol.metrics["edge"].higher_is_better


@pytest.mark.parametrize("dim", [2, 3])
def test_empty_reconstructions_and_what_it_cannot_measure(dim):
    protocol = build_protocol(checked({"median": MEDIAN, "edge": EDGE}))
    values, _ = protocol.evaluate(pair(empty_mesh(dim), cube(dim)))
    assert math.isnan(values["median"]) and values["edge"] == 1
    far = build_protocol(checked({"median": MEDIAN}, "eval.empty=diagonal", "eval.frame=unit_cube"))
    values, _ = far.evaluate(pair(empty_mesh(dim), cube(dim)))
    assert values["median"] == pytest.approx(math.sqrt(dim))
    values, reasons = protocol.evaluate(pair(ball(0.5, 2), sheet(2)))
    assert math.isnan(values["edge"]) and "no inside" in reasons["edge"]
    assert set(reasons) == {"edge"} and np.isfinite(values["median"])
    with pytest.raises(NotMeasuredError):
        protocol.metrics["edge"].measure(pair(ball(0.5, 2), sheet(2)))


def test_one_of_sets():
    (spread,) = build_set_metrics(checked({"spread": {"_target_": "own_metrics.Spread"}})).values()
    assert not spread.has_floor


def test_its_settings_are_checked_and_its_package_has_to_be_allowed():
    with pytest.raises(ValueError, match=r"eval.metrics.edge.axes.*did you mean 'axis'"):
        checked({"edge": {"_target_": "own_metrics.EdgeError", "axes": 0}})
    with pytest.raises(ValueError, match=r"add allow=\[own_metrics\]"):
        checked({"edge": EDGE}, "allow=[]")
