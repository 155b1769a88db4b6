"""Metrics of the network's field, compared with the true signed distances."""

import math

import numpy as np

from inr.metrics.base import Conditions, Metric, MetricInfo, NotMeasuredError, check_positive
from inr.metrics.pair import FieldEvaluator, Pair
from inr.metrics.requirements import require_field, require_solid

ERRORS = {
    "mae": "mean absolute error",
    "rmse": "root of the mean squared error",
    "smape": "mean of |f - d| / ((|f| + |d|) / 2)",
}
STATISTICS = ("mean", "std")


class _FieldMetric(Metric):
    """Base class of metrics of the field, near the surface or anywhere in the box.

    Args:
        near_std: standard deviation of the Gaussian noise that moves points off the surface, box
            units; null for points uniform in the box [-1, 1]^D.
    """

    needs_field = True
    higher_is_better = False

    def __init__(self, *, near_std: float | None) -> None:
        if near_std is not None:
            check_positive("near_std", near_std)
        self.std = math.inf if near_std is None else near_std

    def _where(self, conditions: Conditions) -> str:
        if math.isinf(self.std):
            return f"at {conditions.num_points} points uniform in the box [-1, 1]^D"
        return (
            f"at {conditions.num_points} points off the surface by Gaussian noise of standard "
            f"deviation {self.std:g} box units"
        )

    def _evaluator(self, pair: Pair) -> FieldEvaluator:
        evaluator = require_field(pair)
        if not evaluator.is_distance:
            raise NotMeasuredError("the field is an occupancy, not a distance")
        require_solid(pair)  # distances are signed
        return evaluator


class FieldError(_FieldMetric):
    """Mean error of the field f with respect to the true signed distance d.

    Args:
        error: which mean: mae, rmse or smape; see ERRORS.
        near_std: standard deviation of the noise on surface points, box units; null for points
            uniform in the box.
    """

    def __init__(self, *, error: str, near_std: float | None) -> None:
        super().__init__(near_std=near_std)
        if error not in ERRORS:
            raise ValueError(f"error is '{error}'; it has to be one of {', '.join(ERRORS)}")
        self.error = error

    def info(self, conditions: Conditions) -> MetricInfo:
        """Return unit and definition."""
        unit = "fraction" if self.error == "smape" else conditions.unit()
        text = f"{ERRORS[self.error]} of the field, {self._where(conditions)}"
        return MetricInfo(unit, text)

    def measure(self, pair: Pair) -> float:
        """Return the value."""
        evaluator = self._evaluator(pair)
        points, distance = pair.distance_samples(self.std)
        value = evaluator.values(pair.box.apply(points)) / pair.box.scale
        difference = np.abs(value - distance)
        if self.error == "mae":
            return float(difference.mean())
        if self.error == "rmse":
            return float(np.sqrt(np.square(difference).mean()))
        size = (np.abs(value) + np.abs(distance)) / 2
        fraction = np.divide(difference, size, out=np.zeros_like(size), where=size > 0)
        return float(fraction.mean())


class GradientNorm(_FieldMetric):
    """Norm of the gradient of the field, which is 1 for an exact distance.

    Args:
        statistic: statistic over the points, mean or std.
        near_std: standard deviation of the noise on surface points, box units; null for points
            uniform in the box.
    """

    def __init__(self, *, statistic: str, near_std: float | None) -> None:
        super().__init__(near_std=near_std)
        if statistic not in STATISTICS:
            raise ValueError(f"statistic is '{statistic}'; it has to be mean or std")
        self.statistic = statistic

    def info(self, conditions: Conditions) -> MetricInfo:
        """Return unit and definition."""
        what = "mean" if self.statistic == "mean" else "standard deviation"
        return MetricInfo("norm", f"{what} of the gradient's norm, {self._where(conditions)}")

    def measure(self, pair: Pair) -> float:
        """Return the value."""
        evaluator = self._evaluator(pair)
        points, _ = pair.distance_samples(self.std)
        # the same in every frame: a similarity scales values and lengths alike
        norms = evaluator.gradient_norms(pair.box.apply(points))
        return float(norms.mean() if self.statistic == "mean" else norms.std())
