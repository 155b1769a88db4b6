"""A protocol: which metrics a pair gets, in which frame, on how many points."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from inr.metrics.base import FLOOR, Conditions, Metric, MetricInfo, NotMeasuredError
from inr.metrics.pair import Pair


@dataclass(frozen=True)
class Protocol:
    """Measure pairs.

    Args:
        name: of the protocol.
        conditions: the frame, the points, and what an empty reconstruction counts as.
        metrics: by name, in order of display.
    """

    name: str
    conditions: Conditions
    metrics: Mapping[str, Metric]

    @property
    def needs_field(self) -> bool:
        """Return whether a metric asks the network itself."""
        return any(metric.needs_field for metric in self.metrics.values())

    @property
    def deciding(self) -> str:
        """Return the metric that says which shapes are worst: the first that sees both sides."""
        both = (name for name, metric in self.metrics.items() if not metric.is_one_sided)
        return next(both, next(iter(self.metrics)))

    def infos(self) -> dict[str, MetricInfo]:
        """Return what each number of `evaluate` is, in order of display."""
        infos = {name: metric.info(self.conditions) for name, metric in self.metrics.items()}
        floors = {
            name + FLOOR: MetricInfo(
                infos[name].unit, f"{name} of the ground truth against itself, sampled anew"
            )
            for name, metric in self.metrics.items()
            if metric.has_floor
        }
        return {**infos, **floors}

    def evaluate(self, pair: Pair) -> tuple[dict[str, float], dict[str, str]]:
        """Measure a reconstruction against the ground truth.

        Returns:
            the numbers of `infos`: each metric, and for those that depend on drawn points their
            sampling floor (the ground truth against itself, drawn anew) as `<metric>_floor`; NaN
            where there is none; and by metric the reason why there is none, where one needs saying.

        Raises:
            ValueError: if the ground truth has no surface, or the dimensions differ.
        """
        if pair.reconstruction.dim != pair.ground_truth.dim:
            raise ValueError(
                f"a reconstruction in {pair.reconstruction.dim}-D cannot be held against a ground "
                f"truth in {pair.ground_truth.dim}-D"
            )
        if pair.ground_truth.is_empty:
            raise ValueError(
                "the ground truth has no surface, so that nothing can be held against it"
            )
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
        # what is nowhere counts as far away as two points of the unit cube can be
        far = math.sqrt(pair.dim) if self.conditions.empty == "diagonal" else None
        return metric.of_empty(pair, far)
