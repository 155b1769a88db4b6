"""The solid that the samples of a shape are drawn of: its mesh, or what a soup encloses."""

from dataclasses import dataclass, replace
from typing import Literal, get_args

from inr.shapes.composite import Composite
from inr.shapes.mesh import Mesh
from inr.shapes.sdf import SIGNS
from inr.shapes.solids.enclosure import Enclosure, enclose
from inr.shapes.solids.orientation import orient_outward
from inr.shapes.solids.repair import agree
from inr.shapes.solids.soundness import is_boundary, may_be_closed

# values of data.sign
DataSign = Literal["auto", "winding", "outside", "pseudonormal", "unsigned"]
DATA_SIGNS = get_args(DataSign)
# those with which soups are read: outlines may be open, and faces repeated
SOUP_SIGNS = ("auto", "outside")
assert set(SIGNS) < set(DATA_SIGNS)

# steps of the grid on which soups are enclosed, box units: the usual one, and the finest
_STEP = {2: 2 / 1024, 3: 2 / 256}
_FINEST = {2: 2 / 4096, 3: 2 / 512}
# steps in the thickness of a shell
_STEPS_IN_SHELL = 2.5
# width, box units, above which an opening is no gap
_WIDEST_GAP = 0.2
# extent of a soup, box units, above which the grid would be too large
_LARGEST = 4.0
# thickness of shells at least, and in cells of eval.resolution
LEAST_THICKNESS, CELLS_IN_SHELL = 0.02, 2.5


@dataclass(frozen=True)
class Soups:
    """Settings of how triangle soups are enclosed.

    Args:
        gap: width below which gaps are closed, box units.
        thickness: thickness of the shells of sheets, box units; 0 for none.
    """

    gap: float
    thickness: float

    def step(self, dim: int) -> float:
        """Return the step of the grid on which soups are enclosed.

        Raises:
            ValueError: if the shells are too thin for the finest grid, or the gap is too wide.
        """
        if self.gap > _WIDEST_GAP:
            raise ValueError(
                f"data.gap={self.gap:g} is above {_WIDEST_GAP} box units, the widest gap that is "
                f"closed; use data.gap={_WIDEST_GAP} or less"
            )
        if self.thickness == 0:
            return _STEP[dim]
        step = self.thickness / _STEPS_IN_SHELL
        if step < _FINEST[dim]:
            least = _FINEST[dim] * _STEPS_IN_SHELL
            raise ValueError(
                f"data.thickness={self.thickness:g}: shells need {_STEPS_IN_SHELL} cells of the "
                f"grid on which they are made, and its cells are at least {_FINEST[dim]:.4f} wide; "
                f"use data.thickness={least + 5e-5:.4f} or more, or 0 for no shells"
            )
        return min(_STEP[dim], step)


def default_thickness(resolution: int) -> float:
    """Return the thickness of shells that a mesh of this resolution can show, box units."""
    return max(LEAST_THICKNESS, CELLS_IN_SHELL * 2 / (resolution - 1))


def orient(shape: Composite, sign: str) -> tuple[Composite, str, list[str]]:
    """Return a shape with faces outward, how its sign is determined, and a list of the changes.

    With `auto`, the sign is that of the winding number if the mesh is the boundary of a solid, as
    it came or after turning faces; else `outside`, and the mesh stays as it came.
    """
    mesh = shape.mesh
    if sign in ("unsigned", "outside") or (sign == "auto" and not may_be_closed(mesh)):
        return shape, "outside" if sign == "auto" else sign, []
    changes: list[str] = []
    is_changed = False
    oriented = mesh
    if mesh.dim == 3:  # in 2-D, loops are oriented as they are read
        if sign == "auto":
            oriented = agree(mesh, changes)
        oriented, is_changed = orient_outward(oriented)
    if sign == "auto" and not is_boundary(oriented):
        return shape, "outside", []
    dropped = len(mesh.faces) - len(oriented.faces)
    if dropped:
        changes.append(f"dropped {dropped} repeated faces")
    elif is_changed:
        changes.append("turned faces outward")
    return replace(shape, mesh=oriented), "winding" if sign == "auto" else sign, changes


def enclosed(mesh: Mesh, soups: Soups) -> Enclosure:
    """Return the solid that a soup in the box frame encloses.

    Raises:
        ValueError: if the shape is far larger than the box, a gap or a shell is as wide as the
            shape, or nothing is enclosed.
    """
    step = soups.step(mesh.dim)
    lower, upper = mesh.bounds
    extent = float((upper - lower).max())
    if soups.gap >= extent:
        raise ValueError(
            f"data.gap={soups.gap:g} is not narrower than the shape, {extent:.3g} box units; use "
            f"data.normalize=box, or data.gap={extent / 10:.1g}"
        )
    if extent > _LARGEST:
        raise ValueError(
            f"it is {extent:.3g} box units wide, and the box only 2; use data.normalize=box"
        )
    if soups.thickness >= extent:
        raise ValueError(
            f"data.thickness={soups.thickness:g} is not below the extent of the shape, "
            f"{extent:.3g} box units; use data.normalize=box, or data.thickness=0"
        )
    return enclose(mesh, gap=soups.gap, thickness=soups.thickness, step=step)
