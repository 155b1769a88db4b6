"""The sampling floor is as low as theory says, and sinks with the number of points as it says.

Points drawn uniformly on a surface of area A, N of them, are a Poisson process of density
n = N / A near any place: on a curve (2-D) the nearest is 1 / (2 n) away on average and its square
1 / (2 n^2); on a surface (3-D) 1 / (2 sqrt(n)) and 1 / (pi n).
"""

import numpy as np
import pytest

from inr.metrics.base import FLOOR
from tests.support.pairs import PROTOCOLS, ball, pair, protocol

RADIUS = 0.5
NAMES = [f"shape_{number}" for number in range(4)]
DIMS = pytest.mark.parametrize("dim", [2, 3])
SMALL = {"iou__resolution": 4, "iou__num_points": 4}


def floors(name, dim, num_points, **changes):
    """The mean of each floor over some names, which are other draws."""
    measured = protocol(name, **{**SMALL, **changes})
    ground_truth = ball(RADIUS, dim)
    every = [
        measured.evaluate(pair(ground_truth, ground_truth, name=name, num_points=num_points))[0]
        for name in NAMES
    ]
    return {key: np.mean([one[key] for one in every]) for key in every[0] if key.endswith(FLOOR)}


def density(dim, num_points):
    return num_points / (2 * np.pi * RADIUS if dim == 2 else 4 * np.pi * RADIUS**2)


def expected(dim, num_points):
    """The mean distance of the nearest, and of its square."""
    n = density(dim, num_points)
    if dim == 2:
        return 1 / (2 * n), 1 / (2 * n**2)
    return 1 / (2 * np.sqrt(n)), 1 / (np.pi * n)


DISTANCES = {
    "default": {
        "accuracy": lambda m, s: m,
        "completeness": lambda m, s: m,
        "chamfer_l1": lambda m, s: m,
        "chamfer_l2": lambda m, s: 2 * s,
        # on a sphere the angle between normals is the distance in radii
        "normal_consistency": lambda m, s: 1 - s / (2 * RADIUS**2),
    },
    "deepsdf": {"chamfer_l2": lambda m, s: 2e3 * s},
    "base_inr": {"chamfer_l2": lambda m, s: 2e4 * s},
    "partsdf": {"chamfer_l2": lambda m, s: 2e4 * s},
    "occnet": {
        "chamfer_l1": lambda m, s: m,
        "chamfer_l2": lambda m, s: s,
        "normal_consistency": lambda m, s: 1 - s / (2 * RADIUS**2),
    },
    "srb": {"chamfer_l1": lambda m, s: m},
    "vecset": {"chamfer_l1": lambda m, s: 2 * m},
    "field": {},
}
# those of which theory gives an exponent, or the tests below another law
OTHERS = {"hausdorff", "f_score", "f_score_15", "f_score_20", "emd"}


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_floor_is_looked_at(name):
    metrics = {key for key, metric in protocol(name).metrics.items() if metric.has_floor}
    assert metrics == set(DISTANCES[name]) | (metrics & OTHERS)


@DIMS
@pytest.mark.parametrize("name", [name for name in PROTOCOLS if DISTANCES[name]])
def test_floors_are_as_low_as_theory_says(name, dim):
    for num_points in (500, 2000):
        got = floors(name, dim, num_points, emd__num_points=10)
        for metric, form in DISTANCES[name].items():
            known, found = form(*expected(dim, num_points)), got[metric + FLOOR]
            if metric == "normal_consistency":
                # the facets of the ball add their own angle to what is far below 1
                known, found = 1 - known, 1 - found
                assert found == pytest.approx(known, rel=0.2, abs=2e-5), metric
            else:
                assert found == pytest.approx(known, rel=0.1), metric


@DIMS
@pytest.mark.parametrize("name", [name for name in PROTOCOLS if DISTANCES[name]])
def test_floors_sink_with_the_number_of_points(name, dim):
    """As N^(-1 / (D - 1)), squares as the square of it."""
    few, many = (floors(name, dim, n, emd__num_points=10) for n in (500, 4000))
    for metric in DISTANCES[name]:
        ends = [one[metric + FLOOR] for one in (few, many)]
        power = 2 if metric == "chamfer_l2" else 1
        if metric == "normal_consistency":
            assert ends[0] < ends[1] < 1
            continue
        slope = np.log(ends[1] / ends[0]) / np.log(8)
        assert slope == pytest.approx(-power / (dim - 1), abs=0.06 * power), metric


@DIMS
@pytest.mark.parametrize("name", ["default", "srb"])
def test_the_largest_gap_is_that_of_random_covering(name, dim):
    """2-D: (log N) / N, of one side half the largest gap; 3-D the root of it (Janson 1986)."""
    few, many = (floors(name, dim, n)["hausdorff_floor"] for n in (500, 8000))
    law = [(np.log(n) / n) ** (1 / (dim - 1)) for n in (500, 8000)]
    assert few / many == pytest.approx(law[0] / law[1], rel=0.25)


@DIMS
@pytest.mark.parametrize(
    ("name", "metric"),
    [("default", "f_score"), ("vecset", "f_score")]
    + [("occnet", f"f_score{end}") for end in ("", "_15", "_20")],
)
def test_the_fraction_within_a_threshold_is_that_of_a_poisson_process(name, metric, dim):
    """None of the others within it: exp(-n 2 t) on a curve, exp(-n pi t^2) on a surface."""
    threshold = 0.004 if dim == 2 else 0.03
    found = []
    for num_points in (200, 1000):
        got = floors(name, dim, num_points, **{f"{metric}__threshold": threshold})
        n = density(dim, num_points)
        missed = np.exp(-n * (2 * threshold if dim == 2 else np.pi * threshold**2))
        assert got[metric + FLOOR] == pytest.approx(1 - missed, abs=0.03)
        found.append(got[metric + FLOOR])
    assert found[1] > found[0] + 0.1


@DIMS
def test_the_least_assignment_sinks_as_matching_theory_says(dim):
    """On a curve as N^(-1/2), on a surface as (log N / N)^(1/2) (Ajtai, Komlos, Tusnady 1984)."""
    measured = {n: protocol("deepsdf", emd__num_points=n).metrics["emd"] for n in (50, 450)}
    ground_truth = ball(RADIUS, dim)
    few, many = (
        np.mean([metric.measure(pair(ground_truth, ground_truth, name=f"s{i}")) for i in range(25)])
        for metric in measured.values()
    )
    law = {n: np.sqrt((1 if dim == 2 else np.log(n)) / n) for n in measured}
    assert few / many == pytest.approx(law[50] / law[450], rel=0.15)


@DIMS
def test_distances_to_the_whole_ground_truth_have_no_floor(dim):
    """Points of the ground truth lie on it, however many they are."""
    assert "mesh_accuracy_floor" not in floors("deepsdf", dim, 200)
