"""What a step gets to see of some shapes."""

from typing import NamedTuple

from torch import Tensor

# the sets of points that a batch may hold, and the words in which a loss says what it needs
SETS = ("samples", "surface", "space")
NEEDS = frozenset({*SETS, "signed", "normals", *(f"{name}.gradient" for name in SETS)})


def set_of(need: str) -> str:
    """Return the set of points that a word of NEEDS is about."""
    return {"signed": "samples", "normals": "surface"}.get(need, need.partition(".")[0])


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
    """

    samples: Samples | None
    surface: Surface | None
    space: Tensor | None
