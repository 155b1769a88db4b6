"""Metrics of a set of generated shapes against a set of references, and their interface."""

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
    """Pairwise distances within and between G generated shapes and R references.

    Args:
        generated_to_generated: (G, G), distances between generated shapes.
        generated_to_references: (G, R), distances of generated shapes to references.
        references_to_references: (R, R), distances between references.
    """

    generated_to_generated: Floats
    generated_to_references: Floats
    references_to_references: Floats


def chamfer_distances(generated: Sequence[Floats], references: Sequence[Floats]) -> SetDistances:
    """Return the Chamfer distances of clouds (n, D): sums of mean squared distances both ways."""
    return SetDistances(
        pairwise_chamfer(generated, generated),
        pairwise_chamfer(generated, references),
        pairwise_chamfer(references, references),
    )


class SetMetric(ABC):
    """Base class of metrics of sets: one value that compares generated shapes with references.

    As for `Metric`, a new one is a subclass and an entry `eval.metrics.<name>` in the YAML of a
    protocol. A protocol has either metrics of sets or metrics of single shapes.

    Attributes:
        has_floor: whether its sampling floor is reported: the references against themselves, drawn
            again.
    """

    has_floor: bool = True

    @abstractmethod
    def info(self, conditions: Conditions) -> MetricInfo:
        """Return unit and definition under the conditions of a protocol."""

    @abstractmethod
    def measure(self, distances: SetDistances) -> float:
        """Return the value."""


def _distance_text(conditions: Conditions) -> str:
    return (
        f"by the sum of both mean squared distances, {conditions.num_points} points per shape, "
        "uniform on the surface"
    )


class Coverage(SetMetric):
    """Coverage (COV: Achlioptas et al., ICML 2018).

    It is the fraction of references that are the nearest neighbour of at least one generated shape.
    """

    def info(self, conditions: Conditions) -> MetricInfo:
        """Return unit and definition."""
        text = "fraction of references that are the nearest neighbour of a generated shape, "
        return MetricInfo("fraction", text + _distance_text(conditions))

    def measure(self, distances: SetDistances) -> float:
        """Return the value."""
        return coverage(distances.generated_to_references)


class MinimumMatchingDistance(SetMetric):
    """Minimum matching distance (MMD-CD: Achlioptas et al., ICML 2018).

    It is the mean Chamfer distance from references to their nearest generated shapes.

    Args:
        scale: factor on the value, as in the tables of papers.
    """

    def __init__(self, *, scale: float) -> None:
        check_positive("scale", scale)
        self.scale = scale

    def info(self, conditions: Conditions) -> MetricInfo:
        """Return unit and definition."""
        times = "" if self.scale == 1 else f", times {self.scale:g}"
        text = f"mean over references of the distance to the nearest generated shape{times}, "
        return MetricInfo(conditions.unit(2, self.scale), text + _distance_text(conditions))

    def measure(self, distances: SetDistances) -> float:
        """Return the value."""
        return self.scale * minimum_matching_distance(distances.generated_to_references)


class NearestNeighbourAccuracy(SetMetric):
    """1-NN accuracy (1-NNA: Yang et al., PointFlow, ICCV 2019), ideally 0.5.

    It is that of a classifier that tells generated shapes from references by the nearest shape.
    """

    has_floor = False  # the references drawn again are the same shapes, not other ones

    def info(self, conditions: Conditions) -> MetricInfo:
        """Return unit and definition."""
        text = (
            "leave-one-out accuracy of the nearest neighbour telling generated shapes from "
            f"references (ideal 0.5), {_distance_text(conditions)}"
        )
        return MetricInfo("fraction", text)

    def measure(self, distances: SetDistances) -> float:
        """Return the value."""
        return nearest_neighbour_accuracy(
            distances.generated_to_generated,
            distances.generated_to_references,
            distances.references_to_references,
        )
