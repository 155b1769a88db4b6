"""Metrics of two solids: intersection over union, on a grid or on random points."""

from collections.abc import Callable

import igl
import numpy as np
from numpy.typing import NDArray

from inr.metrics.base import Conditions, Metric, MetricInfo, NotMeasuredError
from inr.metrics.iou import iou, joint_bounds
from inr.metrics.pair import Pair
from inr.shapes.mesh import Floats, Mesh
from inr.shapes.sdf import is_inside
from inr.shapes.solids.winding import winding_number

Bools = NDArray[np.bool_]

_POINTS_AT_ONCE = 1 << 20


class _Overlap(Metric):
    """Be an intersection over union, which an empty reconstruction has none of."""

    def of_empty(self, pair: Pair, distance: float | None) -> float:
        """Return 0, if the ground truth has an inside."""
        return self.measure(pair)


class GridIoU(_Overlap):
    """Count cell centres of a grid over the joint bounding box.

    Args:
        resolution: cells along each axis.
    """

    def __init__(self, *, resolution: int) -> None:
        _check_resolution(resolution, 1)
        self.resolution = resolution

    def info(self, conditions: Conditions) -> MetricInfo:
        """Return what the number is."""
        text = (
            f"intersection over union on the cell centres of {self.resolution} cells along each "
            "axis of the joint bounding box, inside where the winding number is at least 0.5 "
            "(2-D: not zero)"
        )
        return MetricInfo("fraction", text)

    def measure(self, pair: Pair) -> float:
        """Return the number."""
        return iou(_solid(pair), ground_truth_solid(pair), resolution=self.resolution)


class CornerGridIoU(_Overlap):
    """Count the corners of a grid over both bounding boxes, as base-inr and PartSDF do.

    Grid planes then lie on the boxes' faces, and where a shape's own face is flat there, on which
    side of it a corner falls is left to rounding: the number depends on the grid more than that of
    `GridIoU`. The winding number is libigl's fast one, nowhere recomputed.

    Args:
        resolution: points along each axis, both ends included.
    """

    def __init__(self, *, resolution: int) -> None:
        _check_resolution(resolution, 2)
        self.resolution = resolution

    def info(self, conditions: Conditions) -> MetricInfo:
        """Return what the number is."""
        text = (
            f"intersection over union on {self.resolution} points along each axis of the joint "
            "bounding box, ends included, inside where the fast winding number is at least 0.5 "
            "(2-D: not zero)"
        )
        return MetricInfo("fraction", text)

    def measure(self, pair: Pair) -> float:
        """Return the number."""
        reconstruction, ground_truth = _solid(pair), ground_truth_solid(pair)
        lower, upper = joint_bounds(reconstruction, ground_truth)
        ends = zip(lower, upper, strict=True)
        axes = [np.linspace(low, high, self.resolution) for low, high in ends]
        shape = (self.resolution,) * pair.dim
        count = _Count()
        is_in_reconstruction, is_in_ground_truth = (
            _asks_fast(reconstruction),
            _asks_fast(ground_truth),
        )
        for start in range(0, self.resolution**pair.dim, _POINTS_AT_ONCE):
            flat = np.arange(start, min(start + _POINTS_AT_ONCE, self.resolution**pair.dim))
            index = np.unravel_index(flat, shape)
            points = np.stack([axis[i] for axis, i in zip(axes, index, strict=True)], axis=1)
            count.add(is_in_reconstruction(points), is_in_ground_truth(points))
        return count.ratio()


class PointIoU(_Overlap):
    """Count points drawn uniformly in the box (Mescheder et al., Occupancy Networks, CVPR 2019).

    Args:
        num_points: to draw.
    """

    def __init__(self, *, num_points: int) -> None:
        _check_resolution(num_points, 1)
        self.num_points = num_points

    def info(self, conditions: Conditions) -> MetricInfo:
        """Return what the number is."""
        text = (
            f"intersection over union on {self.num_points} points uniform in the box [-1, 1]^D, "
            "inside where the winding number is at least 0.5 (2-D: not zero)"
        )
        return MetricInfo("fraction", text)

    def measure(self, pair: Pair) -> float:
        """Return the number."""
        mesh = _solid(pair)
        return _on_points(pair, self.num_points, lambda points: _inside(mesh, points))


class FieldIoU(_Overlap):
    """Count points drawn uniformly in the box by the network's own sign, without its mesh.

    As Zhang et al. (3DShape2VecSet, SIGGRAPH 2023) do.

    Args:
        num_points: to draw.
    """

    needs_field = True

    def __init__(self, *, num_points: int) -> None:
        _check_resolution(num_points, 1)
        self.num_points = num_points

    def info(self, conditions: Conditions) -> MetricInfo:
        """Return what the number is."""
        text = (
            f"intersection over union on {self.num_points} points uniform in the box [-1, 1]^D, "
            "inside where the field is negative, and the ground truth's winding number at least "
            "0.5 (2-D: not zero)"
        )
        return MetricInfo("fraction", text)

    def measure(self, pair: Pair) -> float:
        """Return the number."""
        evaluator = pair.evaluator
        if evaluator is None:
            raise NotMeasuredError("it asks the network's field, and here are only meshes")
        return _on_points(
            pair, self.num_points, lambda points: evaluator.values(pair.box.apply(points)) < 0
        )


class _Count:
    """Count what is in both of two sets, and in either."""

    def __init__(self) -> None:
        self.both = self.either = self.true = 0

    def add(self, inside: Bools, inside_ground_truth: Bools) -> None:
        self.both += int((inside & inside_ground_truth).sum())
        self.either += int((inside | inside_ground_truth).sum())
        self.true += int(inside_ground_truth.sum())

    def ratio(self) -> float:
        if self.true == 0:
            raise NotMeasuredError("ground truth has no inside: none of the points is within it")
        return self.both / self.either


def _on_points(pair: Pair, num_points: int, inside: Callable[[Floats], Bools]) -> float:
    ground_truth = ground_truth_solid(pair)
    points = pair.uniform(num_points)
    count = _Count()
    for start in range(0, num_points, _POINTS_AT_ONCE):
        part = points[start : start + _POINTS_AT_ONCE]
        count.add(inside(part), _inside(ground_truth, part))
    return count.ratio()


def _inside(mesh: Mesh, points: Floats) -> Bools:
    return np.zeros(len(points), dtype=bool) if mesh.is_empty else is_inside(mesh, points)


def _asks_fast(mesh: Mesh) -> Callable[[Floats], Bools]:
    """Return a function that says which points the fast winding number has inside."""
    if mesh.is_empty:
        return lambda points: np.zeros(len(points), dtype=bool)
    if mesh.dim == 2:
        return lambda points: winding_number(mesh, points) != 0
    tree = igl.FastWindingNumberBVH()  # once for all points
    vertices = np.ascontiguousarray(mesh.vertices, dtype=np.float64)
    tree.init(vertices, np.ascontiguousarray(mesh.faces, dtype=np.int64), 2)
    return lambda points: tree.winding_number(points, 2.0) >= 0.5


def _solid(pair: Pair) -> Mesh:
    mesh = pair.reconstruction.mesh
    assert mesh is not None  # clouds are never reconstructions
    return mesh


def ground_truth_solid(pair: Pair) -> Mesh:
    """Return the ground truth's mesh.

    Raises:
        NotMeasuredError: if it is a point cloud, or a 2-D outline that is open.
    """
    mesh = pair.ground_truth.mesh
    if mesh is None:
        raise NotMeasuredError("the ground truth is a point cloud, which has no inside")
    # crossings of a ray would call all inside that lies on one side of it
    if mesh.dim == 2 and not mesh.is_closed():
        raise NotMeasuredError("ground truth has no inside: its outline is open")
    return mesh


def _check_resolution(value: int, least: int) -> None:
    if value < least:
        raise ValueError(f"it is counted on {value} points; there have to be at least {least}")
