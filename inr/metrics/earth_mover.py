"""The earth mover's distance: points of one surface assigned to those of another."""

from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from inr.metrics.base import Conditions, MetricInfo
from inr.metrics.pair import Pair
from inr.metrics.surfaces import Distance

# beyond so many points the assignment takes minutes and gigabytes
MOST_ASSIGNED = 5000


class EarthMover(Distance):
    """Measure the least mean distance over one-to-one assignments of points.

    The earth mover's distance of Rubner et al. (2000) and Fan et al. (CVPR 2017), per point.

    Args:
        num_points: of each side, as the assignment takes their number cubed.
    """

    def __init__(self, *, num_points: int) -> None:
        if not 1 <= num_points <= MOST_ASSIGNED:
            raise ValueError(f"num_points is {num_points}; it has to be 1 to {MOST_ASSIGNED}")
        self.num_points = num_points

    def info(self, conditions: Conditions) -> MetricInfo:
        """Return what the number is."""
        text = (
            f"least mean distance over one-to-one assignments of {self.num_points} points a side, "
            "uniform on the surface"
        )
        return MetricInfo(conditions.unit(), text)

    def measure(self, pair: Pair) -> float:
        """Return the number."""
        # a small cloud has fewer, and each point takes one
        number = pair.ground_truth.at_most(self.num_points)
        reconstruction, ground_truth = pair.draw(number)
        cost = cdist(reconstruction.points, ground_truth.points)
        return float(cost[linear_sum_assignment(cost)].mean())
