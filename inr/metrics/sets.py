"""Interface of a metric of sets of shapes, generated ones against references, and the metrics."""

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
    """Distances among and between S samples and R references.

    Args:
        among_samples: (S, S).
        across: (S, R).
        among_references: (R, R).
    """

    among_samples: Floats
    across: Floats
    among_references: Floats


def chamfer_distances(samples: Sequence[Floats], references: Sequence[Floats]) -> SetDistances:
    """Return the Chamfer distances of clouds (n, D): sums of both means of squared distances."""
    return SetDistances(
        pairwise_chamfer(samples, samples),
        pairwise_chamfer(samples, references),
        pairwise_chamfer(references, references),
    )


class SetMetric(ABC):
    """Base class of a metric of sets: one number that compares samples with references.

    A new one is a subclass, and an entry `eval.metrics.<name>` in the YAML of a protocol, as of
    `Metric`. A protocol has metrics of sets or metrics of single shapes, not both.

    Attributes:
        has_floor: whether the references against themselves, sampled anew, are reported beside it.
    """

    has_floor: bool = True

    @abstractmethod
    def info(self, conditions: Conditions) -> MetricInfo:
        """Return unit and definition of the number, under the conditions of a protocol."""

    @abstractmethod
    def measure(self, distances: SetDistances) -> float:
        """Return the value."""


def _of(conditions: Conditions) -> str:
    return (
        f"by the sum of both means of squared distances, {conditions.num_points} points a shape, "
        "uniform on the surface"
    )


class Coverage(SetMetric):
    """Fraction of references that are some sample's nearest (Achlioptas et al., ICML 2018)."""

    def info(self, conditions: Conditions) -> MetricInfo:
        """Return unit and definition."""
        text = f"fraction of references that are the nearest of some sample, {_of(conditions)}"
        return MetricInfo("fraction", text)

    def measure(self, distances: SetDistances) -> float:
        """Return the value."""
        return coverage(distances.across)


class MinimumMatchingDistance(SetMetric):
    """Mean distance from references to their nearest samples (Achlioptas et al., ICML 2018).

    Args:
        scale: the number is multiplied by it, as in papers' tables.
    """

    def __init__(self, *, scale: float) -> None:
        check_positive("scale", scale)
        self.scale = scale

    def info(self, conditions: Conditions) -> MetricInfo:
        """Return unit and definition."""
        times = "" if self.scale == 1 else f", times {self.scale:g}"
        text = f"mean over references of the distance to the nearest sample{times}, "
        return MetricInfo(conditions.unit(2, self.scale), text + _of(conditions))

    def measure(self, distances: SetDistances) -> float:
        """Return the value."""
        return self.scale * minimum_matching_distance(distances.across)


class NearestNeighbourAccuracy(SetMetric):
    """Accuracy of telling samples from references; ideal is 0.5 (Yang et al., ICCV 2019)."""

    has_floor = False  # references sampled anew are the same shapes, not other ones

    def info(self, conditions: Conditions) -> MetricInfo:
        """Return unit and definition."""
        text = (
            "leave-one-out accuracy of the nearest neighbour telling samples from references "
            f"(ideal 0.5), {_of(conditions)}"
        )
        return MetricInfo("fraction", text)

    def measure(self, distances: SetDistances) -> float:
        """Return the value."""
        return nearest_neighbour_accuracy(
            distances.among_samples, distances.across, distances.among_references
        )
