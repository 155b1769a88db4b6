"""What is compared: a reconstruction and the ground truth, and what many metrics share of them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from inr.metrics.distances import Matches, match_nearest
from inr.seeding import seed_from_name
from inr.shapes.mesh import Floats, Mesh
from inr.shapes.nearest import nearest_points
from inr.shapes.normalize import Normalization
from inr.shapes.sampling import sample_surface
from inr.shapes.sdf import signed_distance, unsigned_distance

Parts = Sequence[Mesh | None]


class SurfaceSamples(NamedTuple):
    """Hold points (N, D) and their unit normals (N, D), None where there are none."""

    points: Floats
    normals: Floats | None


class EvalShape(Protocol):
    """Be one side of a comparison; lengths are those of the frame of measurement."""

    @property
    def dim(self) -> int:
        """Return D."""
        ...

    @property
    def mesh(self) -> Mesh | None:
        """Return what has an inside, None where there is no such thing."""
        ...

    @property
    def is_empty(self) -> bool:
        """Return whether there is no surface."""
        ...

    def at_most(self, num_points: int, *, twice: bool = False) -> int:
        """Return how many different points can be drawn, or twice as many, up to a number."""
        ...

    def draw(self, num_points: int, name: str, seed: int, *, again: bool) -> SurfaceSamples:
        """Draw points, others if `again`."""
        ...

    def distance(self, points: Floats) -> Floats:
        """Return the distance (N,) of points (N, D) from the surface."""
        ...


@dataclass(frozen=True)
class Surface:
    """Be a mesh: points are uniform by area (3-D) or length (2-D), normals those of faces.

    Args:
        mesh: in the frame of measurement; may be empty.
    """

    mesh: Mesh

    @property
    def dim(self) -> int:
        """Return D."""
        return self.mesh.dim

    @property
    def is_empty(self) -> bool:
        """Return whether there is no face."""
        return self.mesh.is_empty

    def at_most(self, num_points: int, *, twice: bool = False) -> int:
        """Return the number: a surface has any number of points."""
        return num_points

    def draw(self, num_points: int, name: str, seed: int, *, again: bool) -> SurfaceSamples:
        """Draw points, seeded by the shape's name."""
        return SurfaceSamples(
            *sample_surface(self.mesh, num_points, seed_from_name(name, seed + again))
        )

    def distance(self, points: Floats) -> Floats:
        """Return the exact distance (N,) of points (N, D) from the surface."""
        return unsigned_distance(self.mesh, points)


@dataclass(frozen=True)
class Cloud:
    """Be a point cloud, which has no inside; its own points are drawn.

    Args:
        points: (K, D), in the frame of measurement.
        normals: (K, D) unit vectors, or None.
    """

    points: Floats
    normals: Floats | None
    mesh: None = None
    is_empty: bool = False

    @property
    def dim(self) -> int:
        """Return D."""
        return int(self.points.shape[1])

    def at_most(self, num_points: int, *, twice: bool = False) -> int:
        """Return the number, but at most all the cloud's points, or half of them for each half."""
        return min(num_points, max(1, len(self.points) // 2) if twice else len(self.points))

    def draw(self, num_points: int, name: str, seed: int, *, again: bool) -> SurfaceSamples:
        """Draw points of the cloud, seeded by the shape's name."""
        order = seed_from_name(name, seed).permutation(len(self.points))
        part = order[-num_points:] if again else order[:num_points]
        return SurfaceSamples(
            self.points[part], None if self.normals is None else self.normals[part]
        )

    def distance(self, points: Floats) -> Floats:
        """Return the distance (N,) of points (N, D) from the nearest point of the cloud."""
        return nearest_points(self.points, points)[0]


@dataclass(frozen=True)
class FieldEvaluator:
    """Ask the network itself, in the box frame.

    Args:
        values: of points (N, D), (N,): negative inside.
        gradient_norms: of points (N, D), (N,).
        is_distance: whether the values are distances in box units, not logits.
    """

    values: Callable[[Floats], Floats]
    gradient_norms: Callable[[Floats], Floats]
    is_distance: bool


class Views(NamedTuple):
    """Hold what fixed cameras see of a mesh: V pictures of H x W pixels.

    Args:
        masks: (V, H, W), whether there is surface.
        normals: (V, H, W, 3) unit normals, turned to the camera; 0 where there is none.
    """

    masks: NDArray[np.bool_]
    normals: Floats


@dataclass
class Pair:
    """Compare a reconstruction with the ground truth, both in the frame of measurement.

    Args:
        reconstruction: may be empty.
        ground truth: has a surface.
        name: of the shape; seeds all draws together with `seed`.
        num_points: drawn on each surface.
        seed: the ground truth is drawn with it and the other side with the next, so that a perfect
            reconstruction scores the floor.
        box: from the frame of measurement to the box [-1, 1]^D.
        evaluator: the network, where there is one.
        scan: (K, D), the points that were reconstructed from, where there are any.
        note: what had to be done to read the two.
        parts: reads those of the reconstruction and of the ground truth, None for each that is
            absent; gives None where the ground truth has none.
        views: casts a mesh of the box frame from fixed cameras, where there is a renderer.
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
    _queries: dict[float, tuple[Floats, Floats]] = field(default_factory=dict, repr=False)

    @property
    def dim(self) -> int:
        """Return D."""
        return self.ground_truth.dim

    def draw(self, num_points: int) -> tuple[SurfaceSamples, SurfaceSamples]:
        """Draw so many points of reconstruction and ground truth, of a cloud what it has."""
        one, other = (side.at_most(num_points) for side in (self.reconstruction, self.ground_truth))
        return (
            self.reconstruction.draw(one, self.name, self.seed, again=True),
            self.ground_truth.draw(other, self.name, self.seed, again=False),
        )

    @cached_property
    def drawn(self) -> tuple[SurfaceSamples, SurfaceSamples]:
        """Return the points that most metrics share: of the reconstruction, of the ground truth."""
        return self.draw(self.num_points)

    @cached_property
    def matches(self) -> Matches:
        """Return the nearest neighbours of those points in each other."""
        reconstruction, ground_truth = self.drawn
        return match_nearest(reconstruction.points, ground_truth.points)

    def floor(self) -> "Pair":
        """Return the ground truth against itself, sampled anew; of a cloud, its halves."""

        def parts_of_ground_truth() -> tuple[Parts, Parts] | None:
            sides = self.parts()
            return None if sides is None else (sides[1], sides[1])

        return replace(
            self,
            reconstruction=self.ground_truth,
            parts=parts_of_ground_truth,
            num_points=self.ground_truth.at_most(self.num_points, twice=True),
            evaluator=None,
            _queries={},
        )

    @cached_property
    def scan_distances(self) -> Floats | None:
        """Return the distances from the scan's points to those drawn on the reconstruction."""
        if self.scan is None:
            return None
        drawn = self.reconstruction.draw(self.num_points, self.name, self.seed, again=True)
        return nearest_points(drawn.points, self.scan)[0]

    def uniform(self, num_points: int) -> Floats:
        """Draw points (N, D) uniformly in the box [-1, 1]^D, in the frame of measurement."""
        generator = seed_from_name(f"{self.name}/box", self.seed)
        return self.box.undo(generator.uniform(-1, 1, (num_points, self.dim)))

    def query(self, std: float) -> tuple[Floats, Floats]:
        """Return points (N, D) and their true signed distances (N,), drawn once for all metrics.

        Args:
            std: of the Gaussian noise that takes them from the surface, box units; infinite for
                points anywhere in the box.
        """
        if std not in self._queries:
            self._queries[std] = self._draw_query(std)
        return self._queries[std]

    def _draw_query(self, std: float) -> tuple[Floats, Floats]:
        assert self.ground_truth.mesh is not None
        if math.isinf(std):
            points = self.uniform(self.num_points)
        else:
            points = self.ground_truth.draw(
                self.num_points, self.name, self.seed, again=False
            ).points
            generator = seed_from_name(f"{self.name}/near", self.seed)
            points = points + generator.normal(scale=std / self.box.scale, size=points.shape)
        return points, signed_distance(self.ground_truth.mesh, np.asarray(points))
