"""What a metric is: one number of a reconstruction against the ground truth, and its meaning."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from inr.metrics.pair import Pair

FLOOR = "_floor"
FRAMES = ("box", "native", "unit_cube", "unit_box")
# what an empty reconstruction counts as in mean distances
EMPTY = ("left_out", "diagonal")
_UNITS = {
    "box": "box units",
    "native": "native units",
    "unit_cube": "unit-cube units",
    "unit_box": "unit-box units",
}


class NotMeasuredError(ValueError):
    """Say why a metric has no value for a shape; its other metrics may have."""


@dataclass(frozen=True)
class MetricInfo:
    """Say what a metric's number is.

    Args:
        unit: of the number.
        definition: one sentence.
    """

    unit: str
    definition: str


@dataclass(frozen=True)
class Conditions:
    """Say how a protocol measures, for the metrics' own words.

    Args:
        frame: one of FRAMES: the box [-1, 1]^D, the user's own, or that in which the longest edge
            of the ground truth's bounding box is 1 (unit_cube) or 2 (unit_box).
        num_points: drawn on each surface.
        empty: one of EMPTY: whether an empty reconstruction is left out of distances, or counts as
            far away as the unit cube's diagonal is long.
        of_clouds: whether the ground truth is a point cloud.
    """

    frame: str
    num_points: int
    empty: str
    of_clouds: bool = False

    def unit(self, power: int = 1, scale: float = 1.0) -> str:
        """Return the unit of a length to a power, of which the number is `scale` times as much."""
        factor = "" if scale == 1 else f"{1 / scale:g} "
        return factor + _UNITS[self.frame] + ("" if power == 1 else f"^{power}")

    @property
    def points(self) -> str:
        """Return which points a point-based metric is of."""
        if self.of_clouds:
            return (
                f"{self.num_points} points uniform on the reconstruction, and at most as many of "
                "the cloud's (floor: one half of them against the other)"
            )
        return f"{self.num_points} points a side, uniform on the surface"


class Metric(ABC):
    """Measure one number of a reconstruction against the ground truth.

    A protocol is a set of them, chosen in YAML; a new one needs a class and an entry there.
    """

    #: whether it needs the network's field, and not only its mesh
    needs_field = False
    #: whether the ground truth against itself, sampled anew, is worth showing beside it
    has_floor = False
    #: whether more of it is better; decides which shapes are shown as the worst
    higher_is_better = True
    #: whether it looks from one side only, and so overlooks what the other lacks
    is_one_sided = False

    @abstractmethod
    def info(self, conditions: Conditions) -> MetricInfo:
        """Return what the number is."""

    @abstractmethod
    def measure(self, pair: Pair) -> float:
        """Return the number.

        Raises:
            NotMeasuredError: if this pair has none, saying why.
        """

    def of_empty(self, pair: Pair, distance: float | None) -> float:
        """Return what an empty reconstruction scores; NaN leaves it out of the mean.

        Args:
            pair: whose reconstruction is empty.
            distance: what it counts as in distances, None to leave it out.
        """
        return self.measure(pair)


def check_positive(where: str, value: float) -> None:
    """Raise ValueError unless a setting is above 0."""
    if not value > 0:
        raise ValueError(f"{where} is {value}; it has to be above 0")
