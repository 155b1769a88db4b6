"""Edits of shapes made of parts, on their latents: replace, remove, move, scale, swap, blend.

A latent (P, L + K) has one row per part: [latent L | rotation R | translation D | scale D |
present 1]; the rotation is a quaternion, w first, or in 2-D an angle in radians. Edits return new
latents; edits of constrained latents are constrained.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from inr.models.parts.poses import MIN_SCALE, is_present, pose_dim, rotation_dim, unwrap_angle

# quaternions with a cosine above this are interpolated linearly, which is then as accurate
_MAX_COSINE = 1 - 1e-6


class _Columns(NamedTuple):
    latent: slice
    rotation: slice
    translation: slice
    scale: slice


def replace_part(latent: Tensor, other: Tensor, part: int, *, dim: int, keep_pose: bool) -> Tensor:
    """Return a latent with one part replaced by that of another shape.

    Args:
        latent: (P, L + K), latent of the shape to edit.
        other: (P, L + K), latent of the shape to take the part from.
        part: index of the part, from 0.
        dim: D, dimension of space.
        keep_pose: whether to keep the pose of the replaced part, which the shape must have; else
            the other part's pose is taken too.

    Raises:
        ValueError: if a shape lacks the part.
    """
    _check_same_size(latent, other)
    _check_present(other, part, "the other shape")
    columns = _columns(latent, dim)
    edited = latent.clone()
    if keep_pose:
        _check_present(latent, part, "the shape")
        edited[part, columns.latent] = other[part, columns.latent]
    else:
        edited[part] = other[part]
    return edited


def remove_part(latent: Tensor, part: int) -> Tensor:
    """Return a latent (P, L + K) with a part removed.

    Raises:
        ValueError: if the shape lacks the part.
    """
    _check_present(latent, part, "the shape")
    edited = latent.clone()
    edited[part, -1] = 0
    return edited


def move_part(latent: Tensor, part: int, offset: Tensor, *, dim: int) -> Tensor:
    """Return a latent (P, L + K) with a part moved by an offset (D,), in box units.

    Raises:
        ValueError: if the shape lacks the part, or the offset is not (D,).
    """
    _check_present(latent, part, "the shape")
    if offset.shape != (dim,):
        raise ValueError(f"offset has shape {tuple(offset.shape)}; {dim}-D needs ({dim},)")
    edited = latent.clone()
    edited[part, _columns(latent, dim).translation] += offset.to(latent)
    return edited


def scale_part(latent: Tensor, part: int, factor: Tensor, *, dim: int) -> Tensor:
    """Return a latent with a part scaled about its own origin; scales stay at least MIN_SCALE.

    Args:
        latent: (P, L + K), latent of the shape to edit.
        part: index of the part, from 0.
        factor: () or (D,), positive factor, along the part's own axes.
        dim: D, dimension of space.

    Raises:
        ValueError: if the shape lacks the part, or a factor is not positive.
    """
    _check_present(latent, part, "the shape")
    if factor.shape not in ((), (dim,)) or not bool((factor > 0).all()):
        raise ValueError(
            f"factor is {factor.tolist()}; give one number above 0, or {dim}, one per axis"
        )
    edited = latent.clone()
    scale = edited[part, _columns(latent, dim).scale]
    scale.copy_((scale * factor.to(latent)).clamp(min=MIN_SCALE))
    return edited


def swap_part(one: Tensor, other: Tensor, part: int) -> tuple[Tensor, Tensor]:
    """Return two latents (P, L + K) with a part exchanged; one of the shapes may lack it.

    Raises:
        ValueError: if both shapes lack the part.
    """
    _check_same_size(one, other)
    if not is_present(one[_check_part(one, part)]):
        _check_present(other, part, "either shape")
    edited, other_edited = one.clone(), other.clone()
    edited[part], other_edited[part] = other[part], one[part]
    return edited, other_edited


def blend_part(one: Tensor, other: Tensor, part: int, fraction: float, *, dim: int) -> Tensor:
    """Return the first latent with one part interpolated towards that of the other.

    Latents and translations are interpolated linearly, scales geometrically, and rotations along
    the shorter arc (slerp: Shoemake, Animating rotation with quaternion curves, SIGGRAPH 1985).

    Args:
        one: (P, L + K), latent of the shape to edit; its other parts do not change.
        other: (P, L + K), latent of the shape to interpolate towards.
        part: index of the part, from 0.
        fraction: position between the two, from 0 for `one` to 1 for `other`.
        dim: D, dimension of space.

    Raises:
        ValueError: if a shape lacks the part, or the fraction is out of range.
    """
    _check_same_size(one, other)
    _check_present(one, part, "the shape")
    _check_present(other, part, "the other shape")
    if not 0 <= fraction <= 1:
        raise ValueError(f"the fraction is {fraction}; it has to lie between 0 and 1")
    columns = _columns(one, dim)
    a, b = one[part], other[part]
    edited = one.clone()
    edited[part] = torch.lerp(a, b, fraction)
    edited[part, columns.scale] = torch.lerp(
        a[columns.scale].log(), b[columns.scale].log(), fraction
    ).exp()
    turn = blend_angles if dim == 2 else blend_quaternions
    edited[part, columns.rotation] = turn(a[columns.rotation], b[columns.rotation], fraction)
    return edited


def blend_angles(one: Tensor, other: Tensor, fraction: float) -> Tensor:
    """Return angles (...) interpolated between two along the shorter arc."""
    return one + fraction * (unwrap_angle(other, one) - one)


def blend_quaternions(one: Tensor, other: Tensor, fraction: float) -> Tensor:
    """Return unit quaternions (..., 4) interpolated between two along the shorter arc."""
    one, other = F.normalize(one, dim=-1), F.normalize(other, dim=-1)
    cosine = (one * other).sum(dim=-1, keepdim=True)
    # q and -q are the same rotation
    other, cosine = torch.where(cosine < 0, -other, other), cosine.abs()
    angle = cosine.clamp(max=_MAX_COSINE).acos()
    arc = (((1 - fraction) * angle).sin() * one + (fraction * angle).sin() * other) / angle.sin()
    return F.normalize(
        torch.where(cosine < _MAX_COSINE, arc, torch.lerp(one, other, fraction)), dim=-1
    )


def _columns(latent: Tensor, dim: int) -> _Columns:
    turn, width = rotation_dim(dim), pose_dim(dim)
    end = latent.shape[-1] - width
    if end < 0:
        raise ValueError(
            f"a latent of {latent.shape[-1]} columns has no pose in {dim}-D, which has {width}"
        )
    ends = [end, end + turn, end + turn + dim, end + turn + 2 * dim]
    return _Columns(slice(0, end), slice(end, ends[1]), slice(ends[1], ends[2]), slice(ends[2], -1))


def _check_same_size(one: Tensor, other: Tensor) -> None:
    if one.shape != other.shape:
        raise ValueError(
            f"latents have shapes {tuple(one.shape)} and {tuple(other.shape)}; parts can only be "
            "exchanged between shapes of the same model"
        )


def _check_part(latent: Tensor, part: int) -> int:
    if not 0 <= part < len(latent):
        raise ValueError(f"there is no part {part}; parts are numbered 0 to {len(latent) - 1}")
    return part


def _check_present(latent: Tensor, part: int, whose: str) -> None:
    there = is_present(latent).nonzero()[:, 0].tolist()
    if _check_part(latent, part) not in there:
        raise ValueError(f"{whose} has no part {part} (of 0 to {len(latent) - 1}); it has {there}")
