"""Procedural family of NACA 4-digit airfoils, 2-D shapes in closed form."""

import itertools

import numpy as np

from inr.shapes.composite import Composite, without_parts
from inr.shapes.mesh import Mesh

_CAMBERS = range(1, 7)
_POSITIONS = range(2, 7)
_THICKNESSES = range(8, 25)


def naca4(
    camber: float,
    position: float,
    thickness: float,
    num_points: int,
    closed_trailing_edge: bool = True,
) -> Mesh:
    """Return the outline of an airfoil of chord 1, from (0, 0) to (1, 0), anticlockwise.

    The 4-digit series of Jacobs, Ward and Pinkerton 1933 (NACA report 460): half-thickness
    y_t = 5 t (0.2969 sqrt(x) - 0.1260 x - 0.3516 x^2 + 0.2843 x^3 - 0.1015 x^4), perpendicular to a
    mean line of two parabolas. With the report's last coefficient the trailing edge has a
    half-thickness of 0.0021 t; with 0.1036 it is closed.

    Args:
        camber: maximum height of the mean line, in chords: 0.02 for NACA 2412.
        position: its position along the chord, in chords: 0.4 for NACA 2412.
        thickness: t, maximum thickness, in chords: 0.12 for NACA 2412.
        num_points: number of stations along the chord, with cosine spacing; the outline has
            2 num_points - 2 vertices, and one more with an open trailing edge.
        closed_trailing_edge: use 0.1036 instead of 0.1015; else an edge closes the outline.

    Raises:
        ValueError: if an argument is out of range.
    """
    if num_points < 3:
        raise ValueError(f"num_points is {num_points}; an outline needs at least 3 stations")
    if not (0 < thickness <= 1 and 0 <= camber < 1):
        raise ValueError(f"thickness {thickness} and camber {camber} must be in (0, 1], [0, 1)")
    if camber > 0 and not 0 < position < 1:
        raise ValueError(f"position is {position}; with a camber it must lie between 0 and 1")
    x = (1 - np.cos(np.linspace(0, np.pi, num_points))) / 2
    last = 0.1036 if closed_trailing_edge else 0.1015
    half = 0.2969 * np.sqrt(x) - 0.1260 * x - 0.3516 * x**2 + 0.2843 * x**3 - last * x**4
    half = 5 * thickness * half
    height, slope = np.zeros_like(x), np.zeros_like(x)
    if camber > 0:
        ahead = x < position
        width = np.where(ahead, position, 1 - position)
        rest = np.where(ahead, 0.0, 1 - 2 * position)
        height = camber / width**2 * (rest + 2 * position * x - x**2)
        slope = 2 * camber / width**2 * (position - x)
    normal = np.stack([-slope, np.ones_like(x)], axis=1) / np.hypot(1, slope)[:, None]
    mean = np.stack([x, height], axis=1)
    upper, lower = mean + half[:, None] * normal, mean - half[:, None] * normal
    # upper side from trailing to leading edge, then the lower side back, without repeated ends
    outline = np.concatenate([upper[::-1], lower[1 : -1 if closed_trailing_edge else None]])
    index = np.arange(len(outline))
    return Mesh(outline, np.stack([index, np.roll(index, -1)], axis=1))


class Naca:
    """Family of NACA 4-digit airfoils, all different: camber 0 to 6 %, thickness 8 to 24 %.

    Args:
        num_shapes: number of shapes; a smaller family is the beginning of a larger one.
        seed: seed of the order of the airfoils.
        num_points: number of stations along the chord of each outline.

    Raises:
        ValueError: if there are fewer airfoils than `num_shapes`.
    """

    def __init__(self, *, num_shapes: int, seed: int = 0, num_points: int = 128) -> None:
        digits: list[tuple[int, int, int]] = [(0, 0, t) for t in _THICKNESSES]
        digits += itertools.product(_CAMBERS, _POSITIONS, _THICKNESSES)
        if not 0 <= num_shapes <= len(digits):
            raise ValueError(
                f"num_shapes is {num_shapes}; there are at most {len(digits)} airfoils"
            )
        order = np.random.default_rng(seed).permutation(len(digits))[:num_shapes]
        self._digits = {
            f"naca_{digits[i][0]}{digits[i][1]}{digits[i][2]:02d}": digits[i] for i in order
        }
        self._num_points = num_points

    def names(self) -> list[str]:
        """Return the shapes' names, `naca_` and four digits."""
        return list(self._digits)

    def make(self, name: str) -> Composite:
        """Return an airfoil with a closed trailing edge, without parts.

        Raises:
            ValueError: if the family has no such shape.
        """
        if name not in self._digits:
            raise ValueError(f"no shape '{name}' among the {len(self._digits)}; see names()")
        camber, position, thickness = self._digits[name]
        return without_parts(naca4(camber / 100, position / 10, thickness / 100, self._num_points))
