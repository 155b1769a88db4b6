"""What a step gets to see of some shapes."""

from typing import NamedTuple

from torch import Tensor

# the sets of points that a batch may hold, and the words in which a loss says what it needs
SETS = ("samples", "surface", "space")
_GRADIENTS = (f"{name}.gradient" for name in SETS)
NEEDS = frozenset({*SETS, "signed", "labels", "parts", "normals", *_GRADIENTS})


def set_of(need: str) -> str:
    """Return the set of points that a word of NEEDS is about."""
    of = dict.fromkeys(("signed", "labels", "parts"), "samples") | {"normals": "surface"}
    return of.get(need, need.partition(".")[0])


class Samples(NamedTuple):
    """Hold points whose distance is known.

    Args:
        points: (B, N, D).
        targets: (B, N, C); channel 0 is the distance in box units, negative inside.
    """

    points: Tensor
    targets: Tensor


class Surface(NamedTuple):
    """Hold points on the surface.

    Args:
        points: (B, M, D).
        normals: (B, M, D), outward and of unit length; None where they are not known.
    """

    points: Tensor
    normals: Tensor | None


class Batch(NamedTuple):
    """Hold the points of B shapes; a set that no loss term needs is None.

    Args:
        samples: points with distances.
        surface: points on the surface.
        space: (B, K, D), points anywhere, of which nothing is known.
        labels: (B, N) int64, the part that each of `samples` belongs to.
    """

    samples: Samples | None
    surface: Surface | None
    space: Tensor | None
    labels: Tensor | None = None

    def split(self, size: int) -> list["Batch"]:
        """Return batches of so many shapes, the last one of those that are left."""
        sets = [self.samples and self.samples.points, self.surface and self.surface.points]
        count = max(len(points) for points in [*sets, self.space] if points is not None)
        return [self._part(slice(start, start + size)) for start in range(0, count, size)]

    def _part(self, part: slice) -> "Batch":
        samples, surface, space, labels = self
        normals = None if surface is None or surface.normals is None else surface.normals[part]
        return Batch(
            None if samples is None else Samples(samples.points[part], samples.targets[part]),
            None if surface is None else Surface(surface.points[part], normals),
            None if space is None else space[part],
            None if labels is None else labels[part],
        )
