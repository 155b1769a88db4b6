"""Each metric of each protocol is what its definition says: brute force on the same points."""

from itertools import permutations
from types import SimpleNamespace

import numpy as np
import pytest

from inr.metrics.base import FLOOR
from inr.metrics.eval_shape import SurfaceSamples
from inr.metrics.surfaces import FScore
from tests.support.pairs import (
    PROTOCOLS,
    box_distance,
    cube,
    evaluator_of,
    move,
    pair,
    protocol,
)

NUM_POINTS = 150
HALF = 0.5
FEW = 6
SMALL = {"emd__num_points": FEW, "iou__num_points": 400, "iou__resolution": 9}


def f_score(both, threshold, *, inclusive):
    precision, recall = (
        np.mean(np.abs(d) <= threshold if inclusive else np.abs(d) < threshold)
        for d in (both.to_ground_truth, both.to_reconstruction)
    )
    assert 0 < precision < 1 and 0 < recall < 1 and precision != recall
    return 2 / (1 / precision + 1 / recall)


def sum_of(both, power):
    return np.mean(both.to_ground_truth**power) + np.mean(both.to_reconstruction**power)


# what each number is, written out again; a protocol or a metric without a line fails
DEFINITIONS = {
    "default": {
        "accuracy": lambda b: b.to_ground_truth.mean(),
        "completeness": lambda b: b.to_reconstruction.mean(),
        "chamfer_l2": lambda b: sum_of(b, 2),
        "chamfer_l1": lambda b: sum_of(b, 1) / 2,
        "hausdorff": lambda b: max(b.to_ground_truth.max(), b.to_reconstruction.max()),
        "f_score": lambda b: f_score(b, 0.06, inclusive=False),
        "normal_consistency": lambda b: b.cosine,
        "iou": lambda b: b.iou_cells,
    },
    "deepsdf": {
        "chamfer_l2": lambda b: 1e3 * sum_of(b, 2),
        "mesh_accuracy": lambda b: b.percentile_90,
        "emd": lambda b: b.assigned,
    },
    "base_inr": {"chamfer_l2": lambda b: 1e4 * sum_of(b, 2), "iou": lambda b: b.iou_corners},
    "partsdf": {"chamfer_l2": lambda b: 1e4 * sum_of(b, 2), "iou": lambda b: b.iou_corners},
    "occnet": {
        "iou": lambda b: b.iou_points,
        "chamfer_l1": lambda b: sum_of(b, 1) / 2,
        "chamfer_l2": lambda b: sum_of(b, 2) / 2,
        "normal_consistency": lambda b: b.cosine,
        "f_score": lambda b: f_score(b, 0.06, inclusive=True),
        "f_score_15": lambda b: f_score(b, 0.07, inclusive=True),
        "f_score_20": lambda b: f_score(b, 0.08, inclusive=True),
    },
    "srb": {
        "chamfer_l1": lambda b: sum_of(b, 1) / 2,
        "hausdorff": lambda b: max(b.to_ground_truth.max(), b.to_reconstruction.max()),
        "scan_to_reconstruction": lambda b: b.scanned.mean(),
        "scan_to_reconstruction_max": lambda b: b.scanned.max(),
    },
    "vecset": {
        "iou": lambda b: b.iou_field,
        "chamfer_l1": lambda b: sum_of(b, 1),
        "f_score": lambda b: f_score(b, 0.06, inclusive=False),
    },
    "field": {
        **{
            f"{error}{near}": lambda b, error=error, near=near: b.errors[near][error]
            for error in ("mae", "rmse", "smape")
            for near in ("", "_near")
        },
        **{f"gradient_norm_mean{near}": lambda b: 1.7 for near in ("", "_near")},
        **{f"gradient_norm_std{near}": lambda b: 0.0 for near in ("", "_near")},
    },
}
# thresholds at which few points still tell one comparison from another
THRESHOLDS = {
    "f_score__threshold": 0.06,
    "f_score_15__threshold": 0.07,
    "f_score_20__threshold": 0.08,
}


def nearest(table):
    return table.min(axis=1), table.argmin(axis=1)


def overlap(inside, inside_ground_truth):
    both, either = (inside & inside_ground_truth).sum(), (inside | inside_ground_truth).sum()
    assert 0 < both < either
    return both / either


def field(distance):
    return 1.7 * distance + 0.05


def brute_force(subject, shift):
    """Measure a cube, moved along the first axis, against the unit cube about the origin."""
    dim, found = subject.dim, SimpleNamespace()
    reconstruction, ground_truth = subject.surface_samples
    table = np.linalg.norm(reconstruction.points[:, None] - ground_truth.points[None], axis=2)
    found.to_ground_truth, there = nearest(table)
    found.to_reconstruction, back = nearest(table.T)
    cosines = np.abs(reconstruction.normals @ ground_truth.normals.T)
    found.cosine = (
        cosines[np.arange(NUM_POINTS), there].mean() + cosines[back, np.arange(NUM_POINTS)].mean()
    ) / 2
    exact = np.sort(np.abs(box_distance(reconstruction.points, HALF)))
    rank = 0.9 * (NUM_POINTS - 1)
    low = int(rank)
    found.percentile_90 = exact[low] + (rank - low) * (exact[low + 1] - exact[low])
    few = [side.points for side in subject.draw(FEW)]
    found.assigned = min(
        np.linalg.norm(few[0] - few[1][list(order)], axis=1).mean()
        for order in permutations(range(FEW))
    )
    found.scanned, _ = nearest(
        np.linalg.norm(subject.scan[:, None] - reconstruction.points[None], axis=2)
    )
    offset = shift * np.eye(dim)[0]

    def solids(points):
        # a point on a face is decided by rounding: none may be near one
        distances = box_distance(points - offset, HALF), box_distance(points, HALF)
        return tuple(distance < 0 for distance in distances)

    lower, upper = -HALF * np.ones(dim), HALF * np.ones(dim) + offset
    steps = (np.arange(9) + 0.5) / 9
    grid = np.stack(np.meshgrid(*[steps] * dim, indexing="ij"), axis=-1).reshape(-1, dim)
    found.iou_cells = overlap(*solids(lower + grid * (upper - lower)))
    uniform = subject.box_points(400)
    assert uniform.shape == (400, dim) and np.abs(uniform).max() <= 1
    found.iou_points = overlap(*solids(uniform))
    found.iou_field = overlap(field(box_distance(uniform, HALF)) < 0, solids(uniform)[1])
    found.errors = {
        near: errors_at(box_distance(subject.distance_samples(std)[0], HALF))
        for near, std in (("", np.inf), ("_near", 0.02))
    }
    return found


def errors_at(distance):
    gap = np.abs(field(distance) - distance)
    size = (np.abs(field(distance)) + np.abs(distance)) / 2
    return {
        "mae": gap.mean(),
        "rmse": np.sqrt((gap**2).mean()),
        "smape": (gap / size).mean(),
    }


def test_every_protocol_is_written_out_again():
    assert sorted(DEFINITIONS) == PROTOCOLS


@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_metric_agrees_with_brute_force(name, dim):
    shift = 0.1
    ground_truth = cube(dim, HALF)
    evaluator = evaluator_of(lambda points: box_distance(points, HALF), field, slope=1.7)
    scan = np.random.default_rng(0).uniform(-1, 1, (40, dim))
    subject = pair(
        move(ground_truth, shift),
        ground_truth,
        num_points=NUM_POINTS,
        evaluator=evaluator,
        scan=scan,
    )
    measured = protocol(name, **SMALL, **THRESHOLDS)
    got, reasons = measured.evaluate(subject)
    assert reasons == {}
    expected = DEFINITIONS[name]
    assert list(got) == list(measured.infos())
    assert {metric for metric in got if not metric.endswith(FLOOR)} == set(expected)
    found = brute_force(subject, shift)
    for metric, definition in expected.items():
        if name in ("base_inr", "partsdf") and metric == "iou":
            continue  # flat faces lie in the grid's planes: see test_volumes
        assert got[metric] == pytest.approx(definition(found), rel=1e-6, abs=1e-12), metric


@pytest.mark.parametrize(("inclusive", "score"), [(True, 1.0), (False, 0.0)])
@pytest.mark.parametrize("dim", [2, 3])
def test_a_distance_of_just_the_threshold(inclusive, score, dim):
    """Published F-scores differ in it; points elsewhere never lie so."""
    subject = pair(cube(dim), cube(dim))
    subject.surface_samples = (
        SurfaceSamples(np.zeros((1, dim)), None),
        SurfaceSamples(0.1 * np.eye(dim)[:1], None),
    )
    assert FScore(threshold=0.1, inclusive=inclusive).measure(subject) == score
    assert FScore(threshold=0.11, inclusive=inclusive).measure(subject) == 1
    assert FScore(threshold=0.09, inclusive=inclusive).measure(subject) == 0
