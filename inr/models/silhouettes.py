"""Differentiable outline of a mesh in a parallel projection, and the distance of two outlines."""

import numpy as np
import torch
from torch import Tensor

from inr.shapes.mesh import Floats, Ints, Mesh
from inr.shapes.solids.winding import winding_number

# distance from an edge at which its outer side is tested, relative to the edge's length
_BESIDE = 1e-3


def outline_points(vertices: Tensor, faces: Tensor, axes: Tensor) -> Tensor:
    """Return the midpoints of the edges on the outline of a closed mesh, differentiably.

    The outline is the boundary of the mesh's parallel projection, holes included. In 3-D its edges
    lie between a front-facing and a back-facing face, and no face is projected onto their outer
    side. In 2-D it is the shape itself. The selection of edges is computed at each call and is not
    differentiated. The edges zigzag along the exact outline, so derivatives with respect to depth
    do not vanish, but are about 1 % of those with respect to width and height.

    Args:
        vertices: (V, D), vertices of the mesh.
        faces: (F, D), faces, oriented outward.
        axes: (2, D), orthonormal right and up directions of the image.

    Returns:
        (M, 2), image coordinates.

    Raises:
        ValueError: if the axes are not (2, D).
    """
    dim = vertices.shape[-1]
    if axes.shape != (2, dim):
        raise ValueError(f"axes have shape {tuple(axes.shape)}; {dim}-D needs (2, {dim})")
    flat = vertices @ axes.to(vertices).T
    points = flat.detach().cpu().numpy().astype(np.float64)
    edges = _facing_boundary(points, faces.cpu().numpy())
    outline = torch.from_numpy(edges[_is_outline(points, edges)]).to(faces.device)
    return flat[outline].mean(dim=1)


def outline_distance(points: Tensor, target: Tensor) -> Tensor:
    """Return the sum of both directed mean squared distances to the nearest point.

    Args:
        points: (M, 2), points of an outline.
        target: (T, 2), points of the target outline, of about the same density.
    """
    target = target.to(points)
    with torch.no_grad():
        distances = torch.cdist(points, target)
        nearest, nearest_back = distances.argmin(dim=1), distances.argmin(dim=0)
    there = (points - target[nearest]).square().sum(dim=-1).mean()
    back = (points[nearest_back] - target).square().sum(dim=-1).mean()
    return there + back


def _facing_boundary(points: Floats, faces: Ints) -> Ints:
    """Return the boundary edges (E, 2) of the front-facing faces, which lie to their left.

    Args:
        points: (V, 2), projected vertices.
        faces: (F, D), faces; in 2-D the edges themselves, reversed if the projection mirrors.
    """
    first, second, *rest = points[faces].swapaxes(0, 1)
    if not rest:
        area = (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]).sum()
        return faces if area > 0 else faces[:, ::-1]
    one, other = second - first, rest[0] - first
    front = faces[one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0] > 0]
    start, end = front.ravel(), np.roll(front, -1, axis=1).ravel()
    there, back = start * len(points) + end, end * len(points) + start
    on_boundary = ~np.isin(there, back)
    return np.stack([start[on_boundary], end[on_boundary]], axis=1)


def _is_outline(points: Floats, edges: Ints) -> np.ndarray:
    """Return which edges have no face to their right, (E,) bool.

    The winding number of the edges around a point is the number of front-facing faces over it.
    """
    if len(edges) == 0:
        return np.zeros(0, dtype=bool)
    along = points[edges[:, 1]] - points[edges[:, 0]]
    right = np.stack([along[:, 1], -along[:, 0]], axis=1)
    beside = points[edges].mean(axis=1) + _BESIDE * right
    return winding_number(Mesh(points, edges), beside) == 0
