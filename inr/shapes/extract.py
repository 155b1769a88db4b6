"""Mesh extraction: marching cubes (3-D) or squares (2-D), with coarse-to-fine sampling."""

import math
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from skimage.measure import find_contours, marching_cubes

from inr.shapes.mesh import Floats, Ints, Mesh

Field = Callable[[Floats], Floats]
Bools = NDArray[np.bool_]
Scalar = TypeVar("Scalar", bound=np.generic)

_LEAST_MAGNITUDE = np.float32(1e-8)


def extract_mesh(
    field: Field,
    *,
    dim: int,
    resolution: int,
    level: float = 0.0,
    coarse_to_fine: bool = True,
    safety: float = 1.5,
    saturation: float = 0.1,
    chunk_size: int = 65536,
) -> Mesh:
    """Extract the level set of a field over the box [-1, 1]^D as a closed mesh.

    The field is sampled at the `resolution`^D points of a grid that spans the box. A shape that
    reaches the boundary of the box is closed by flat faces there. Grid values equal to the level
    count as outside.

    With `coarse_to_fine`, the grid is divided into blocks that are halved level by level. A block
    is subdivided only if |f - level| at its centre is at most `safety` times its half diagonal,
    which never skips a block with surface if the gradient norm of f is at most `safety`. Then the
    blocks are sampled in full into which the extracted surface continues, until there are none.
    Only an entire component (or cavity) can be missed, if the gradient norm exceeds `safety`
    around it; otherwise the mesh equals that of the dense grid.

    Memory: the grid in float32, masks of one byte per grid point, and one chunk of points.

    Args:
        field: maps points (N, D) float64 to values (N,), negative inside, in box units.
        dim: D, dimension of space, 2 or 3.
        resolution: grid points along each axis, at least 2.
        level: value of the field on the surface.
        coarse_to_fine: sample only near the surface; False samples every grid point, and needs no
            assumption about the field.
        safety: bound on the gradient norm of the field, for `coarse_to_fine`.
        saturation: |f - level| above which the field may be constant (the clamping distance of
            training). The coarsest blocks are small enough for their threshold to be below 0.9 of
            it; if the grid is too coarse for that, it is sampled densely.
        chunk_size: maximum number of points per call of the field.

    Returns:
        Mesh with faces oriented outward; it is empty if the field has the same sign at all grid
        points.

    Raises:
        FloatingPointError: if the field is not finite at a sampled point.
        ValueError: if an argument is out of range, or the field does not return (N,).
    """
    _check_arguments(dim, resolution, chunk_size, safety)

    def offset_field(points: Floats) -> Floats:
        values: Floats = np.asarray(field(points)) - level
        return values

    # One layer of positive values outside the box closes shapes that reach its boundary.
    step = 2 / (resolution - 1)
    padded = np.full((resolution + 2,) * dim, step, dtype=np.float32)
    grid = padded[(slice(1, -1),) * dim]
    stride = _first_stride(dim, resolution, safety, saturation) if coarse_to_fine else 1
    if stride == 1:
        _sample(offset_field, np.linspace(-1, 1, resolution), grid, None, chunk_size)
    else:
        _sample_near_surface(offset_field, grid, stride, safety, chunk_size)
    if grid.min() > 0 or grid.max() < 0:
        return Mesh(np.zeros((0, dim)), np.zeros((0, dim), dtype=np.int64))
    vertices, faces = _contour(padded) if dim == 2 else _triangulate(padded)
    return _merge_coincident(np.clip((vertices - 1) * step - 1, -1, 1), faces)


def _check_arguments(dim: int, resolution: int, chunk_size: int, safety: float) -> None:
    if dim not in (2, 3):
        raise ValueError(f"dim is {dim}; it must be 2 or 3")
    if resolution < 2:
        raise ValueError(f"resolution is {resolution}; it must be at least 2")
    if chunk_size < 1:
        raise ValueError(f"chunk_size is {chunk_size}; it must be at least 1")
    if not safety > 0:
        raise ValueError(f"safety is {safety}; it must be positive (1.5 suits trained distances)")


def _first_stride(dim: int, resolution: int, safety: float, saturation: float) -> int:
    """Return the largest power of two whose blocks have a threshold well below saturation."""
    half_diagonal = math.sqrt(dim) / (resolution - 1)
    stride = 1
    while safety * half_diagonal * 2 * stride < 0.9 * saturation and 2 * stride < resolution:
        stride *= 2
    return stride


def _sample(
    field: Field, axis: Floats, values: Floats, where: Bools | None, chunk_size: int
) -> None:
    """Write the field at the grid points axis^D into `values`, all or those in `where`."""
    chosen = None if where is None else np.flatnonzero(where)
    total = values.size if chosen is None else len(chosen)
    for start in range(0, total, chunk_size):
        stop = min(start + chunk_size, total)
        flat = np.arange(start, stop) if chosen is None else chosen[start:stop]
        index = np.unravel_index(flat, values.shape)
        points = np.stack([axis[i] for i in index], axis=1)
        result = field(points)
        if result.shape != (len(points),):
            raise ValueError(
                f"the field gave values of shape {result.shape} for {len(points)} points; "
                f"it must give one each, ({len(points)},)"
            )
        result = result.astype(np.float32)
        finite = np.isfinite(result)
        if not finite.all():
            raise FloatingPointError(
                f"the field is not finite at {np.sum(~finite)} of {len(points)} points, "
                f"the first at {points[np.argmin(finite)].tolist()}"
            )
        # Move values off the exact level: contours that touch at a grid point are ambiguous.
        magnitude = np.maximum(np.abs(result), _LEAST_MAGNITUDE)
        values[index] = np.where(result < 0, -magnitude, magnitude)


def _sample_near_surface(
    field: Field, grid: Floats, stride: int, safety: float, chunk_size: int
) -> None:
    """Sample the grid near the surface, and set only the sign elsewhere."""
    resolution, dim = len(grid), grid.ndim
    axis = np.linspace(-1, 1, resolution)
    first = stride
    enter: Bools | None = None
    coarse: Floats = np.zeros((math.ceil((resolution - 1) / stride),) * dim, dtype=np.float32)
    while True:
        centres = np.minimum(np.arange(len(coarse)) * stride + stride // 2, resolution - 1)
        _sample(field, axis[centres], coarse, enter, chunk_size)
        enter = np.abs(coarse) <= safety * stride * math.sqrt(dim) / (resolution - 1)
        if stride == 2:
            break
        stride //= 2
        parent = np.arange(math.ceil((resolution - 1) / stride)) // 2
        coarse = _outer_take(np.copysign(np.float32(np.inf), coarse), parent)
        enter = _outer_take(enter, parent)
    signs = np.copysign(np.float32(np.inf), coarse)
    parent = np.minimum(np.arange(resolution) // 2, len(coarse) - 1)
    for i in range(resolution):  # layer by layer: a second grid would double the memory
        grid[i] = _outer_take(signs[parent[i]], parent)
    grid[(slice(1, None, 2),) * dim] = np.where(enter, coarse, signs)
    while True:
        wanted = _points_of_blocks(enter, resolution, stride) & np.isinf(grid)
        _sample(field, axis, grid, wanted, chunk_size)
        cells = np.argwhere(_unsure_cells(grid))
        if len(cells) == 0:
            break
        stride = first
        enter = np.zeros((math.ceil((resolution - 1) / stride),) * dim, dtype=bool)
        enter[tuple((cells // stride).T)] = True
    # Faces on the boundary of the box interpolate between the outer layer and unsampled points.
    np.nan_to_num(grid, copy=False, posinf=1.0, neginf=-1.0)


def _outer_take(array: NDArray[Scalar], index: Ints) -> NDArray[Scalar]:
    """Return the entries of an array at the Cartesian product of an index with itself."""
    return array[np.ix_(*[index] * array.ndim)]


def _points_of_blocks(blocks: Bools, resolution: int, stride: int) -> Bools:
    """Return which grid points lie in the chosen blocks, boundaries included."""
    point = np.arange(resolution)
    above = np.minimum(point // stride, len(blocks) - 1)
    below = np.maximum(point - 1, 0) // stride
    for axis in range(blocks.ndim):
        blocks = np.take(blocks, above, axis) | np.take(blocks, below, axis)
    return blocks


def _unsure_cells(grid: Floats) -> Bools:
    """Return the grid cells that the surface crosses and that have an unsampled corner."""
    some_outside = grid > 0
    all_outside = some_outside
    some_unsampled = np.isinf(grid)
    for axis in range(grid.ndim):
        lower = (slice(None),) * axis + (slice(None, -1),)
        upper = (slice(None),) * axis + (slice(1, None),)
        some_outside = some_outside[lower] | some_outside[upper]
        all_outside = all_outside[lower] & all_outside[upper]
        some_unsampled = some_unsampled[lower] | some_unsampled[upper]
    return some_outside & ~all_outside & some_unsampled


def _triangulate(padded: Floats) -> tuple[Floats, Ints]:
    """Return vertices (V, 3) in units of grid indices and triangles (F, 3)."""
    vertices, faces, _, _ = marching_cubes(padded, 0.0)
    return vertices.astype(np.float64), faces.astype(np.int64)


def _contour(padded: Floats) -> tuple[Floats, Ints]:
    """Return vertices (V, 2) in units of grid indices and segments (F, 2)."""
    vertices, faces, count = [], [], 0
    for contour in find_contours(padded, 0.0):
        assert (contour[0] == contour[-1]).all(), "the padding closes every contour"
        index = np.arange(len(contour) - 1)
        vertices.append(contour[:-1])
        faces.append(count + np.stack([index, np.roll(index, -1)], axis=1))
        count += len(index)
    return np.concatenate(vertices), np.concatenate(faces).astype(np.int64)


def _merge_coincident(vertices: Floats, faces: Ints) -> Mesh:
    """Merge coincident vertices of the same face, and drop the faces that become degenerate.

    A face with a repeated vertex has zero oriented boundary, so a closed mesh stays closed.
    """
    corners = vertices[faces]
    same = (corners == np.roll(corners, -1, axis=1)).all(axis=2).any(axis=1)
    if same.any():
        shared = np.unique(faces[same])
        _, first, inverse = np.unique(
            vertices[shared], axis=0, return_index=True, return_inverse=True
        )
        target = np.arange(len(vertices))
        target[shared] = shared[first][inverse.reshape(-1)]
        faces = target[faces]
        faces = faces[(faces != np.roll(faces, -1, axis=1)).all(axis=1)]
    used, inverse = np.unique(faces, return_inverse=True)
    return Mesh(vertices[used], inverse.reshape(faces.shape).astype(np.int64))
