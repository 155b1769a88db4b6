"""The default protocol: which metrics a pair of meshes gets, and what they mean."""

import math
from dataclasses import dataclass

import numpy as np

from inr.metrics.distances import (
    Matches,
    accuracy,
    chamfer_l1,
    chamfer_l2,
    completeness,
    f_score,
    hausdorff,
    match_nearest,
    normal_consistency,
)
from inr.metrics.iou import iou
from inr.shapes.mesh import Floats, Mesh
from inr.shapes.sampling import sample_surface, seed_from_name

FLOOR = "_floor"


@dataclass(frozen=True)
class MetricInfo:
    """Say what a metric's number is.

    Args:
        unit: of the number.
        definition: one sentence.
    """

    unit: str
    definition: str


def metric_infos(
    *,
    num_points: int = 30000,
    iou_resolution: int = 128,
    f_score_threshold: float = 0.01,
    of_clouds: bool = False,
    frame: str = "box",
) -> dict[str, MetricInfo]:
    """Return what each metric of `evaluate_pair` is at these settings, in order of display.

    With `of_clouds` the truth is a point cloud: `evaluate_against_points`. The frame, `box` or
    `native`, is that in which distances are measured.
    """
    unit = f"{frame} units"
    on_points = f"{num_points} points a side, uniform on the surface"
    if of_clouds:
        on_points = (
            f"half the cloud's points but at most {num_points}, and as many uniform on the "
            "reconstruction"
        )
    point_based = {
        "accuracy": MetricInfo(unit, f"mean distance from reconstruction to truth; {on_points}"),
        "completeness": MetricInfo(
            unit, f"mean distance from truth to reconstruction; {on_points}"
        ),
        "chamfer_l2": MetricInfo(
            f"{unit}^2", f"sum of both means of squared distances; {on_points}"
        ),
        "chamfer_l1": MetricInfo(unit, f"half the sum of both mean distances; {on_points}"),
        "hausdorff": MetricInfo(unit, f"larger of both maxima of the distances; {on_points}"),
        "f_score": MetricInfo(
            "share",
            "harmonic mean of the shares of reconstruction and of truth points nearer than "
            f"{f_score_threshold:g} to the other; {on_points}",
        ),
        "normal_consistency": MetricInfo(
            "cosine",
            "mean absolute cosine between nearest points' face normals, averaged over both "
            f"directions; {on_points}",
        ),
    }
    overlap = MetricInfo(
        "share",
        f"intersection over union on the cell centres of {iou_resolution} cells along each axis "
        "of the joint bounding box, inside where the winding number is at least 0.5 "
        "(2-D: not zero)",
    )
    floors = {
        name + FLOOR: MetricInfo(info.unit, f"{name} of the truth against itself, sampled anew")
        for name, info in point_based.items()
    }
    return {**point_based, "iou": overlap, **floors}


def evaluate_pair(
    reconstruction: Mesh,
    truth: Mesh,
    *,
    name: str,
    num_points: int = 30000,
    iou_resolution: int = 128,
    f_score_threshold: float = 0.01,
    seed: int = 0,
) -> dict[str, float]:
    """Measure a reconstruction against the truth, both in the normalised frame.

    Args:
        reconstruction: may be empty: then its IoU and F-score are 0 and the rest is NaN.
        truth: closed, with an inside.
        name: of the shape; seeds the sampling together with `seed`.
        num_points: drawn on each surface.
        iou_resolution: cells along each axis of the IoU grid.
        f_score_threshold: in box units.
        seed: truth is sampled with it and the other side with the next, so that a
            perfect reconstruction scores the floor.

    Returns:
        the metrics of `metric_infos`: each point-based one, its sampling floor (truth against
        itself with another seed) as `<metric>_floor`, and `iou`.

    Raises:
        ValueError: if the truth is empty or has no inside, or the dimensions differ.
    """
    overlap = iou(reconstruction, truth, resolution=iou_resolution)
    samples = sample_surface(truth, num_points, seed_from_name(name, seed))
    again = sample_surface(truth, num_points, seed_from_name(name, seed + 1))
    metrics, floors = _on_points(
        reconstruction, samples, again, name, num_points, f_score_threshold, seed + 1
    )
    return {**metrics, "iou": overlap, **floors}


def evaluate_against_points(
    reconstruction: Mesh,
    truth: Floats,
    normals: Floats | None,
    *,
    name: str,
    num_points: int,
    f_score_threshold: float,
    seed: int,
) -> dict[str, float]:
    """Measure a reconstruction against a point cloud, which has no inside and so no IoU.

    Args:
        reconstruction: as for `evaluate_pair`.
        truth: (K, D), in the normalised frame; at most num_points of them are used, and others
            for the floor.
        normals: (K, D) unit vectors; without them there is no normal consistency.
        name: seeds the sampling together with `seed`; the other settings are those of
            `evaluate_pair`.
        num_points: drawn on the reconstruction, as many as of the cloud are used.
        f_score_threshold: in box units.
        seed: of all draws.

    Returns:
        the metrics of `metric_infos`; the IoU is NaN.
    """
    order = seed_from_name(name, seed).permutation(len(truth))
    used = min(num_points, max(1, len(truth) // 2))
    blank = np.full_like(truth, np.nan) if normals is None else normals
    samples, again = ((truth[part], blank[part]) for part in (order[:used], order[-used:]))
    metrics, floors = _on_points(
        reconstruction, samples, again, name, used, f_score_threshold, seed + 1
    )
    return {**metrics, "iou": math.nan, **floors}


def _on_points(
    reconstruction: Mesh,
    samples: tuple[Floats, Floats],
    again: tuple[Floats, Floats],
    name: str,
    num_points: int,
    threshold: float,
    seed: int,
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the point-based metrics against the truth's samples, and their floors."""
    floor = _point_metrics(again, samples, threshold)
    if reconstruction.is_empty:
        metrics = dict.fromkeys(floor, math.nan)
        metrics["f_score"] = 0.0
    else:
        drawn = sample_surface(reconstruction, num_points, seed_from_name(name, seed))
        metrics = _point_metrics(drawn, samples, threshold)
    return metrics, {metric + FLOOR: value for metric, value in floor.items()}


def _point_metrics(
    reconstruction: tuple[Floats, Floats], truth: tuple[Floats, Floats], threshold: float
) -> dict[str, float]:
    """Measure points and normals, (N, D) each, against others."""
    matches: Matches = match_nearest(reconstruction[0], truth[0])
    return {
        "accuracy": accuracy(matches),
        "completeness": completeness(matches),
        "chamfer_l2": chamfer_l2(matches),
        "chamfer_l1": chamfer_l1(matches),
        "hausdorff": hausdorff(matches),
        "f_score": f_score(matches, threshold),
        "normal_consistency": normal_consistency(matches, reconstruction[1], truth[1]),
    }
