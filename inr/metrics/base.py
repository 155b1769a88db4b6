"""Interface of a metric, and the conditions under which a protocol measures."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from inr.metrics.pair import Pair

FLOOR = "_floor"
FRAMES = ("box", "native", "unit_cube", "unit_box")
# what an empty reconstruction counts as in mean distances; see Conditions
EMPTY = ("left_out", "diagonal")
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
    """Unit and definition of a metric's number, as summary.json has them.

    Args:
        unit: of the number.
        definition: what is computed, in one sentence.
    """

    unit: str
    definition: str


@dataclass(frozen=True)
class Conditions:
    """Conditions of measurement, which a protocol sets for all its metrics.

    Args:
        frame: one of FRAMES: the box [-1, 1]^D, the native one, or that in which the longest edge
            of the ground truth's bounding box is 1 (unit_cube) or 2 (unit_box).
        num_points: drawn on each surface.
        empty: one of EMPTY: whether mean distances leave an empty reconstruction out, or count it
            as sqrt(D) away, the diagonal of the unit cube.
        of_clouds: whether the ground truth is a point cloud.
    """

    frame: str
    num_points: int
    empty: str
    of_clouds: bool = False

    def unit(self, power: int = 1, scale: float = 1.0) -> str:
        """Return the unit of a length to a power, for numbers that were multiplied by `scale`."""
        factor = "" if scale == 1 else f"{1 / scale:g} "
        return factor + _UNITS[self.frame] + ("" if power == 1 else f"^{power}")

    @property
    def points(self) -> str:
        """Return the words that a definition says its surface points with."""
        if self.of_clouds:
            return (
                f"{self.num_points} points uniform on the reconstruction, and at most as many of "
                "the cloud's (floor: one half of them against the other)"
            )
        return f"{self.num_points} points a side, uniform on the surface"


class Metric(ABC):
    """Base class of a metric: one number that compares a reconstruction with the ground truth.

    A new metric is a subclass with `info` and `measure`, and an entry `eval.metrics.<name>` in the
    YAML of a protocol whose `_target_` names it; the other keys of that entry are its constructor's
    arguments. A `Pair` gives it surface samples, their nearest neighbours, the meshes and, in the
    evaluation of a run, the network's field; what several metrics ask for is computed once.

    A subclass sets those of the attributes that differ.

    Attributes:
        needs_field: whether it evaluates the network's field, and not only the mesh.
        has_floor: whether it depends on drawn points, so that the ground truth against itself,
            sampled anew, is reported beside it.
        higher_is_better: whether a larger number is better; decides which shapes are the worst.
        is_one_sided: whether it measures in one direction only, and so overlooks either what the
            reconstruction lacks or what it has too much.
    """

    needs_field: bool = False
    has_floor: bool = False
    higher_is_better: bool = True
    is_one_sided: bool = False

    @abstractmethod
    def info(self, conditions: Conditions) -> MetricInfo:
        """Return unit and definition of the number, under the conditions of a protocol."""

    @abstractmethod
    def measure(self, pair: Pair) -> float:
        """Return the number.

        Args:
            pair: in the frame of measurement; its reconstruction has a surface, unless `of_empty`
                passes it on.

        Raises:
            NotMeasuredError: if this pair has none, with the reason.
        """

    def of_empty(self, pair: Pair, distance: float | None) -> float:
        """Return the number of an empty reconstruction; NaN leaves it out of the mean.

        By default that is what `measure` makes of it. A metric that needs points of both surfaces
        has to say something else, or is a `Distance` (inr.metrics.surfaces), which does.

        Args:
            pair: whose reconstruction is empty.
            distance: how far away it counts in distances; None leaves it out of them.

        Raises:
            NotMeasuredError: if this pair has none, with the reason.
        """
        return self.measure(pair)


def check_positive(where: str, value: float) -> None:
    """Raise ValueError unless a setting is above 0."""
    if not value > 0:
        raise ValueError(f"{where} is {value}; it has to be above 0")
