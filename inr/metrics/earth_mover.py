"""Earth mover's distance of two surfaces, by optimal assignment of points."""

from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from inr.metrics.base import Conditions, MetricInfo
from inr.metrics.pair import Pair
from inr.metrics.surfaces import Distance

# with more points the assignment takes minutes and gigabytes
MAX_POINTS = 5000


class EarthMover(Distance):
    """Earth mover's distance: the least mean distance over one-to-one assignments of points.

    That of Rubner et al. (IJCV 2000) and Fan et al. (CVPR 2017), divided by the number of points.

    Args:
        num_points: number of points on each surface; the assignment takes cubic time.
    """

    def __init__(self, *, num_points: int) -> None:
        if not 1 <= num_points <= MAX_POINTS:
            raise ValueError(f"num_points is {num_points}; it has to be 1 to {MAX_POINTS}")
        self.num_points = num_points

    def info(self, conditions: Conditions) -> MetricInfo:
        """Return unit and definition."""
        text = (
            f"least mean distance over one-to-one assignments of {self.num_points} points per "
            "surface, uniform on it"
        )
        return MetricInfo(conditions.unit(), text)

    def measure(self, pair: Pair) -> float:
        """Return the value."""
        # the same number on both surfaces, even if the ground truth is a small cloud
        number = pair.ground_truth.available(self.num_points)
        reconstruction, ground_truth = pair.draw(number)
        cost = cdist(reconstruction.points, ground_truth.points)
        return float(cost[linear_sum_assignment(cost)].mean())
