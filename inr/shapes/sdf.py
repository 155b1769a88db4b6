"""Exact distance and signed distance of points to a mesh."""

from dataclasses import dataclass

import igl
import numpy as np
from numpy.typing import NDArray

from inr.shapes.mesh import Floats, Mesh
from inr.shapes.nearest import z_order
from inr.shapes.solids.occupancy import occupancy_on_grid
from inr.shapes.solids.pseudonormal import behind_surface
from inr.shapes.solids.winding import ambiguity, check_points, deciding_winding_number

# what data.sign may be
SIGNS = ("winding", "pseudonormal", "unsigned")
# cells a side of the grid that gives most points their sign
SIGN_GRID = 192


@dataclass(frozen=True)
class SignedDistances:
    """Signed distances of points to a mesh, and how ambiguous their signs were.

    Args:
        distance: (N,) float64, in the units of the mesh, negative inside.
        ambiguity: fraction of the points whose winding number lies between 0.25 and 0.75; None
            where the sign was not taken from winding numbers.
    """

    distance: Floats
    ambiguity: float | None


def signed_distance(mesh: Mesh, points: Floats, sign: str = "winding") -> Floats:
    """Return the distance of each point to the surface, negative inside.

    The distance is exact in every mode, to rounding; `sign` says what inside is:

    - `winding`: the winding number is at least 0.5 (3-D), or not zero (2-D). Right for closed
      meshes, whatever their parts do to one another: overlaps and solids inside solids (winding
      number 2) are inside, cavities are not, and a closed surface that is there twice counts as
      once. An open mesh is inside where most of it is seen from its back, so that a hole is
      closed by a smooth lid; `ambiguity` says how many points lie where that is a guess. Faces
      must be oriented outward: a 3-D mesh inside out has no inside, and faces that are there in
      both orientations cancel. `inr.shapes.solids.orientation.orient_outward` turns such meshes
      first.
    - `pseudonormal`: behind the nearest piece of surface (see `pseudonormal.behind_surface`):
      right for one closed surface that does not cross itself, a side and no more for others.
    - `unsigned`: nowhere, all distances are positive.

    A point on the surface to rounding may get either sign.

    Args:
        mesh: in the frame of the points.
        points: (N, D), finite.
        sign: one of SIGNS.

    Returns:
        (N,) float64, in the units of the mesh.

    Raises:
        ValueError: if `sign` is none of them, the mesh has no faces, or the points are not
            finite or not (N, D).
    """
    return measure(mesh, points, sign).distance


def measure(mesh: Mesh, points: Floats, sign: str = "winding") -> SignedDistances:
    """Return the signed distance of each point, and how ambiguous the signs were.

    See `signed_distance` for arguments, promises and errors. The sign is taken apart from the
    distance: `igl.signed_distance` multiplies the distance by 1 - 2 * (winding number), so its
    fast variant is off by the error of the approximation, and by a factor where parts of a mesh
    overlap.
    """
    check_sign(sign)
    points = check_points(mesh, points)
    # neighbours in space walk the same branches of a tree: in order they take half the time
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
        # its winding numbers are whole, so that no point is ambiguous
        inside, fraction = _inside_closed(mesh, points, distance), 0.0
    else:
        winding = deciding_winding_number(mesh, points)
        inside, fraction = _inside_by(winding, mesh.dim), ambiguity(winding)
    return SignedDistances(np.where(inside, -distance, distance), fraction)


def _inside_closed(mesh: Mesh, points: Floats, distance: Floats) -> NDArray[np.bool_]:
    """Return whether points are inside a closed mesh, given their distance to it.

    Off its surface the winding number of a closed mesh is constant, so that a point shares that
    of its grid cell's centre wherever the centre is nearer than the surface. Only the points
    next to the surface are left for the winding number itself.
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
