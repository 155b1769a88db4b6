"""What a metric measures: a reconstruction and the ground truth, and their common samples."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from inr.metrics.distances import Matches, match_nearest
from inr.metrics.eval_shape import EvalShape, SurfaceSamples
from inr.seeding import seed_from_name
from inr.shapes.mesh import Floats, Mesh
from inr.shapes.nearest import nearest_points
from inr.shapes.normalize import Normalization
from inr.shapes.sdf import signed_distance

Parts = Sequence[Mesh | None]


@dataclass(frozen=True)
class FieldEvaluator:
    """The network's field, evaluated at points of the box frame.

    Args:
        values: of points (N, D), (N,): negative inside.
        gradient_norms: of points (N, D), (N,).
        is_distance: whether the values are distances in box units, not logits.
    """

    values: Callable[[Floats], Floats]
    gradient_norms: Callable[[Floats], Floats]
    is_distance: bool


class Views(NamedTuple):
    """Images of a mesh from V fixed cameras, H x W pixels each.

    Args:
        masks: (V, H, W), whether there is surface.
        normals: (V, H, W, 3) unit normals, turned to the camera; 0 where there is none.
    """

    masks: NDArray[np.bool_]
    normals: Floats


@dataclass
class Pair:
    """A reconstruction and the ground truth, both in the frame of measurement.

    What several metrics need (samples, nearest neighbours) is computed once, when first asked for.

    Args:
        reconstruction: may be empty.
        ground_truth: has a surface.
        name: of the shape; seeds all draws together with `seed`.
        num_points: drawn on each surface.
        seed: the ground truth is drawn with it and the reconstruction with the next, so that a
            perfect reconstruction scores the sampling floor.
        box: from the frame of measurement to the box [-1, 1]^D.
        evaluator: the network's field, if there is one.
        scan: (K, D), the points that the shape was reconstructed from, if there are any.
        note: a remark on how the two were read, for the shape's row in the table.
        parts: reads the parts of the reconstruction and of the ground truth, None for each that is
            absent; returns None where the ground truth has no parts.
        views: renders a mesh of the box frame from fixed cameras, if there is a renderer.
    """

    reconstruction: EvalShape
    ground_truth: EvalShape
    name: str
    num_points: int
    seed: int
    box: Normalization
    evaluator: FieldEvaluator | None = None
    scan: Floats | None = None
    note: str = ""
    parts: Callable[[], tuple[Parts, Parts] | None] = lambda: None
    views: Callable[[Mesh], Views] | None = None
    _distance_samples: dict[float, tuple[Floats, Floats]] = field(default_factory=dict, repr=False)

    @property
    def dim(self) -> int:
        """Return D."""
        return self.ground_truth.dim

    def draw(self, num_points: int) -> tuple[SurfaceSamples, SurfaceSamples]:
        """Draw points of the reconstruction and of the ground truth; a cloud may have fewer."""
        first = self.reconstruction.available(num_points)
        second = self.ground_truth.available(num_points)
        return (
            self.reconstruction.draw(first, self.name, self.seed, again=True),
            self.ground_truth.draw(second, self.name, self.seed, again=False),
        )

    @cached_property
    def surface_samples(self) -> tuple[SurfaceSamples, SurfaceSamples]:
        """Return `num_points` points of the reconstruction, and as many of the ground truth."""
        return self.draw(self.num_points)

    @cached_property
    def matches(self) -> Matches:
        """Return the nearest neighbours of the surface samples in each other."""
        reconstruction, ground_truth = self.surface_samples
        return match_nearest(reconstruction.points, ground_truth.points)

    def floor(self) -> "Pair":
        """Return the ground truth against itself, sampled anew: of a cloud, its two halves."""

        def parts_of_ground_truth() -> tuple[Parts, Parts] | None:
            both = self.parts()
            return None if both is None else (both[1], both[1])

        return replace(
            self,
            reconstruction=self.ground_truth,
            parts=parts_of_ground_truth,
            num_points=self.ground_truth.available(self.num_points, twice=True),
            evaluator=None,
            _distance_samples={},
        )

    @cached_property
    def scan_distances(self) -> Floats | None:
        """Return the distances (K,) from the scan's points to points of the reconstruction."""
        if self.scan is None:
            return None
        samples = self.reconstruction.draw(self.num_points, self.name, self.seed, again=True)
        return nearest_points(samples.points, self.scan)[0]

    def box_points(self, num_points: int) -> Floats:
        """Draw points (N, D) uniformly in the box [-1, 1]^D; return them in this pair's frame."""
        generator = seed_from_name(f"{self.name}/box", self.seed)
        return self.box.undo(generator.uniform(-1, 1, (num_points, self.dim)))

    def distance_samples(self, std: float) -> tuple[Floats, Floats]:
        """Return `num_points` points (N, D) and their true signed distances (N,).

        Args:
            std: standard deviation of the Gaussian noise that moves them off the surface, box
                units; infinite for points anywhere in the box.
        """
        if std not in self._distance_samples:
            self._distance_samples[std] = self._draw_distance_samples(std)
        return self._distance_samples[std]

    def _draw_distance_samples(self, std: float) -> tuple[Floats, Floats]:
        assert self.ground_truth.mesh is not None
        if math.isinf(std):
            points = self.box_points(self.num_points)
        else:
            points = self.ground_truth.draw(
                self.num_points, self.name, self.seed, again=False
            ).points
            generator = seed_from_name(f"{self.name}/near", self.seed)
            points = points + generator.normal(scale=std / self.box.scale, size=points.shape)
        return points, signed_distance(self.ground_truth.mesh, np.asarray(points))
