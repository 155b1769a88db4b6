"""Shapes to be evaluated: a mesh or a point cloud, from which surface points are drawn."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from inr.seeding import seed_from_name
from inr.shapes.mesh import Floats, Mesh
from inr.shapes.nearest import nearest_points
from inr.shapes.sampling import sample_surface
from inr.shapes.sdf import unsigned_distance


class SurfaceSamples(NamedTuple):
    """Points (N, D) of a surface and their unit normals (N, D), None if it has no normals."""

    points: Floats
    normals: Floats | None


class EvalShape(Protocol):
    """Reconstruction or ground truth: a `Surface` or a `Cloud`, in the frame of measurement."""

    @property
    def dim(self) -> int:
        """Return D."""
        ...

    @property
    def mesh(self) -> Mesh | None:
        """Return the mesh; None for a point cloud."""
        ...

    @property
    def no_inside(self) -> str:
        """Return why the shape has no inside; empty if it may have one."""
        ...

    @property
    def is_empty(self) -> bool:
        """Return whether there is no surface."""
        ...

    def available(self, num_points: int, *, twice: bool = False) -> int:
        """Return how many of `num_points` points can be drawn.

        Args:
            num_points: number of points that are wanted.
            twice: whether the same number of other points has to remain for a second draw.
        """
        ...

    def draw(self, num_points: int, name: str, seed: int, *, again: bool) -> SurfaceSamples:
        """Draw points of the surface.

        Args:
            num_points: number of points, at most `available`.
            name: name of the shape; seeds the draw together with `seed`.
            seed: seed of all draws.
            again: whether this is the second draw, which has other points than the first.
        """
        ...

    def distance(self, points: Floats) -> Floats:
        """Return the unsigned distance (N,) of points (N, D) from the surface."""
        ...


@dataclass(frozen=True)
class Surface:
    """Mesh, with points uniform by area (in 2-D by length) and the normals of the faces.

    Args:
        mesh: mesh in the frame of measurement; may be empty.
        no_inside: why it has no inside, for messages; empty if it may have one.
    """

    mesh: Mesh
    no_inside: str = ""

    @property
    def dim(self) -> int:
        """Return D."""
        return self.mesh.dim

    @property
    def is_empty(self) -> bool:
        """Return whether there is no face."""
        return self.mesh.is_empty

    def available(self, num_points: int, *, twice: bool = False) -> int:
        """Return `num_points`: a surface has any number of points."""
        return num_points

    def draw(self, num_points: int, name: str, seed: int, *, again: bool) -> SurfaceSamples:
        """Draw points; see `EvalShape.draw`."""
        return SurfaceSamples(
            *sample_surface(self.mesh, num_points, seed_from_name(name, seed + again))
        )

    def distance(self, points: Floats) -> Floats:
        """Return the exact distance (N,) of points (N, D) from the surface."""
        return unsigned_distance(self.mesh, points)


@dataclass(frozen=True)
class Cloud:
    """Point cloud, which has no inside; its own points are drawn.

    Args:
        points: (K, D), points in the frame of measurement.
        normals: (K, D), unit normals, or None.
    """

    points: Floats
    normals: Floats | None
    mesh: None = None
    no_inside: str = "the ground truth is a point cloud, which has no inside"
    is_empty: bool = False

    @property
    def dim(self) -> int:
        """Return D."""
        return int(self.points.shape[1])

    def available(self, num_points: int, *, twice: bool = False) -> int:
        """Return `num_points`, or the number of points in the cloud if that is less."""
        return min(num_points, max(1, len(self.points) // 2) if twice else len(self.points))

    def draw(self, num_points: int, name: str, seed: int, *, again: bool) -> SurfaceSamples:
        """Draw points of the cloud; see `EvalShape.draw`."""
        order = seed_from_name(name, seed).permutation(len(self.points))
        part = order[-num_points:] if again else order[:num_points]
        return SurfaceSamples(
            self.points[part], None if self.normals is None else self.normals[part]
        )

    def distance(self, points: Floats) -> Floats:
        """Return the distance (N,) of points (N, D) from the nearest point of the cloud."""
        return nearest_points(self.points, points)[0]
