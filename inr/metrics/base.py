"""Interface of a metric, and the conditions under which a protocol measures."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from inr.metrics.pair import Pair

FLOOR = "_floor"
_UNITS = {
    "box": "box units",
    "native": "native units",
    "unit_cube": "unit-cube units",
    "unit_box": "unit-box units",
}


class NotMeasuredError(ValueError):
    """Reason why a metric has no value for a shape, whose other metrics may have one."""


@dataclass(frozen=True)
class MetricInfo:
    """Unit and definition of a metric, for summary.json.

    Args:
        unit: unit of the value.
        definition: definition of the value, one sentence.
    """

    unit: str
    definition: str


@dataclass(frozen=True)
class Conditions:
    """Conditions of measurement, which a protocol sets for all its metrics.

    Args:
        frame: frame of measurement, the box [-1, 1]^D, the native frame, or one in
            which the longest edge of the ground truth's bounding box is 1 (unit_cube) or 2
            (unit_box).
        num_points: number of points drawn on each surface.
        empty: mean distances leave an empty reconstruction out (left_out), or count
            it as sqrt(D) away, the diagonal of the unit cube (diagonal).
        of_clouds: whether the ground truth is a point cloud.
    """

    frame: str
    num_points: int
    empty: str
    of_clouds: bool = False

    def unit(self, power: int = 1, scale: float = 1.0) -> str:
        """Return the unit of lengths to a power, for values multiplied by `scale`."""
        factor = "" if scale == 1 else f"{1 / scale:g} "
        return factor + _UNITS[self.frame] + ("" if power == 1 else f"^{power}")

    @property
    def points(self) -> str:
        """Return a description of the surface points, for definitions."""
        if self.of_clouds:
            return (
                f"{self.num_points} points uniform on the reconstruction, and at most as many "
                "of the cloud (floor: one half of them against the other)"
            )
        return f"{self.num_points} points per surface, uniform on it"


class Metric(ABC):
    """Base class of metrics: one value that compares a reconstruction with the ground truth.

    A new metric is a subclass with `info` and `measure`, and an entry `eval.metrics.<name>` in the
    YAML of a protocol whose `_target_` names it; the other keys of that entry are the arguments of
    its constructor. A `Pair` provides surface samples, their nearest neighbours, the meshes and,
    when a run is evaluated, the field of the network; shared results are computed once.

    A subclass sets the attributes that differ from their defaults.

    Attributes:
        needs_field: whether it evaluates the field of the network, not only the mesh.
        has_floor: whether it depends on random points, so that its sampling floor is reported: the
            ground truth measured against itself with another seed.
        higher_is_better: whether a higher value is better; decides which shapes are the worst.
        is_one_sided: whether it measures distances in one direction only, and so misses either
            absent or surplus parts of the reconstruction.
    """

    needs_field: bool = False
    has_floor: bool = False
    higher_is_better: bool = True
    is_one_sided: bool = False

    @abstractmethod
    def info(self, conditions: Conditions) -> MetricInfo:
        """Return unit and definition under the conditions of a protocol."""

    @abstractmethod
    def measure(self, pair: Pair) -> float:
        """Return the value for a pair.

        Args:
            pair: reconstruction and ground truth in the frame of measurement; the reconstruction
                has a surface, unless `of_empty` calls this method.

        Raises:
            NotMeasuredError: if this pair cannot be measured, with the reason.
        """

    def of_empty(self, pair: Pair, distance: float | None) -> float:
        """Return the value for an empty reconstruction; NaN leaves it out of the mean.

        By default `measure` is called. A metric that needs points of both surfaces has to override
        this method or derive from `Distance` (inr.metrics.surfaces), which overrides it.

        Args:
            pair: pair whose reconstruction is empty.
            distance: distance at which it counts; None leaves it out of mean distances.

        Raises:
            NotMeasuredError: if this pair cannot be measured, with the reason.
        """
        return self.measure(pair)


def check_positive(where: str, value: float) -> None:
    """Raise ValueError unless a setting is above 0."""
    if not value > 0:
        raise ValueError(f"{where} is {value}; it has to be above 0")
