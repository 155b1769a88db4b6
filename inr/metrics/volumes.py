"""Intersection over union of two solids, on a grid or on random points."""

import math
from collections.abc import Callable, Iterator

import igl
import numpy as np
from numpy.typing import NDArray

from inr.metrics.base import Conditions, Metric, MetricInfo, NotMeasuredError
from inr.metrics.pair import Pair
from inr.metrics.requirements import require_field, require_reconstruction, require_solid
from inr.shapes.mesh import Floats, Mesh
from inr.shapes.sdf import is_inside
from inr.shapes.solids.occupancy import occupancy_on_grid
from inr.shapes.solids.winding import winding_number

Bools = NDArray[np.bool_]

# names of the points that GridIoU evaluates, by its setting `at`
GRID_POINTS = {"centres": "cell centres", "corners": "grid corners"}

_CHUNK_SIZE = 1 << 20


class _IoU(Metric):
    """Base class of intersection over union; an empty reconstruction scores 0."""

    def of_empty(self, pair: Pair, distance: float | None) -> float:
        """Return 0, if the ground truth has an inside."""
        return self.measure(pair)


class GridIoU(_IoU):
    """Intersection over union on a grid over the joint bounding box; see `grid_iou`.

    Args:
        resolution: number of cells along each axis, or of corners, both ends included.
        at: points that are evaluated, centres or corners.
    """

    def __init__(self, *, resolution: int, at: str) -> None:
        _check_grid(resolution, at)
        self.resolution = resolution
        self.at = at

    def info(self, conditions: Conditions) -> MetricInfo:
        """Return unit and definition."""
        grid, inside = {
            "centres": (
                f"the cell centres of {self.resolution} cells along each axis of the joint "
                "bounding box",
                "winding number",
            ),
            "corners": (
                f"{self.resolution} points along each axis of the joint bounding box, ends "
                "included",
                "fast winding number",
            ),
        }[self.at]
        text = (
            f"intersection over union on {grid}, inside where the {inside} is at least 0.5 "
            "(2-D: not zero)"
        )
        return MetricInfo("fraction", text)

    def measure(self, pair: Pair) -> float:
        """Return the value."""
        meshes = require_reconstruction(pair), require_solid(pair)
        return grid_iou(*meshes, resolution=self.resolution, at=self.at)


class _SampledIoU(_IoU):
    """Base class of intersection over union on points uniform in the box [-1, 1]^D.

    Args:
        num_points: number of points.
    """

    def __init__(self, *, num_points: int) -> None:
        _check_count("num_points", num_points, least=1)
        self.num_points = num_points

    def _ratio(self, pair: Pair, inside: Callable[[Floats], Bools]) -> float:
        """Return the value; `inside` is the test of the reconstruction."""
        ground_truth = require_solid(pair)
        points = pair.box_points(self.num_points)
        count = _Count()
        for start in range(0, self.num_points, _CHUNK_SIZE):
            part = points[start : start + _CHUNK_SIZE]
            count.add(inside(part), _inside(ground_truth, part))
        return count.ratio(f"{self.num_points} points")


class PointIoU(_SampledIoU):
    """Intersection over union on points uniform in the box [-1, 1]^D.

    As Mescheder et al. (Occupancy Networks, CVPR 2019) measure it.

    Args:
        num_points: number of points.
    """

    def info(self, conditions: Conditions) -> MetricInfo:
        """Return unit and definition."""
        text = (
            f"intersection over union on {self.num_points} points uniform in the box [-1, 1]^D, "
            "inside where the winding number is at least 0.5 (2-D: not zero)"
        )
        return MetricInfo("fraction", text)

    def measure(self, pair: Pair) -> float:
        """Return the value."""
        mesh = require_reconstruction(pair)
        return self._ratio(pair, lambda points: _inside(mesh, points))


class FieldIoU(_SampledIoU):
    """Intersection over union by the sign of the field of the network, not of its mesh.

    As Zhang et al. (3DShape2VecSet, SIGGRAPH 2023) measure it, on points uniform in [-1, 1]^D.

    Args:
        num_points: number of points.
    """

    needs_field = True

    def info(self, conditions: Conditions) -> MetricInfo:
        """Return unit and definition."""
        text = (
            f"intersection over union on {self.num_points} points uniform in the box [-1, 1]^D, "
            "inside where the field is negative, and the ground truth's winding number at least "
            "0.5 (2-D: not zero)"
        )
        return MetricInfo("fraction", text)

    def measure(self, pair: Pair) -> float:
        """Return the value."""
        evaluator = require_field(pair)
        return self._ratio(pair, lambda points: evaluator.values(pair.box.apply(points)) < 0)


def grid_iou(
    reconstruction: Mesh, ground_truth: Mesh, *, resolution: int = 128, at: str = "centres"
) -> float:
    """Return the intersection over union of two solids, in [0, 1], on a grid around both.

    The grid covers the joint bounding box. An empty reconstruction scores 0.

    - centres: cell centres; `occupancy_on_grid` decides which are inside.
    - corners: cell corners, as in base-inr and PartSDF; libigl's fast winding number decides which
      are inside, without exact recomputation. Corners on the bounding box may lie exactly on a flat
      face of a shape, where rounding decides, so that the value depends more on the resolution than
      with centres.

    Args:
        reconstruction: reconstructed mesh, 2-D or 3-D.
        ground_truth: ground truth mesh of the same dimension.
        resolution: number of cells along each axis (centres), or of corners, both ends included.
        at: points that are evaluated, centres or corners.

    Raises:
        NotMeasuredError: a ValueError, if no point of the grid is inside the ground truth.
        ValueError: if the dimensions differ, or a setting is out of range.
    """
    _check_grid(resolution, at)
    if reconstruction.dim != ground_truth.dim:
        raise ValueError(
            f"a reconstruction in {reconstruction.dim}-D cannot be compared with a ground truth in "
            f"{ground_truth.dim}-D"
        )
    count = _Count()
    meshes = (reconstruction, ground_truth)
    if not ground_truth.is_empty:
        lower, upper = joint_bounds(*meshes)
        if at == "centres":
            count.add(*(occupancy_on_grid(mesh, lower, upper, resolution) for mesh in meshes))
        else:
            tests = [_fast_inside_test(mesh) for mesh in meshes]
            for points in _grid_corners(lower, upper, resolution):
                count.add(*(is_inside(points) for is_inside in tests))
    return count.ratio(f"{resolution}^{ground_truth.dim} {GRID_POINTS[at]}")


def joint_bounds(one: Mesh, other: Mesh) -> tuple[Floats, Floats]:
    """Return the lower and upper corner (D,) of the joint bounding box; one mesh may be empty."""
    bounds = [mesh.bounds for mesh in (one, other) if not mesh.is_empty]
    lower = np.min([corners[0] for corners in bounds], axis=0)
    upper = np.max([corners[1] for corners in bounds], axis=0)
    return lower, upper


class _Count:
    """Numbers of points inside both solids, inside either, and inside the ground truth."""

    def __init__(self) -> None:
        self.both = self.either = self.ground_truth = 0

    def add(self, inside: Bools, inside_ground_truth: Bools) -> None:
        self.both += int((inside & inside_ground_truth).sum())
        self.either += int((inside | inside_ground_truth).sum())
        self.ground_truth += int(inside_ground_truth.sum())

    def ratio(self, points: str) -> float:
        """Return the intersection over union; `points` names the points in messages."""
        if self.ground_truth == 0:
            raise NotMeasuredError(
                f"ground truth has no inside: none of the {points} is inside; check that it is "
                "closed and its faces are oriented outward, or use more points"
            )
        return self.both / self.either


def _grid_corners(lower: Floats, upper: Floats, resolution: int) -> Iterator[Floats]:
    """Yield the points (N, D) of a grid of resolution^D points, both ends included, in chunks."""
    axes = [np.linspace(low, high, resolution) for low, high in zip(lower, upper, strict=True)]
    shape = (resolution,) * len(axes)
    for start in range(0, math.prod(shape), _CHUNK_SIZE):
        flat = np.arange(start, min(start + _CHUNK_SIZE, math.prod(shape)))
        index = np.unravel_index(flat, shape)
        yield np.stack([axis[i] for axis, i in zip(axes, index, strict=True)], axis=1)


def _fast_inside_test(mesh: Mesh) -> Callable[[Floats], Bools]:
    """Return a function from points (N, D) to whether they are inside, by fast winding number."""
    if mesh.is_empty:
        return lambda points: np.zeros(len(points), dtype=bool)
    if mesh.dim == 2:
        return lambda points: winding_number(mesh, points) != 0
    tree = igl.FastWindingNumberBVH()  # built once for all points
    vertices = np.ascontiguousarray(mesh.vertices, dtype=np.float64)
    tree.init(vertices, np.ascontiguousarray(mesh.faces, dtype=np.int64), 2)
    return lambda points: tree.winding_number(points, 2.0) >= 0.5


def _inside(mesh: Mesh, points: Floats) -> Bools:
    return np.zeros(len(points), dtype=bool) if mesh.is_empty else is_inside(mesh, points)


def _check_grid(resolution: int, at: str) -> None:
    if at not in GRID_POINTS:
        raise ValueError(f"at is '{at}'; it has to be one of {', '.join(GRID_POINTS)}")
    _check_count("resolution", resolution, least=2 if at == "corners" else 1)


def _check_count(name: str, value: int, *, least: int) -> None:
    if value < least:
        raise ValueError(f"{name} is {value}; it has to be at least {least}")
