"""Kinds of shapes in files, and the base class of user-defined file formats."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

SURFACE, OUTLINE, POINTS = "surface", "outline", "points"
KINDS = (SURFACE, OUTLINE, POINTS)

Pair = tuple[NDArray[np.floating], NDArray[Any] | None]


class Format(ABC):
    """Base class of user-defined file formats; data.formats maps suffixes to subclasses.

    gives: kind of shape in a file, one of KINDS.
    """

    gives: ClassVar[str]

    @abstractmethod
    def read(self, path: Path) -> Pair:
        """Return the shape in a file, in its own frame and units.

        - surface: vertices (V, 3) and triangles (F, 3), anticlockwise seen from outside;
        - outline: vertices (V, 2) and edges (E, 2) of closed loops, in any direction;
        - points: points (K, D), and their normals (K, D) or None.

        Raises:
            ValueError: if the file cannot be read; the message is the reason of the refusal.
        """
        ...


# suffix, lower case and with its dot, to a user-defined format
Formats = Mapping[str, Format]
NO_FORMATS: Formats = MappingProxyType({})


def read_own(own: Format, path: Path) -> Pair:
    """Read a file with a user-defined format, and check the shapes of its arrays.

    Raises:
        ValueError: if reading fails, or an array has the wrong shape.
    """
    try:
        first, second = own.read(path)
        first = np.asarray(first, np.float64)
        if own.gives != POINTS:
            second = np.asarray(second, np.int64)
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"{type(own).__name__} cannot read it: {error}") from error
    shapes = [np.shape(first), *([] if second is None else [np.shape(second)])]
    dim = {SURFACE: 3, OUTLINE: 2}.get(own.gives, shapes[0][-1] if shapes[0] else 0)
    if any(len(shape) != 2 or shape[1] != dim for shape in shapes):
        raise ValueError(
            f"{type(own).__name__}, which gives {own.gives}, read arrays of shapes "
            f"{', '.join(map(str, shapes))}; see inr.shapes.formats.base.Format"
        )
    return first, second
