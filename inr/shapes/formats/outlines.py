"""Closed 2-D outlines from files, by suffix."""

from pathlib import Path

from inr.shapes.formats.base import OUTLINE
from inr.shapes.formats.table import reader
from inr.shapes.polygon import Edges, Loop


def read_outline(path: Path) -> tuple[Loop, Edges]:
    """Read the closed outlines in a file.

    Nesting decides which are holes (even-odd), not their direction in the file; but an .npz keeps
    its edges as they are.

    Args:
        path: an airfoil's coordinates (.dat), a drawing (.svg, .dxf), an array (.npy: points
            (V, 2) of one loop, closed by itself, else a mask (H, W); booleans are always a mask),
            vertices (V, 2) and edges (E, 2) (.npz), or a picture of a mask.

    Returns:
        vertices (V, 2) and edges (E, 2), the inside to the left of each. Of a mask the unit is a
        pixel; y goes upwards.

    Raises:
        ValueError: if the file cannot be read, or the outlines are open, meet themselves or one
            another, or enclose nothing; it names the file.
    """
    try:
        vertices, edges = reader(path.suffix.lower(), OUTLINE)(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ValueError(f"'{path}': {error}") from error
    return vertices, edges
