"""Exact unsigned and signed distance of points to a mesh."""

from dataclasses import dataclass
from typing import Literal, get_args

import igl
import numpy as np
from numpy.typing import NDArray

from inr.shapes.mesh import Floats, Mesh
from inr.shapes.nearest import z_order
from inr.shapes.solids.occupancy import occupancy_on_grid
from inr.shapes.solids.pseudonormal import behind_surface
from inr.shapes.solids.winding import ambiguity, check_points, deciding_winding_number

# allowed values of data.sign
Sign = Literal["winding", "pseudonormal", "unsigned"]
SIGNS = get_args(Sign)
# cells along each axis of the grid from which most points get their sign
SIGN_GRID = 192


@dataclass(frozen=True)
class SignedDistances:
    """Signed distances of points to a mesh, and how ambiguous their signs were.

    Args:
        distance: (N,) float64, in the units of the mesh, negative inside.
        ambiguity: fraction of the points whose winding number is between 0.25 and 0.75; None if the
            sign is not from winding numbers.
    """

    distance: Floats
    ambiguity: float | None


def signed_distance(mesh: Mesh, points: Floats, sign: str = "winding") -> Floats:
    """Return the distance of each point to the surface, negative inside.

    The unsigned distance is exact, to rounding; `sign` defines the inside:

    - `winding`: winding number at least 0.5 (3-D), or not zero (2-D). Correct for closed meshes,
      even with overlapping or nested components: overlaps and solids inside solids (winding number
      2) are inside, cavities are outside, and a duplicated closed surface counts once. For an open
      mesh, holes are closed smoothly; `ambiguity` tells the fraction of points for which the sign
      is uncertain. Faces must be oriented outward: an inside-out 3-D mesh has no inside, and
      duplicate faces of opposite orientation cancel. Use
      `inr.shapes.solids.orientation.orient_outward` first.
    - `pseudonormal`: behind the nearest point of the surface (see `pseudonormal.behind_surface`).
      Correct for a single closed surface without self-intersections, only locally meaningful
      otherwise.
    - `unsigned`: no inside; all distances are positive.

    A point on the surface, to rounding, may get either sign.

    Args:
        mesh: mesh in the frame of the points.
        points: (N, D), finite.
        sign: one of SIGNS.

    Returns:
        (N,) float64, in the units of the mesh.

    Raises:
        ValueError: if `sign` is unknown, the mesh has no faces, or the points are not finite or not
            (N, D).
    """
    return measure(mesh, points, sign).distance


def measure(mesh: Mesh, points: Floats, sign: str = "winding") -> SignedDistances:
    """Return the signed distance of each point, and how ambiguous the signs were.

    See `signed_distance` for arguments, guarantees and errors. The sign is computed separately from
    the distance: `igl.signed_distance` multiplies the distance by 1 - 2 * (winding number), so that
    approximate winding numbers, and those of overlapping components, scale the distance.
    """
    check_sign(sign)
    points = check_points(mesh, points)
    # in Z-order, consecutive queries visit the same branches of the tree: half the time
    order = z_order(points, mesh.bounds)
    found = _measure_in_order(mesh, points[order], sign)
    distance = np.empty(len(points))
    distance[order] = found.distance
    return SignedDistances(distance, found.ambiguity)


def check_sign(sign: str) -> None:
    """Raise ValueError unless `sign` is one of SIGNS."""
    if sign not in SIGNS:
        raise ValueError(f"data.sign={sign} is none of {', '.join(SIGNS)}; try data.sign=winding")


def unsigned_distance(mesh: Mesh, points: Floats) -> Floats:
    """Return the exact distance of each point (N, D) to the faces, (N,) float64.

    Raises:
        ValueError: if the mesh has no faces, or the points are not finite or not (N, D).
    """
    return measure(mesh, points, "unsigned").distance


def is_inside(mesh: Mesh, points: Floats) -> NDArray[np.bool_]:
    """Return whether each point (N, D) is inside, (N,) bool.

    3-D: winding number at least 0.5; 2-D: the non-zero rule.

    Raises:
        ValueError: if the mesh has no faces, or the points are not finite or not (N, D).
    """
    return _inside_by(deciding_winding_number(mesh, points), mesh.dim)


def _inside_by(winding: Floats, dim: int) -> NDArray[np.bool_]:
    return winding != 0 if dim == 2 else winding >= 0.5


def _measure_in_order(mesh: Mesh, points: Floats, sign: str) -> SignedDistances:
    vertices = np.ascontiguousarray(mesh.vertices, dtype=np.float64)
    faces = np.ascontiguousarray(mesh.faces, dtype=np.int64)
    distance: Floats = np.sqrt(igl.point_mesh_squared_distance(points, vertices, faces)[0])
    if sign == "unsigned":
        return SignedDistances(distance, None)
    if sign == "pseudonormal":
        return SignedDistances(np.where(behind_surface(mesh, points), -distance, distance), None)
    if mesh.dim == 3 and len(points) >= SIGN_GRID**2 and mesh.is_closed():
        # winding numbers of a closed mesh are integers, so no point is ambiguous
        inside, fraction = _inside_closed(mesh, points, distance), 0.0
    else:
        winding = deciding_winding_number(mesh, points)
        inside, fraction = _inside_by(winding, mesh.dim), ambiguity(winding)
    return SignedDistances(np.where(inside, -distance, distance), fraction)


def _inside_closed(mesh: Mesh, points: Floats, distance: Floats) -> NDArray[np.bool_]:
    """Return whether points are inside a closed mesh, given their distance to it.

    The winding number of a closed mesh is locally constant off the surface, so a point has that of
    its grid cell's centre if the centre is nearer than the surface. Winding numbers are computed
    only for the remaining points, next to the surface.
    """
    lower, upper = mesh.bounds
    centre, half = (lower + upper) / 2, (upper - lower).max() / 2
    occupied = occupancy_on_grid(mesh, centre - half, centre + half, SIGN_GRID)
    cell = np.floor((points - centre + half) / (2 * half) * SIGN_GRID).astype(np.int64)
    in_grid = ((cell >= 0) & (cell < SIGN_GRID)).all(axis=1)
    cell = cell.clip(0, SIGN_GRID - 1)
    centres = centre - half + (cell + 0.5) * (2 * half / SIGN_GRID)
    known = np.linalg.norm(points - centres, axis=1) < distance
    inside = occupied[tuple(cell.T)] & known & in_grid
    unknown = in_grid & ~known
    if unknown.any():
        inside[unknown] = is_inside(mesh, points[unknown])
    return inside
