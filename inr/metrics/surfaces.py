"""Metrics of two surfaces, from distances between points drawn on them."""

import math

import numpy as np

from inr.metrics import distances
from inr.metrics.base import Conditions, Metric, MetricInfo, NotMeasuredError, check_positive
from inr.metrics.pair import Pair


class Distance(Metric):
    """Base class of distances: an empty reconstruction is left out or counts at a fixed distance.

    Attributes:
        power: 2 for squared distances, else 1.
        factor: factor such that the value is `factor * d**power` if all distances are d.
    """

    has_floor = True
    higher_is_better = False
    power: int = 1
    factor: float = 1.0

    def of_empty(self, pair: Pair, distance: float | None) -> float:
        """Return the value if all distances are `distance`, NaN if it is None."""
        return math.nan if distance is None else self.factor * distance**self.power


class Accuracy(Distance):
    """Mean distance from the reconstruction to the ground truth."""

    is_one_sided = True

    def info(self, conditions: Conditions) -> MetricInfo:
        """Return unit and definition."""
        text = f"mean distance from reconstruction to ground truth; {conditions.points}"
        return MetricInfo(conditions.unit(), text)

    def measure(self, pair: Pair) -> float:
        """Return the value."""
        return distances.accuracy(pair.matches)


class Completeness(Distance):
    """Mean distance from the ground truth to the reconstruction."""

    is_one_sided = True

    def info(self, conditions: Conditions) -> MetricInfo:
        """Return unit and definition."""
        text = f"mean distance from ground truth to reconstruction; {conditions.points}"
        return MetricInfo(conditions.unit(), text)

    def measure(self, pair: Pair) -> float:
        """Return the value."""
        return distances.completeness(pair.matches)


class Chamfer(Distance):
    """Chamfer distance: mean distances in both directions, in the variants that papers report.

    Args:
        squared: whether distances are squared before averaging.
        halved: whether the value is half the sum of both means, instead of the sum.
        scale: factor on the value, as in the tables of papers.
    """

    def __init__(self, *, squared: bool, halved: bool, scale: float) -> None:
        check_positive("scale", scale)
        self.squared = squared
        self.scale = scale
        self.power = 2 if squared else 1
        self.factor = scale * (1 if halved else 2)

    def info(self, conditions: Conditions) -> MetricInfo:
        """Return unit and definition."""
        sum_of = "half the sum" if self.factor == self.scale else "sum"
        what = "mean squared distances" if self.squared else "mean distances"
        times = "" if self.scale == 1 else f", times {self.scale:g}"
        text = f"{sum_of} of both {what}{times}; {conditions.points}"
        return MetricInfo(conditions.unit(self.power, self.scale), text)

    def measure(self, pair: Pair) -> float:
        """Return the value."""
        both = (
            distances.chamfer_l2(pair.matches)
            if self.squared
            else 2 * distances.chamfer_l1(pair.matches)
        )
        return both * self.factor / 2


class Hausdorff(Distance):
    """Hausdorff distance: the larger of the largest distances in both directions."""

    def info(self, conditions: Conditions) -> MetricInfo:
        """Return unit and definition."""
        text = f"larger of both maxima of the distances; {conditions.points}"
        return MetricInfo(conditions.unit(), text)

    def measure(self, pair: Pair) -> float:
        """Return the value."""
        return distances.hausdorff(pair.matches)


class MeshAccuracy(Distance):
    """Mesh accuracy: a percentile of the distances from the reconstruction to the ground truth.

    Park et al. (DeepSDF, CVPR 2019, section 6) take the 90th.

    Args:
        percentile: percentile of the exact point-to-surface distances, 0 to 100.
    """

    has_floor = (
        False  # it would be 0, since distances are to the surface itself, not to points on it
    )
    is_one_sided = True

    def __init__(self, *, percentile: float) -> None:
        if not 0 <= percentile <= 100:
            raise ValueError(f"percentile is {percentile}; it has to lie between 0 and 100")
        self.percentile = percentile

    def info(self, conditions: Conditions) -> MetricInfo:
        """Return unit and definition."""
        text = (
            f"{self.percentile:g}th percentile of the distance from points of the reconstruction "
            f"to the whole ground truth; {conditions.points}"
        )
        return MetricInfo(conditions.unit(), text)

    def measure(self, pair: Pair) -> float:
        """Return the value."""
        found = pair.ground_truth.distance(pair.surface_samples[0].points)
        return float(np.percentile(found, self.percentile))


class FScore(Metric):
    """F-score: the harmonic mean of precision and recall (Knapitsch et al., TOG 2017).

    Args:
        threshold: distance threshold, in units of the frame.
        inclusive: whether a distance equal to the threshold is within it.
    """

    has_floor = True

    def __init__(self, *, threshold: float, inclusive: bool) -> None:
        check_positive("threshold", threshold)
        self.threshold = threshold
        self.inclusive = inclusive

    def info(self, conditions: Conditions) -> MetricInfo:
        """Return unit and definition."""
        than = "distance at most" if self.inclusive else "distance less than"
        text = (
            "harmonic mean of the fractions of points of the reconstruction and the ground truth "
            f"with {than} {self.threshold:g} to the other; {conditions.points}"
        )
        return MetricInfo("fraction", text)

    def measure(self, pair: Pair) -> float:
        """Return the value."""
        limit = np.nextafter(self.threshold, np.inf) if self.inclusive else self.threshold
        return distances.f_score(pair.matches, limit)

    def of_empty(self, pair: Pair, distance: float | None) -> float:
        """Return 0."""
        return 0.0


class NormalConsistency(Metric):
    """Normal consistency: mean absolute cosine of nearest points' normals, in both directions.

    Args:
        empty: value of an empty reconstruction; null to leave it out.
    """

    has_floor = True

    def __init__(self, *, empty: float | None) -> None:
        self.empty = empty

    def info(self, conditions: Conditions) -> MetricInfo:
        """Return unit and definition."""
        text = (
            "mean absolute cosine between nearest points' face normals, averaged over both "
            f"directions; {conditions.points}"
        )
        return MetricInfo("cosine", text)

    def measure(self, pair: Pair) -> float:
        """Return the value."""
        reconstruction, ground_truth = pair.surface_samples
        if reconstruction.normals is None or ground_truth.normals is None:
            raise NotMeasuredError("the point cloud has no normals")
        return distances.normal_consistency(
            pair.matches, reconstruction.normals, ground_truth.normals
        )

    def of_empty(self, pair: Pair, distance: float | None) -> float:
        """Return the setting `empty`, NaN if it is None."""
        return math.nan if self.empty is None else self.empty
