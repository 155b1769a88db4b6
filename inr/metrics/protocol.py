"""An evaluation protocol: metrics, and the conditions of measurement."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from inr.metrics.base import FLOOR, Conditions, Metric, MetricInfo, NotMeasuredError
from inr.metrics.pair import Pair


@dataclass(frozen=True)
class Protocol:
    """Metrics, and the conditions under which they measure pairs.

    Args:
        name: name of the protocol and of the folder of its results.
        conditions: frame, number of points, and how an empty reconstruction counts.
        metrics: metrics by name, in order of display.
    """

    name: str
    conditions: Conditions
    metrics: Mapping[str, Metric]

    @property
    def needs_field(self) -> bool:
        """Return whether any metric evaluates the network's field."""
        return any(metric.needs_field for metric in self.metrics.values())

    @property
    def ranking_metric(self) -> str:
        """Return the metric by which shapes are ranked: the first that is not one-sided."""
        two_sided = (name for name, metric in self.metrics.items() if not metric.is_one_sided)
        return next(two_sided, next(iter(self.metrics)))

    def infos(self) -> dict[str, MetricInfo]:
        """Return unit and definition of each value of `evaluate`, in order of display."""
        infos = {name: metric.info(self.conditions) for name, metric in self.metrics.items()}
        floors = {
            name + FLOOR: MetricInfo(
                infos[name].unit, f"{name} of the ground truth against itself, drawn again"
            )
            for name, metric in self.metrics.items()
            if metric.has_floor
        }
        return {**infos, **floors}

    def evaluate(self, pair: Pair) -> tuple[dict[str, float], dict[str, str]]:
        """Measure a reconstruction against the ground truth.

        Returns:
            the values named in `infos`: each metric and, if it has one, its sampling floor (the
            ground truth against itself, drawn again) as `<metric>_floor`; NaN if there is no
            value. And the reasons of metrics that were not measured, by metric.

        Raises:
            ValueError: if the ground truth has no surface, or the dimensions differ.
        """
        if pair.reconstruction.dim != pair.ground_truth.dim:
            raise ValueError(
                f"a reconstruction in {pair.reconstruction.dim}-D cannot be compared with a ground "
                f"truth in {pair.ground_truth.dim}-D"
            )
        if pair.ground_truth.is_empty:
            raise ValueError("the ground truth has no surface to compare a reconstruction with")
        floor = pair.floor()
        values, floors, reasons = {}, {}, {}
        for name, metric in self.metrics.items():
            try:
                values[name] = self._measure(metric, pair)
                if metric.has_floor:
                    floors[name + FLOOR] = metric.measure(floor)
            except NotMeasuredError as error:
                values[name] = values.get(name, math.nan)
                reasons[name] = str(error)
                if metric.has_floor:
                    floors[name + FLOOR] = math.nan
        return {**values, **floors}, reasons

    def _measure(self, metric: Metric, pair: Pair) -> float:
        if not pair.reconstruction.is_empty:
            return metric.measure(pair)
        # the diagonal of the unit cube
        far = math.sqrt(pair.dim) if self.conditions.empty == "diagonal" else None
        return metric.of_empty(pair, far)
