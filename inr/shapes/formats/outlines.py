"""Read closed 2-D outlines from files, by suffix."""

from pathlib import Path

from inr.shapes.formats.base import OUTLINE
from inr.shapes.formats.table import reader
from inr.shapes.polygon import Edges, Loop, UnsoundOutlineError


def read_outline(path: Path) -> tuple[Loop, Edges]:
    """Read the closed outlines in a file.

    Holes are determined by nesting (even-odd rule), not by the direction of loops in the file; but
    the edges of an .npz are kept unchanged.

    Args:
        path: airfoil coordinates (.dat), a drawing (.svg, .dxf), an array (.npy: points (V, 2) of
            one loop, closed automatically, or a mask (H, W); booleans are always a mask), vertices
            (V, 2) and edges (E, 2) (.npz), or a mask image.

    Returns:
        vertices (V, 2) and edges (E, 2), the inside to the left of each edge. For a mask the unit
        is a pixel, with y upwards.

    Raises:
        UnsoundOutlineError: if the outlines are open, intersect themselves or one another, or
            enclose no area.
        ValueError: if the file cannot be read; both messages name the file.
    """
    try:
        vertices, edges = reader(path.suffix.lower(), OUTLINE)(path.read_bytes())
    except UnsoundOutlineError as error:
        raise UnsoundOutlineError(f"'{path}': {error}", error.vertices, error.edges) from error
    except (OSError, ValueError) as error:
        raise ValueError(f"'{path}': {error}") from error
    return vertices, edges
