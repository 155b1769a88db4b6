"""Poses of parts: where each part's canonical frame lies in the box.

A pose maps canonical to box space by scale, then rotation, then translation. A part's *latent* is
one row of numbers, [latent L | rotation R | translation D | scale D | present 1]; all but the
latent, K = R + 2 D + 1 columns, are its pose. A rotation is a quaternion, w first, or in the plane
an angle in radians.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

# scales are not below this, box units
LEAST_SCALE = 1e-3
# quaternions shorter than this have no direction, and do not turn
_TINY = 1e-6


class Pose(NamedTuple):
    """Poses of P parts, each of any number of shapes.

    Args:
        rotation: (..., P, R), quaternions of any length but 0, or angles.
        translation: (..., P, D), box units.
        scale: (..., P, D), along the canonical axes, positive.
        present: (..., P) bool, whether the shape has the part.
    """

    rotation: Tensor
    translation: Tensor
    scale: Tensor
    present: Tensor


def rotation_dim(dim: int) -> int:
    """Return R, the width of a rotation in D dimensions."""
    return 1 if dim == 2 else 4


def pose_dim(dim: int) -> int:
    """Return K, the width of a pose in D dimensions."""
    return rotation_dim(dim) + 2 * dim + 1


def split(latent: Tensor, dim: int) -> tuple[Tensor, Pose]:
    """Return part latents (..., P, L) and poses of latents (..., P, L + K)."""
    width = latent.shape[-1] - pose_dim(dim)
    part_latents, rotation, translation, scale, present = latent.split(
        [width, rotation_dim(dim), dim, dim, 1], dim=-1
    )
    return part_latents, Pose(rotation, translation, scale, is_present(present))


def is_present(latent: Tensor) -> Tensor:
    """Return which parts a shape has, (..., P) bool, of latents (..., P, L + K), or poses."""
    return latent[..., -1] > 0.5


def nearest_turn(angle: Tensor, to: Tensor) -> Tensor:
    """Return angles (...), in radians, by whole turns within half a turn of others."""
    return to + torch.remainder(angle - to + torch.pi, 2 * torch.pi) - torch.pi


def join(pose: Pose) -> Tensor:
    """Return poses as columns (..., P, K)."""
    present = pose.present[..., None].to(pose.scale.dtype)
    return torch.cat([pose.rotation, pose.translation, pose.scale, present], dim=-1)


def rest_pose(*sizes: int, dim: int) -> Tensor:
    """Return poses (*sizes, K) of present parts whose canonical frame is the box's."""
    pose = torch.zeros(*sizes, pose_dim(dim))
    pose[..., rotation_dim(dim) + dim :] = 1
    if rotation_dim(dim) > 1:
        pose[..., 0] = 1
    return pose


def rotation_matrix(rotation: Tensor) -> Tensor:
    """Return matrices (..., D, D) of quaternions (..., 4), which need no unit length, or angles.

    They are applied to columns: the box's direction of a canonical axis is a column.
    """
    if rotation.shape[-1] == 1:
        cos, sin = rotation[..., 0].cos(), rotation[..., 0].sin()
        return torch.stack([torch.stack([cos, -sin], -1), torch.stack([sin, cos], -1)], -2)
    # quadratic over the squared length: no root, whose derivative has no value at 0
    w, x, y, z = rotation.unbind(-1)
    twice = 2 / rotation.square().sum(dim=-1).clamp(min=_TINY**2)
    rows = [
        [1 - twice * (y * y + z * z), twice * (x * y - z * w), twice * (x * z + y * w)],
        [twice * (x * y + z * w), 1 - twice * (x * x + z * z), twice * (y * z - x * w)],
        [twice * (x * z - y * w), twice * (y * z + x * w), 1 - twice * (x * x + y * y)],
    ]
    return torch.stack([torch.stack(row, -1) for row in rows], -2)


def to_canonical(x: Tensor, pose: Pose) -> Tensor:
    """Return points (B, P, N, D) in the frames of the parts of B shapes, for x (B, N, D)."""
    shapes, parts, dim = pose.scale.shape
    # x is a row: x R / s - t R / s, which is one product
    frame = (rotation_matrix(pose.rotation) / pose.scale[..., None, :]).flatten(0, 1)
    origin = -(pose.translation.reshape(-1, 1, dim) @ frame)
    repeated = x[:, None].expand(-1, parts, -1, -1).reshape(shapes * parts, -1, dim)
    return torch.baddbmm(origin, repeated, frame).view(shapes, parts, -1, dim)


def from_canonical(points: Tensor, pose: Pose) -> Tensor:
    """Return points (B, P, N, D) of the parts' frames in the box: the inverse of to_canonical."""
    frame = rotation_matrix(pose.rotation) * pose.scale[..., None, :]
    return points @ frame.mT + pose.translation[..., None, :]


def constrain(pose: Tensor, dim: int) -> Tensor:
    """Return poses (..., P, K) with quaternions of unit length and positive scales.

    A scale below LEAST_SCALE becomes that, with the derivative of the scale itself, so that one
    that a step has made negative finds its way back. Constrained poses stay as they are, to
    rounding.
    """
    turn = rotation_dim(dim)
    rotation, translation, scale, present = pose.split([turn, dim, dim, 1], dim=-1)
    if turn > 1:
        rotation = F.normalize(rotation, dim=-1, eps=_TINY)
    # the second addend is 0, and has the derivative
    scale = scale.detach().clamp(min=LEAST_SCALE) + (scale - scale.detach())
    return torch.cat([rotation, translation, scale, present], dim=-1)


def mean_pose(pose: Tensor, dim: int) -> Tensor:
    """Return each part's mean pose over the shapes that have it, (P, K), all parts present.

    The mean of quaternions, whose signs mean nothing, is the largest eigenvector of the mean of
    q q^T (Markley et al., Averaging quaternions, 2007, eq. 12-13), that of angles the direction of
    the mean of their unit vectors. A part that no shape has is at rest.

    Args:
        pose: (S, P, K) of S shapes.
        dim: D.
    """
    turn = rotation_dim(dim)
    weight = pose[..., -1:]
    count = weight.sum(dim=0).clamp(min=1)
    mean = (weight * pose).sum(dim=0) / count
    rotation = pose[..., :turn]
    if turn == 1:
        waves = [(weight * rotation.sin()).sum(dim=0), (weight * rotation.cos()).sum(dim=0)]
        mean[..., :1] = torch.atan2(*waves)
    else:
        unit = weight * F.normalize(rotation, dim=-1, eps=_TINY)
        # in double, so that equal rotations have that same mean; not every device has either
        unit = unit.cpu().double()
        axis = torch.linalg.eigh(torch.einsum("spi,spj->pij", unit, unit))[1][..., -1]
        mean[..., :turn] = (axis * torch.where(axis[..., :1] < 0, -1.0, 1.0)).to(pose)
    mean[..., -1] = 1
    never = weight.sum(dim=0) == 0
    return torch.where(never, rest_pose(pose.shape[1], dim=dim).to(pose), mean)
