"""A reconstruction and its ground truth, with the samples that metrics share."""

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
    """Field of the network, evaluated at points of the box frame.

    Args:
        values: function from points (N, D) to values (N,), negative inside.
        gradient_norms: function from points (N, D) to norms of the gradient (N,).
        is_distance: whether the values are distances in box units, not logits.
    """

    values: Callable[[Floats], Floats]
    gradient_norms: Callable[[Floats], Floats]
    is_distance: bool


class Views(NamedTuple):
    """Images of a mesh from V fixed cameras, H x W pixels each.

    Args:
        masks: (V, H, W), whether a pixel shows the surface.
        normals: (V, H, W, 3), unit normals oriented towards the camera; 0 outside the mask.
    """

    masks: NDArray[np.bool_]
    normals: Floats


@dataclass
class Pair:
    """A reconstruction and the ground truth, both in the frame of measurement.

    Samples and nearest neighbours are computed once, on first use, and shared by the metrics.

    Args:
        reconstruction: reconstructed shape; may be empty.
        ground_truth: ground truth; has a surface.
        name: name of the shape; seeds all draws together with `seed`.
        num_points: number of points drawn on each surface.
        seed: seed of the points of the ground truth; those of the reconstruction use seed + 1, so
            that a perfect reconstruction scores the sampling floor.
        box: transform from the frame of measurement to the box [-1, 1]^D.
        evaluator: field of the network, if there is one.
        scan: (K, D), points that the shape was reconstructed from, if there are any.
        note: remark on how the two were read, for the column `reason`.
        parts: function that returns the parts of reconstruction and ground truth, None for an
            absent part; it returns None if the ground truth has no parts.
        views: function that renders a mesh of the box frame from fixed cameras, if there is one.
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
        """Draw points of the reconstruction and of the ground truth; fewer if a cloud is small."""
        first = self.reconstruction.available(num_points)
        second = self.ground_truth.available(num_points)
        return (
            self.reconstruction.draw(first, self.name, self.seed, again=True),
            self.ground_truth.draw(second, self.name, self.seed, again=False),
        )

    @cached_property
    def surface_samples(self) -> tuple[SurfaceSamples, SurfaceSamples]:
        """Return `num_points` points of the reconstruction and of the ground truth."""
        return self.draw(self.num_points)

    @cached_property
    def matches(self) -> Matches:
        """Return the nearest neighbours of the surface samples in each other."""
        reconstruction, ground_truth = self.surface_samples
        return match_nearest(reconstruction.points, ground_truth.points)

    def floor(self) -> "Pair":
        """Return the pair of the sampling floor: the ground truth against itself, drawn again.

        For a cloud these are two disjoint halves.
        """

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
                units; infinite for points uniform in the box.
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
