"""Whether a mesh is the boundary of a solid: closed, oriented, and without buried faces."""

import numpy as np

from inr.shapes.mesh import Floats, Mesh
from inr.shapes.solids.checks import edge_uses
from inr.shapes.solids.grid import grid_around, scan_axis

# lines along each axis on which faces are examined
_LINES = {2: 1024, 3: 256}
# crossings in the wrong order, as a fraction of all, from which a mesh has buried faces; and a
# number of them that never suffices, as at cusps
_BURIED, _FEW = 1e-4, 8
# crossings closer than this, relative to the extent, are at the same place
_SAME = 1e-9


def may_be_closed(mesh: Mesh) -> bool:
    """Return whether the faces could be closed by turning them: no edge has an odd number."""
    return not (edge_uses(mesh)[1] % 2).any()


def is_boundary(mesh: Mesh) -> bool:
    """Return whether a mesh is the boundary of a solid, faces outward.

    It is closed, and each face has a winding number of 0 in front and 1 behind, at almost all
    crossings with a grid of lines: solids do not overlap or touch, and no face is repeated.

    Args:
        mesh: mesh with faces, D = 2 or 3.
    """
    return mesh.is_closed() and not _has_buried(mesh)


def _has_buried(mesh: Mesh) -> bool:
    extent = float(np.ptp(mesh.bounds, axis=0).max())
    if not extent > 0:
        return True
    grid = grid_around(mesh, extent / _LINES[mesh.dim], 0.0)
    total = bad = 0
    for axis in range(mesh.dim):
        parts = list(scan_axis(mesh, grid, axis))
        lines = np.concatenate([part.line for part in parts])
        position = np.concatenate([part.position for part in parts])
        leaves = np.concatenate([part.leaves for part in parts])
        shape = tuple(np.roll(grid.shape, -1 - axis)[:-1])
        line = np.ravel_multi_index(tuple(lines.T), shape)
        total += len(line)
        bad += _num_buried(line, position, leaves, _SAME * extent)
    return total == 0 or bad > min(max(_FEW, _BURIED * total), total / 100)


def _num_buried(line: Floats, position: Floats, leaves: Floats, same: float) -> int:
    """Return the number of crossings that do not separate a winding number of 0 from 1."""
    order = np.lexsort([leaves, position, line])
    line, position, leaves = line[order], position[order], leaves[order]
    inside = np.cumsum(np.where(leaves, -1, 1))  # after each crossing: lines are closed
    expected = np.where(leaves, 0, 1)
    touching = (np.diff(line) == 0) & (np.diff(position) <= same)
    bad = inside != expected
    bad[1:] |= touching
    return int(bad.sum())
