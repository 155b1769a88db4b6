import math

import pytest
import torch
from scipy.spatial.transform import Rotation, Slerp

from inr.models.parts.edits import (
    blend_angles,
    blend_part,
    blend_quaternions,
    move_part,
    remove_part,
    replace_part,
    scale_part,
    swap_part,
)
from inr.models.parts.poses import MIN_SCALE

CODE = 3
PARTS = 4


def draw_latent(dim: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    turn = 1 if dim == 2 else 4
    rotation = torch.nn.functional.normalize(torch.randn(PARTS, turn, generator=generator), dim=-1)
    scale = 0.2 + torch.rand(PARTS, dim, generator=generator)
    latent = torch.randn(PARTS, CODE, generator=generator)
    place = torch.randn(PARTS, dim, generator=generator)
    return torch.cat([latent, rotation, place, scale, torch.ones(PARTS, 1)], dim=-1).double()


def named(row: torch.Tensor, dim: int) -> dict[str, torch.Tensor]:
    turn = 1 if dim == 2 else 4
    values = row.split([CODE, turn, dim, dim, 1])
    return dict(zip(["latent", "rotation", "translation", "scale", "present"], values, strict=True))


def differs_in(one, other, dim) -> dict[int, set[str]]:
    """Which parts differ, and in what."""
    found = {}
    for part, (a, b) in enumerate(zip(one, other, strict=True)):
        names = {k for k, v in named(a, dim).items() if not torch.equal(v, named(b, dim)[k])}
        if names:
            found[part] = names
    return found


@pytest.fixture(params=[2, 3])
def latents(request):
    dim = request.param
    return dim, draw_latent(dim, 0), draw_latent(dim, 1)


def test_replace(latents):
    dim, one, other = latents
    before = one.clone()
    got = replace_part(one, other, 2, dim=dim, keep_pose=False)
    assert torch.equal(got[2], other[2]) and list(differs_in(got, one, dim)) == [2]
    got = replace_part(one, other, 2, dim=dim, keep_pose=True)
    assert differs_in(got, one, dim) == {2: {"latent"}}
    assert torch.equal(got[2, :CODE], other[2, :CODE])
    assert torch.equal(one, before)


def test_remove(latents):
    dim, one, _ = latents
    got = remove_part(one, 1)
    assert differs_in(got, one, dim) == {1: {"present"}} and got[1, -1] == 0
    # what was removed can be given again
    again = replace_part(got, one, 1, dim=dim, keep_pose=False)
    assert torch.equal(again, one)


def test_move_and_scale(latents):
    dim, one, _ = latents
    offset = torch.arange(1.0, dim + 1)
    got = move_part(one, 3, offset, dim=dim)
    assert differs_in(got, one, dim) == {3: {"translation"}}
    moved = named(got[3], dim)["translation"] - named(one[3], dim)["translation"]
    torch.testing.assert_close(moved, offset.double())
    for factor in (torch.tensor(2.0), offset):
        got = scale_part(one, 0, factor, dim=dim)
        assert differs_in(got, one, dim)[0] == {"scale"}
        ratio = named(got[0], dim)["scale"] / named(one[0], dim)["scale"]
        torch.testing.assert_close(ratio, factor.double().expand(dim))
    got = scale_part(one, 0, torch.tensor(1e-9), dim=dim)
    assert (named(got[0], dim)["scale"] == MIN_SCALE).all()


def test_swap(latents):
    dim, one, other = latents
    a, b = swap_part(one, other, 1)
    assert torch.equal(a[1], other[1]) and torch.equal(b[1], one[1])
    assert list(differs_in(a, one, dim)) == list(differs_in(b, other, dim)) == [1]
    back = swap_part(a, b, 1)
    assert torch.equal(back[0], one) and torch.equal(back[1], other)
    # one may lack the part, and then the other does
    a, b = swap_part(remove_part(one, 1), other, 1)
    assert a[1, -1] == 1 and b[1, -1] == 0


def test_blend(latents):
    dim, one, other = latents
    got = blend_part(one, other, 2, 0.25, dim=dim)
    assert list(differs_in(got, one, dim)) == [2]
    a, b, c = (named(latent[2], dim) for latent in (one, other, got))
    for name in ("latent", "translation"):
        torch.testing.assert_close(c[name], 0.75 * a[name] + 0.25 * b[name])
    torch.testing.assert_close(c["scale"], a["scale"] ** 0.75 * b["scale"] ** 0.25)
    assert c["present"] == 1
    for fraction, end in ((0, one), (1, other)):
        got = blend_part(one, other, 2, fraction, dim=dim)[2]
        sign = torch.ones_like(got)
        if dim == 3 and (one[2, CODE : CODE + 4] @ other[2, CODE : CODE + 4]) < 0 and fraction == 1:
            sign[CODE : CODE + 4] = -1  # the same rotation
        torch.testing.assert_close(got * sign, end[2])


@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.5, 1.0])
def test_quaternions_turn_at_a_constant_rate_the_shorter_way(fraction):
    ends = Rotation.random(40, random_state=0), Rotation.random(40, random_state=1)
    one, other = (torch.from_numpy(end.as_quat(scalar_first=True)) for end in ends)
    for sign in (1, -1):
        got = blend_quaternions(one, sign * other, fraction)
        torch.testing.assert_close(got.norm(dim=-1), torch.ones(40).double())
        for k in range(40):
            both = Rotation.concatenate([ends[0][k], ends[1][k]])
            wanted = Slerp([0, 1], both)(fraction)
            found = Rotation.from_quat(got[k].numpy(), scalar_first=True)
            assert (found * wanted.inv()).magnitude() < 1e-6


def test_quaternions_that_are_the_same():
    one = torch.tensor([0.5, 0.5, 0.5, 0.5], requires_grad=True)
    for other in (one.detach(), -one.detach(), one.detach() + 1e-7):
        got = blend_quaternions(one, other, 0.3)
        torch.testing.assert_close(got, one, rtol=0, atol=1e-6)
        (gradient,) = torch.autograd.grad(got.sum(), one)
        assert gradient.isfinite().all()


def test_angles_turn_the_shorter_way():
    one, other = torch.tensor([0.1, 3.0, -3.0, 0.0]), torch.tensor([0.5, -3.0, 3.0, 7.0])
    way = torch.tensor([0.4, 2 * math.pi - 6, 6 - 2 * math.pi, 7 - 2 * math.pi])
    torch.testing.assert_close(blend_angles(one, other, 0.25), one + 0.25 * way)


def test_what_cannot_be_edited(latents):
    dim, one, other = latents
    lacking = remove_part(one, 2)
    offset = torch.zeros(dim)
    for part in (-1, PARTS):
        for edit in (
            lambda p: remove_part(one, p),
            lambda p: replace_part(one, other, p, dim=dim, keep_pose=False),
            lambda p: move_part(one, p, offset, dim=dim),
            lambda p: swap_part(one, other, p),
        ):
            with pytest.raises(ValueError, match=f"no part {part}; parts are numbered 0 to 3"):
                edit(part)
    missing = r"no part 2 \(of 0 to 3\); it has \[0, 1, 3\]"
    for edit in (
        lambda: remove_part(lacking, 2),
        lambda: move_part(lacking, 2, offset, dim=dim),
        lambda: scale_part(lacking, 2, torch.tensor(2.0), dim=dim),
        lambda: replace_part(one, lacking, 2, dim=dim, keep_pose=False),
        lambda: replace_part(lacking, one, 2, dim=dim, keep_pose=True),
        lambda: swap_part(lacking, lacking, 2),
        lambda: blend_part(lacking, one, 2, 0.5, dim=dim),
        lambda: blend_part(one, lacking, 2, 0.5, dim=dim),
    ):
        with pytest.raises(ValueError, match=missing):
            edit()
    with pytest.raises(ValueError, match=rf"needs \({dim},\)"):
        move_part(one, 0, torch.zeros(dim + 1), dim=dim)
    for factor in (torch.tensor(0.0), torch.tensor([1.0] * (dim - 1) + [-1.0])):
        with pytest.raises(ValueError, match="above 0"):
            scale_part(one, 0, factor, dim=dim)
    with pytest.raises(ValueError, match="between 0 and 1"):
        blend_part(one, other, 0, 1.5, dim=dim)
    with pytest.raises(ValueError, match="same model"):
        swap_part(one, other[:2], 0)
    with pytest.raises(ValueError, match="has no pose"):
        move_part(one[:, -3:], 0, offset, dim=dim)
