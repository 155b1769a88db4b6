"""The outline of a mesh in a picture, differentiably, and how far it is from another outline."""

import numpy as np
import torch
from torch import Tensor

from inr.shapes.mesh import Floats, Ints, Mesh
from inr.shapes.solids.winding import winding_number

# how far beside an edge its outer side is looked at, in lengths of the edge
_BESIDE = 1e-3


def outline_points(vertices: Tensor, faces: Tensor, axes: Tensor) -> Tensor:
    """Return the middles of the edges that bound a closed mesh's silhouette, differentiably.

    The silhouette is what the mesh covers in a parallel projection. In 3-D it is bounded by edges
    between a face that is seen from its front and one that is seen from its back, if nothing
    covers the edge's outer side; holes through the shape have an outline too. In 2-D it is the
    shape itself. Which edges bound it is worked out anew at each call and has no derivative. They
    zigzag along the true outline, so that depth, which a picture does not show, keeps a derivative
    of about 1 % of that of width and height.

    Args:
        vertices: (V, D).
        faces: (F, D), oriented outward.
        axes: (2, D), the orthonormal directions to the right and upwards in the picture.

    Returns:
        (M, 2), in the picture.

    Raises:
        ValueError: if the axes are not (2, D).
    """
    dim = vertices.shape[-1]
    if axes.shape != (2, dim):
        raise ValueError(f"axes have shape {tuple(axes.shape)}; {dim}-D needs (2, {dim})")
    flat = vertices @ axes.to(vertices).T
    points = flat.detach().cpu().numpy().astype(np.float64)
    edges = _facing_boundary(points, faces.cpu().numpy())
    outline = torch.from_numpy(edges[_bound_nothing_behind(points, edges)]).to(faces.device)
    return flat[outline].mean(dim=1)


def outline_distance(points: Tensor, target: Tensor) -> Tensor:
    """Return the mean squared distance to the nearest point, added both ways.

    Args:
        points: (M, 2).
        target: (T, 2), points on the outline that is wanted, about as dense.
    """
    target = target.to(points)
    with torch.no_grad():
        distances = torch.cdist(points, target)
        nearest, nearest_back = distances.argmin(dim=1), distances.argmin(dim=0)
    there = (points - target[nearest]).square().sum(dim=-1).mean()
    back = (points[nearest_back] - target).square().sum(dim=-1).mean()
    return there + back


def _facing_boundary(points: Floats, faces: Ints) -> Ints:
    """Return directed edges (E, 2) around the faces seen from their front, which lie to the left.

    Args:
        points: (V, 2), projected vertices.
        faces: (F, D); those of D = 2 are the edges, turned where the projection is a mirror.
    """
    first, second, *rest = points[faces].swapaxes(0, 1)
    if not rest:
        area = (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]).sum()
        return faces if area > 0 else faces[:, ::-1]
    one, other = second - first, rest[0] - first
    front = faces[one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0] > 0]
    start, end = front.ravel(), np.roll(front, -1, axis=1).ravel()
    there, back = start * len(points) + end, end * len(points) + start
    alone = ~np.isin(there, back)
    return np.stack([start[alone], end[alone]], axis=1)


def _bound_nothing_behind(points: Floats, edges: Ints) -> np.ndarray:
    """Return which edges have no face to their right, (E,) bool.

    As often as the edges wind around a point, faces that are seen from their front cover it.
    """
    if len(edges) == 0:
        return np.zeros(0, dtype=bool)
    along = points[edges[:, 1]] - points[edges[:, 0]]
    right = np.stack([along[:, 1], -along[:, 0]], axis=1)
    beside = points[edges].mean(axis=1) + _BESIDE * right
    return winding_number(Mesh(points, edges), beside) == 0
