"""Occupancy of grid cells by a mesh: scan conversion, or winding numbers for open meshes."""

import igl
import numpy as np
from numpy.typing import NDArray

from inr.shapes.mesh import Floats, Ints, Mesh
from inr.shapes.solids.scan import scan
from inr.shapes.solids.winding import winding_number

Bools = NDArray[np.bool_]

_POINTS_AT_ONCE = 2**18


def occupancy_on_grid(mesh: Mesh, lower: Floats, upper: Floats, resolution: int) -> Bools:
    """Return which cell centres of a grid lie inside a mesh.

    Inside means a winding number of at least 0.5 (3-D), or at least 0.5 in magnitude (2-D, the
    non-zero rule). For a closed mesh, winding numbers are exact integers, counted as signed
    crossings along the columns of the grid. For an open mesh they are libigl's fast winding numbers
    (Barill et al. 2018), recomputed exactly if within 0.05 of 0.5. A centre on the surface, to
    rounding, may be either.

    Args:
        mesh: mesh, D = 2 or 3; an empty one has no inside.
        lower: (D,), lower corner of the grid's box, in the mesh's frame.
        upper: (D,), upper corner.
        resolution: R, number of cells along each axis.

    Returns:
        (R,) * D bool; entry [i, j, ...] is the i-th cell along x, the j-th along y, and so on.

    Raises:
        ValueError: if the corners do not have D entries or the resolution is below 1.
    """
    lower, upper = np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64)
    if lower.shape != (mesh.dim,) or upper.shape != (mesh.dim,):
        raise ValueError(
            f"lower and upper have shapes {lower.shape} and {upper.shape}; "
            f"a mesh of dimension {mesh.dim} needs ({mesh.dim},)"
        )
    if resolution < 1:
        raise ValueError(f"resolution is {resolution}; it must be at least 1")
    centres = cell_centres(lower, upper, resolution)
    if mesh.is_empty:
        return np.zeros((resolution,) * mesh.dim, dtype=bool)
    if not mesh.is_closed():
        return _occupancy_of_open(mesh, centres)
    winding = _winding(mesh, centres)
    return winding != 0 if mesh.dim == 2 else winding >= 1


def cell_centres(lower: Floats, upper: Floats, resolution: int) -> Floats:
    """Return the coordinates of the cell centres along each axis, (D, R)."""
    fraction = (np.arange(resolution) + 0.5) / resolution
    return lower[:, None] + (upper - lower)[:, None] * fraction


def _occupancy_of_open(mesh: Mesh, centres: Floats) -> Bools:
    dim, resolution = centres.shape
    vertices = np.ascontiguousarray(mesh.vertices, dtype=np.float64)
    faces = np.ascontiguousarray(mesh.faces, dtype=np.int64)
    inside = np.zeros(resolution**dim, dtype=bool)
    for start in range(0, inside.size, _POINTS_AT_ONCE):
        flat = np.arange(start, min(start + _POINTS_AT_ONCE, inside.size))
        index = np.unravel_index(flat, (resolution,) * dim)
        points = np.stack([centres[d][index[d]] for d in range(dim)], axis=1)
        if dim == 2:
            inside[flat] = np.abs(igl.winding_number(vertices, faces, points)) >= 0.5
            continue
        winding = winding_number(mesh, points)
        inside[flat] = winding >= 0.5
    return inside.reshape((resolution,) * dim)


def _winding(mesh: Mesh, centres: Floats) -> Ints:
    """Return the winding number at each centre, (R,) * D, of a closed mesh."""
    if mesh.dim == 2:  # lines along x; the mirrored mesh has its inside on the other side
        mesh = Mesh(mesh.vertices[:, ::-1], mesh.faces[:, ::-1])
        return _winding_on_lines(mesh, centres[::-1]).T
    return _winding_on_lines(mesh, centres)


def _winding_on_lines(mesh: Mesh, centres: Floats) -> Ints:
    """Count signed crossings along the lines of the grid parallel to the last axis."""
    dim, resolution = centres.shape
    # Change of the winding number at entry k of each line; entry R is beyond the grid.
    winding = np.zeros((resolution,) * (dim - 1) + (resolution + 1,), dtype=np.int32)
    for found in scan(mesh, list(centres[:-1])):
        entry = np.searchsorted(centres[-1], found.position)
        np.add.at(winding, (*found.line.T, entry), np.where(found.leaves, -1, 1))
    return np.cumsum(winding, axis=-1, dtype=np.int32, out=winding)[..., :-1]
