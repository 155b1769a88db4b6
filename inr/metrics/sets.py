"""Metrics of a set of generated shapes against a set of references, for YAML."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from inr.metrics.base import Conditions, MetricInfo, check_positive
from inr.metrics.generation import (
    coverage,
    minimum_matching_distance,
    nearest_neighbour_accuracy,
    pairwise_chamfer,
)
from inr.shapes.mesh import Floats


@dataclass(frozen=True)
class SetDistances:
    """Hold the distances of S samples and R references.

    Args:
        among_samples: (S, S).
        across: (S, R).
        among_references: (R, R).
    """

    among_samples: Floats
    across: Floats
    among_references: Floats


def chamfer_distances(samples: Sequence[Floats], references: Sequence[Floats]) -> SetDistances:
    """Return the Chamfer distances (sum of both means of squared distances) of clouds (n, D)."""
    return SetDistances(
        pairwise_chamfer(samples, samples),
        pairwise_chamfer(samples, references),
        pairwise_chamfer(references, references),
    )


class SetMetric(ABC):
    """Measure one number of a set of shapes against another.

    A protocol has either such metrics or those of single shapes.
    """

    #: what the references score against themselves, sampled anew, is worth showing
    has_floor = True

    @abstractmethod
    def info(self, conditions: Conditions) -> MetricInfo:
        """Return what the number is."""

    @abstractmethod
    def measure(self, distances: SetDistances) -> float:
        """Return the number."""


def _of(conditions: Conditions) -> str:
    return (
        f"by the sum of both means of squared distances, {conditions.num_points} points a shape, "
        "uniform on the surface"
    )


class Coverage(SetMetric):
    """Measure how many references are some sample's nearest (Achlioptas et al. 2018)."""

    def info(self, conditions: Conditions) -> MetricInfo:
        """Return what the number is."""
        text = f"fraction of references that are the nearest of some sample, {_of(conditions)}"
        return MetricInfo("fraction", text)

    def measure(self, distances: SetDistances) -> float:
        """Return the number."""
        return coverage(distances.across)


class MinimumMatchingDistance(SetMetric):
    """Measure how far the references' nearest samples are (Achlioptas et al., ICML 2018).

    Args:
        scale: what it is multiplied with, as papers' tables do.
    """

    def __init__(self, *, scale: float) -> None:
        check_positive("scale", scale)
        self.scale = scale

    def info(self, conditions: Conditions) -> MetricInfo:
        """Return what the number is."""
        times = "" if self.scale == 1 else f", times {self.scale:g}"
        text = f"mean over references of the distance to the nearest sample{times}, "
        return MetricInfo(conditions.unit(2, self.scale), text + _of(conditions))

    def measure(self, distances: SetDistances) -> float:
        """Return the number."""
        return self.scale * minimum_matching_distance(distances.across)


class NearestNeighbourAccuracy(SetMetric):
    """Measure how well samples are told from references, 0.5 at best (PointFlow, ICCV 2019)."""

    has_floor = False  # the same shapes twice are no second set of the same distribution

    def info(self, conditions: Conditions) -> MetricInfo:
        """Return what the number is."""
        text = (
            "leave-one-out accuracy of the nearest neighbour telling samples from references "
            f"(ideal 0.5), {_of(conditions)}"
        )
        return MetricInfo("fraction", text)

    def measure(self, distances: SetDistances) -> float:
        """Return the number."""
        return nearest_neighbour_accuracy(
            distances.among_samples, distances.across, distances.among_references
        )
