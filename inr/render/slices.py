"""Slices through 3-D fields, drawn as filled contours."""

from collections.abc import Callable, Sequence

import numpy as np

from inr.render.grid import image_grid
from inr.render.interface import Image, Renderer2D, check_dim
from inr.shapes.mesh import Floats, Mesh, empty_mesh

AXES = "xyz"


def slice_row(
    field: Callable[[Floats], Floats],
    renderer: Renderer2D,
    *,
    axis: int,
    offsets: Sequence[float],
    resolution: int,
    ground_truth: Mesh | None = None,
    size: int | None = None,
    chunk_size: int = 65536,
) -> Image:
    """Draw a row of slices of a 3-D field perpendicular to an axis, the zero level set in black.

    A slice shows the other two axes over [-1, 1]^2, the earlier one to the right and the later one
    upwards: x and y where the axis is z, x and z where it is y, y and z where it is x.

    Args:
        field: function from points (N, 3) float64 in box units to values (N,), negative inside.
        renderer: renderer of a slice, for instance `inr.render.contour.Contour`.
        axis: 0, 1 or 2 for x, y or z.
        offsets: positions of the slices along the axis, box units.
        resolution: points along each side of a slice, at least 2.
        ground_truth: 3-D mesh whose cross-sections are outlined on the slices.
        size: width and height of a slice in pixels; None for `renderer.size`.
        chunk_size: largest number of points per call of the field.

    Returns:
        (H, W, 3) uint8: the slices side by side, each with a title such as "z = 0.50".

    Raises:
        ValueError: if an argument is out of range, the field is not finite or does not return (N,)
            values, or the ground truth is not 3-D.
    """
    if not len(offsets):
        raise ValueError("offsets is empty; give at least one, [-0.5, 0.0, 0.5] for instance")
    pictures = []
    for offset in offsets:
        values = slice_values(
            field, axis=axis, offset=offset, resolution=resolution, chunk_size=chunk_size
        )
        outline = (
            None if ground_truth is None else cross_section(ground_truth, axis=axis, offset=offset)
        )
        pictures.append(renderer.render_field(values, ground_truth=outline, size=size))
    titles = [f"{AXES[axis]} = {offset:.2f}" for offset in offsets]
    return image_grid([pictures], column_titles=titles, row_labels=[""])


def slice_values(
    field: Callable[[Floats], Floats],
    *,
    axis: int,
    offset: float,
    resolution: int,
    chunk_size: int = 65536,
) -> Floats:
    """Evaluate a 3-D field on a uniform grid (R, R) over a slice of the box, endpoints included.

    Entry [i, j] is at index i along the first and j along the second of the other two axes.

    Raises:
        ValueError: if an argument is out of range, or the field does not return (N,) values.
    """
    right, up = _other_axes(axis)
    if resolution < 2:
        raise ValueError(f"resolution is {resolution}; a slice needs at least 2 points per side")
    if chunk_size < 1:
        raise ValueError(f"chunk_size is {chunk_size}; it must be at least 1")
    if not np.isfinite(offset):
        raise ValueError(f"offset is {offset}; it must be a finite number, 0.0 for instance")
    side = np.linspace(-1, 1, resolution)
    points = np.full((resolution**2, len(AXES)), offset, dtype=np.float64)
    points[:, right], points[:, up] = (x.ravel() for x in np.meshgrid(side, side, indexing="ij"))
    values = np.empty(len(points))
    for start in range(0, len(points), chunk_size):
        part = points[start : start + chunk_size]
        result = np.asarray(field(part))
        if result.shape != (len(part),):
            raise ValueError(
                f"the field reflipped values of shape {result.shape} for {len(part)} points; "
                f"it must return ({len(part)},)"
            )
        values[start : start + chunk_size] = result
    return values.reshape(resolution, resolution)


def cross_section(mesh: Mesh, *, axis: int, offset: float) -> Mesh:
    """Return the cross-section of a 3-D mesh with a plane perpendicular to an axis, as a 2-D mesh.

    A vertex on the plane counts as above it, so that the cross-section of a closed mesh is closed.

    Args:
        mesh: 3-D mesh.
        axis: 0, 1 or 2 for x, y or z.
        offset: position of the plane along the axis.

    Returns:
        A mesh in the other two axes, in their order, with the inside to the left of each segment.

    Raises:
        ValueError: if the mesh is not 3-D, or there is no such axis.
    """
    check_dim(mesh, len(AXES), other="a 3-D mesh")
    others = _other_axes(axis)
    height = mesh.vertices[:, axis] - offset
    is_above = height >= 0
    count = is_above[mesh.faces].sum(axis=1)
    faces = mesh.faces[(count > 0) & (count < mesh.faces.shape[1])]
    if len(faces) == 0:
        return empty_mesh(len(others))
    # the corners of each face in cyclic order, starting at the only one on its side of the plane
    above = is_above[faces]
    lone = np.argmax(above == (above.sum(axis=1) == 1)[:, None], axis=1)
    corner = np.take_along_axis(faces, (lone[:, None] + np.arange(faces.shape[1])) % 3, axis=1)
    ends = np.sort(np.stack([corner[:, [0, 1]], corner[:, [0, 2]]], axis=1), axis=2)
    crossed, segments = np.unique(ends.reshape(-1, 2), axis=0, return_inverse=True)
    low, high = height[crossed].T
    fraction = (low / (low - high))[:, None]
    start, end = (mesh.vertices[i][:, others] for i in crossed.T)
    segments = segments.reshape(-1, 2)
    # seen from above the plane, the inside is to the left if the lone corner is above it; for axis
    # y the view with x to the right and z upwards is from below
    mirrored = axis == 1
    flipped = is_above[corner[:, 0]] == mirrored
    segments = np.where(flipped[:, None], segments[:, ::-1], segments)
    return Mesh(start + fraction * (end - start), segments)


def _other_axes(axis: int) -> list[int]:
    if axis not in range(len(AXES)):
        raise ValueError(f"axis is {axis}; it must be 0, 1 or 2 for x, y or z")
    return [i for i in range(len(AXES)) if i != axis]
