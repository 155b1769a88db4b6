"""Metrics of two point sets, from the distances to nearest neighbours in the other set."""

from dataclasses import dataclass

import numpy as np

from inr.shapes.mesh import Floats, Ints
from inr.shapes.nearest import nearest_points


@dataclass(frozen=True)
class Matches:
    """Nearest neighbours of two point sets in each other.

    Args:
        to_ground_truth: (N,), distance from each point of the reconstruction to the nearest of the
            ground truth.
        ground_truth_index: (N,), index of that nearest point.
        to_reconstruction: (M,), distance from each point of the ground truth to the nearest of the
            reconstruction.
        reconstruction_index: (M,), index of that nearest point.
    """

    to_ground_truth: Floats
    ground_truth_index: Ints
    to_reconstruction: Floats
    reconstruction_index: Ints


def match_nearest(reconstruction: Floats, ground_truth: Floats) -> Matches:
    """Return the nearest neighbours of points (N, D) and (M, D) in each other, in float64.

    Raises:
        ValueError: if a set is empty or the dimensions differ.
    """
    if len(reconstruction) == 0 or len(ground_truth) == 0:
        raise ValueError(
            f"the sets have {len(reconstruction)} and {len(ground_truth)} points; "
            "a distance needs at least one point in each"
        )
    if reconstruction.shape[1:] != ground_truth.shape[1:]:
        raise ValueError(
            f"the points have shapes {reconstruction.shape} and {ground_truth.shape}; "
            "they must be (N, D) and (M, D)"
        )
    return Matches(
        *nearest_points(ground_truth, reconstruction), *nearest_points(reconstruction, ground_truth)
    )


def accuracy(matches: Matches) -> float:
    """Return the mean distance from the reconstruction to the ground truth."""
    return float(matches.to_ground_truth.mean())


def completeness(matches: Matches) -> float:
    """Return the mean distance from the ground truth to the reconstruction."""
    return float(matches.to_reconstruction.mean())


def chamfer_l1(matches: Matches) -> float:
    """Return half the sum of the mean distances in both directions."""
    return (accuracy(matches) + completeness(matches)) / 2


def chamfer_l2(matches: Matches) -> float:
    """Return the sum of the mean squared distances in both directions."""
    return float(
        np.square(matches.to_ground_truth).mean() + np.square(matches.to_reconstruction).mean()
    )


def hausdorff(matches: Matches) -> float:
    """Return the larger of the largest distances in both directions."""
    return float(max(matches.to_ground_truth.max(), matches.to_reconstruction.max()))


def f_score(matches: Matches, threshold: float) -> float:
    """Return the harmonic mean of precision and recall.

    Precision and recall are the fractions of points of the reconstruction and of the ground truth
    that are nearer to the other set than `threshold`. The score is 0 where both are 0 (Knapitsch et
    al., TOG 2017, equations 3 to 5).
    """
    precision = float((matches.to_ground_truth < threshold).mean())
    recall = float((matches.to_reconstruction < threshold).mean())
    if precision + recall == 0:
        return 0.0
    return 2 * precision * recall / (precision + recall)


def normal_consistency(
    matches: Matches, reconstruction_normals: Floats, ground_truth_normals: Floats
) -> float:
    """Return the mean absolute cosine between nearest points' normals, over both directions.

    Args:
        matches: nearest neighbours of the points that the normals belong to.
        reconstruction_normals: (N, D), unit vectors.
        ground_truth_normals: (M, D), unit vectors.
    """
    forward = np.sum(
        reconstruction_normals * ground_truth_normals[matches.ground_truth_index], axis=1
    )
    backward = np.sum(
        ground_truth_normals * reconstruction_normals[matches.reconstruction_index], axis=1
    )
    return float(np.abs(forward).mean() + np.abs(backward).mean()) / 2
