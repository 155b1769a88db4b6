"""Poses of parts: the transforms from each part's canonical frame to the box.

A pose maps canonical to box coordinates by scale, then rotation, then translation. The row of a
part in a shape's latent is [latent L | rotation R | translation D | scale D | present 1]; the
last K = R + 2 D + 1 columns are its pose. A rotation is a quaternion, w first, or in 2-D an angle
in radians.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

# smallest scale of a part, box units
MIN_SCALE = 1e-3
# quaternions shorter than this are treated as zero
_TINY = 1e-6


class Pose(NamedTuple):
    """Poses of P parts, of any number of shapes.

    Args:
        rotation: (..., P, R), quaternions of any length but 0, or angles.
        translation: (..., P, D), box units.
        scale: (..., P, D), scale along each canonical axis, positive.
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
    """Split latents (..., P, L + K) into part latents (..., P, L) and poses."""
    width = latent.shape[-1] - pose_dim(dim)
    part_latents, rotation, translation, scale, present = latent.split(
        [width, rotation_dim(dim), dim, dim, 1], dim=-1
    )
    return part_latents, Pose(rotation, translation, scale, is_present(present))


def is_present(latent: Tensor) -> Tensor:
    """Return which parts a shape has, (..., P) bool, for latents (..., P, L + K) or poses."""
    return latent[..., -1] > 0.5


def unwrap_angle(angle: Tensor, to: Tensor) -> Tensor:
    """Return angles (...) shifted by multiples of 2 pi to within pi of the angles `to`."""
    return to + torch.remainder(angle - to + torch.pi, 2 * torch.pi) - torch.pi


def join(pose: Pose) -> Tensor:
    """Return poses as a tensor (..., P, K)."""
    present = pose.present[..., None].to(pose.scale.dtype)
    return torch.cat([pose.rotation, pose.translation, pose.scale, present], dim=-1)


def identity_pose(*sizes: int, dim: int) -> Tensor:
    """Return identity poses (*sizes, K) of present parts."""
    pose = torch.zeros(*sizes, pose_dim(dim))
    pose[..., rotation_dim(dim) + dim :] = 1
    if rotation_dim(dim) > 1:
        pose[..., 0] = 1
    return pose


def rotation_matrix(rotation: Tensor) -> Tensor:
    """Return rotation matrices (..., D, D) of quaternions (..., 4), of any length, or of angles.

    They act on column vectors: column i is canonical axis i in box coordinates.
    """
    if rotation.shape[-1] == 1:
        cos, sin = rotation[..., 0].cos(), rotation[..., 0].sin()
        return torch.stack([torch.stack([cos, -sin], -1), torch.stack([sin, cos], -1)], -2)
    # divided by the squared length: a square root would have no derivative at 0
    w, x, y, z = rotation.unbind(-1)
    twice = 2 / rotation.square().sum(dim=-1).clamp(min=_TINY**2)
    rows = [
        [1 - twice * (y * y + z * z), twice * (x * y - z * w), twice * (x * z + y * w)],
        [twice * (x * y + z * w), 1 - twice * (x * x + z * z), twice * (y * z - x * w)],
        [twice * (x * z - y * w), twice * (y * z + x * w), 1 - twice * (x * x + y * y)],
    ]
    return torch.stack([torch.stack(row, -1) for row in rows], -2)


def to_canonical(x: Tensor, pose: Pose) -> Tensor:
    """Return points x (B, N, D) in the canonical frames of the parts, (B, P, N, D)."""
    shapes, parts, dim = pose.scale.shape
    # for a row vector x: x R / s - t R / s, one product
    frame = (rotation_matrix(pose.rotation) / pose.scale[..., None, :]).flatten(0, 1)
    origin = -(pose.translation.reshape(-1, 1, dim) @ frame)
    repeated = x[:, None].expand(-1, parts, -1, -1).reshape(shapes * parts, -1, dim)
    return torch.baddbmm(origin, repeated, frame).view(shapes, parts, -1, dim)


def from_canonical(points: Tensor, pose: Pose) -> Tensor:
    """Return points (B, P, N, D) of canonical frames in box coordinates, inverting to_canonical."""
    frame = rotation_matrix(pose.rotation) * pose.scale[..., None, :]
    return points @ frame.mT + pose.translation[..., None, :]


def constrain(pose: Tensor, dim: int) -> Tensor:
    """Return poses (..., P, K) with unit quaternions and scales of at least MIN_SCALE.

    Clamped scales keep the derivative of the unclamped ones (straight-through), so that a scale
    can recover after a step has made it negative. Constrained poses do not change, up to rounding.
    """
    turn = rotation_dim(dim)
    rotation, translation, scale, present = pose.split([turn, dim, dim, 1], dim=-1)
    if turn > 1:
        rotation = F.normalize(rotation, dim=-1, eps=_TINY)
    # the second addend is 0 and carries the derivative
    scale = scale.detach().clamp(min=MIN_SCALE) + (scale - scale.detach())
    return torch.cat([rotation, translation, scale, present], dim=-1)


def mean_pose(pose: Tensor, dim: int) -> Tensor:
    """Return each part's mean pose over the shapes that have it, (P, K), all parts present.

    The mean of quaternions, whose sign is arbitrary, is the eigenvector of the mean of q q^T with
    the largest eigenvalue (Markley et al., Averaging quaternions, 2007, eq. 12-13); that of angles
    is the direction of the mean of their unit vectors. A part that no shape has gets the identity.

    Args:
        pose: (S, P, K), poses of S shapes.
        dim: D, dimension of space.
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
        # in float64, so that the mean of equal rotations is exact; on the CPU, as not every device
        # has float64 and eigh
        unit = unit.cpu().double()
        axis = torch.linalg.eigh(torch.einsum("spi,spj->pij", unit, unit))[1][..., -1]
        mean[..., :turn] = (axis * torch.where(axis[..., :1] < 0, -1.0, 1.0)).to(pose)
    mean[..., -1] = 1
    never = weight.sum(dim=0) == 0
    return torch.where(never, identity_pose(pose.shape[1], dim=dim).to(pose), mean)
