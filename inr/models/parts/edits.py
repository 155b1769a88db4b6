"""Edits of shapes made of parts, on their latents: replace, remove, move, scale, swap, blend.

A latent (P, L + K) has a row a part: [latent L | rotation R | translation D | scale D | present 1],
with a quaternion, w first, or in the plane an angle in radians. Edits return new latents, with
poses that need no further constraint where those given needed none.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from inr.models.parts.poses import LEAST_SCALE, is_present, nearest_turn, pose_dim, rotation_dim

# quaternions nearer than this, as a cosine, are blended along the chord, which is the same
_SAME = 1 - 1e-6


class _Columns(NamedTuple):
    latent: slice
    rotation: slice
    translation: slice
    scale: slice


def replace_part(latent: Tensor, other: Tensor, part: int, *, dim: int, keep_pose: bool) -> Tensor:
    """Return a latent whose part is that of another shape.

    Args:
        latent: (P, L + K).
        other: (P, L + K), of the shape that has the part.
        part: from 0.
        dim: D.
        keep_pose: whether the part takes the place of the one that it replaces, which then has to
            be there, or comes with its own.

    Raises:
        ValueError: if there is no such part.
    """
    _check_alike(latent, other)
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
    """Return a latent (P, L + K) without a part.

    Raises:
        ValueError: if the shape has no such part.
    """
    _check_present(latent, part, "the shape")
    edited = latent.clone()
    edited[part, -1] = 0
    return edited


def move_part(latent: Tensor, part: int, offset: Tensor, *, dim: int) -> Tensor:
    """Return a latent (P, L + K) with a part moved by an offset (D,), box units.

    Raises:
        ValueError: if the shape has no such part, or the offset is not (D,).
    """
    _check_present(latent, part, "the shape")
    if offset.shape != (dim,):
        raise ValueError(f"offset has shape {tuple(offset.shape)}; {dim}-D needs ({dim},)")
    edited = latent.clone()
    edited[part, _columns(latent, dim).translation] += offset.to(latent)
    return edited


def scale_part(latent: Tensor, part: int, factor: Tensor, *, dim: int) -> Tensor:
    """Return a latent (P, L + K) with a part scaled about its own centre, to LEAST_SCALE at least.

    Args:
        latent: (P, L + K).
        part: from 0.
        factor: () or (D,) along the part's own axes, positive.
        dim: D.

    Raises:
        ValueError: if the shape has no such part, or a factor is not positive.
    """
    _check_present(latent, part, "the shape")
    if factor.shape not in ((), (dim,)) or not bool((factor > 0).all()):
        raise ValueError(
            f"factor is {factor.tolist()}; give one number above 0, or {dim}, one an axis"
        )
    edited = latent.clone()
    scale = edited[part, _columns(latent, dim).scale]
    scale.copy_((scale * factor.to(latent)).clamp(min=LEAST_SCALE))
    return edited


def swap_part(one: Tensor, other: Tensor, part: int) -> tuple[Tensor, Tensor]:
    """Return two latents (P, L + K) that have exchanged a part, which one of them may lack.

    Raises:
        ValueError: if neither has such a part.
    """
    _check_alike(one, other)
    if not is_present(one[_check_part(one, part)]):
        _check_present(other, part, "either shape")
    edited, other_edited = one.clone(), other.clone()
    edited[part], other_edited[part] = other[part], one[part]
    return edited, other_edited


def blend_part(one: Tensor, other: Tensor, part: int, fraction: float, *, dim: int) -> Tensor:
    """Return the first latent with one part on its way to that of the other.

    Latents and translations are interpolated linearly, scales geometrically, and rotations along
    the shorter arc at a constant rate (Shoemake, Animating rotation with quaternion curves,
    SIGGRAPH 1985).

    Args:
        one: (P, L + K), whose other parts stay.
        other: (P, L + K).
        part: from 0.
        fraction: of the way, from 0 to 1.
        dim: D.

    Raises:
        ValueError: if one of them has no such part, or the fraction is out of range.
    """
    _check_alike(one, other)
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
    """Return angles (...) between two, the shorter way round."""
    return one + fraction * (nearest_turn(other, one) - one)


def blend_quaternions(one: Tensor, other: Tensor, fraction: float) -> Tensor:
    """Return unit quaternions (..., 4) between two, the shorter way round."""
    one, other = F.normalize(one, dim=-1), F.normalize(other, dim=-1)
    cosine = (one * other).sum(dim=-1, keepdim=True)
    # q and -q are the same rotation
    other, cosine = torch.where(cosine < 0, -other, other), cosine.abs()
    angle = cosine.clamp(max=_SAME).acos()
    arc = (((1 - fraction) * angle).sin() * one + (fraction * angle).sin() * other) / angle.sin()
    return F.normalize(torch.where(cosine < _SAME, arc, torch.lerp(one, other, fraction)), dim=-1)


def _columns(latent: Tensor, dim: int) -> _Columns:
    turn, width = rotation_dim(dim), pose_dim(dim)
    end = latent.shape[-1] - width
    if end < 0:
        raise ValueError(
            f"a latent of {latent.shape[-1]} columns has no pose in {dim}-D, which has {width}"
        )
    ends = [end, end + turn, end + turn + dim, end + turn + 2 * dim]
    return _Columns(slice(0, end), slice(end, ends[1]), slice(ends[1], ends[2]), slice(ends[2], -1))


def _check_alike(one: Tensor, other: Tensor) -> None:
    if one.shape != other.shape:
        raise ValueError(
            f"latents have shapes {tuple(one.shape)} and {tuple(other.shape)}; parts go from one "
            "shape to another of the same model"
        )


def _check_part(latent: Tensor, part: int) -> int:
    if not 0 <= part < len(latent):
        raise ValueError(f"there is no part {part}; parts are numbered 0 to {len(latent) - 1}")
    return part


def _check_present(latent: Tensor, part: int, whose: str) -> None:
    there = is_present(latent).nonzero()[:, 0].tolist()
    if _check_part(latent, part) not in there:
        raise ValueError(f"{whose} has no part {part} (of 0 to {len(latent) - 1}); it has {there}")
