"""Distances from a scan (the points that a shape was reconstructed from) to the reconstruction."""

import math

from inr.metrics.base import Conditions, MetricInfo, NotMeasuredError
from inr.metrics.pair import Pair
from inr.metrics.surfaces import Distance


class ScanDistance(Distance):
    """Distance from the points of a scan to the reconstruction.

    The one-sided distance of the Surface Reconstruction Benchmark (Berger et al., TOG 2013), as
    reported since Gropp et al. (IGR, ICML 2020, table 1).

    Args:
        largest: whether to take the maximum over the points, or their mean.
    """

    has_floor = False
    is_one_sided = True

    def __init__(self, *, largest: bool) -> None:
        self.largest = largest

    def info(self, conditions: Conditions) -> MetricInfo:
        """Return unit and definition."""
        text = (
            f"{'largest' if self.largest else 'mean'} distance from the points of the scan, if "
            f"there is one, to {conditions.num_points} points uniform on the reconstruction"
        )
        return MetricInfo(conditions.unit(), text)

    def measure(self, pair: Pair) -> float:
        """Return the number.

        Raises:
            NotMeasuredError: without a scan.
        """
        found = pair.scan_distances
        if found is None:
            raise NotMeasuredError(
                "there is no scan: point cloud data sets have one, and scans=<folder> goes with "
                "meshes=<folder>"
            )
        return float(found.max() if self.largest else found.mean())

    def of_empty(self, pair: Pair, distance: float | None) -> float:
        """Return the value of `Distance.of_empty`, NaN without a scan."""
        return math.nan if pair.scan is None else super().of_empty(pair, distance)
