import math

import pytest
import torch
from torch import nn

from inr.models.inr import Field
from inr.models.poses import rest_pose, rotation_dim, split, to_canonical
from inr.models.silhouettes import outline_distance, outline_points
from inr.models.vertices import mesh_volume
from inr.optimize import fit_shape, moving_vertices
from inr.reconstruct import decode_mesh
from tests.making import make_codes, make_mlp, make_model, make_part_codes, make_part_mlp


class Ellipsoid(nn.Module):
    """The code is the half-axes; the field is a distance at the surface, to first order."""

    def forward(self, x, codes):
        axes = codes[:, None]
        scaled = (x / axes).norm(dim=-1, keepdim=True)
        slope = (x / axes**2).norm(dim=-1, keepdim=True)
        return scaled * (scaled - 1) / slope.clamp(min=1e-6)


def ellipsoids(dim):
    return make_model(Ellipsoid(), make_codes(1, dim))


def fit(model, code, target, **changes):
    settings = {
        "dim": len(code),
        "steps": 40,
        "lr": 0.02,
        "resolution": 40,
        "coarse_to_fine": False,
    }
    return fit_shape(model, code, target, **{**settings, **changes})


def ellipse(half_axes, number=200):
    angle = torch.arange(number) * 2 * math.pi / number
    return torch.stack([half_axes[0] * angle.cos(), half_axes[1] * angle.sin()], dim=-1)


@pytest.mark.parametrize("dim", [2, 3])
def test_a_volume_is_reached(dim):
    def off(vertices, faces):
        return (mesh_volume(vertices, faces) - 0.9).square()

    start = torch.full((dim,), 0.4)
    got = fit(ellipsoids(dim), start, off, steps=100)
    assert got.mesh.volume() == pytest.approx(0.9, rel=0.01)
    assert len(got.history) == 101 and got.history[-1] < 1e-4 < got.history[0]
    # nothing prefers one axis
    torch.testing.assert_close(got.code, got.code.mean().expand(dim), rtol=0.01, atol=0)
    assert torch.equal(start, torch.full((dim,), 0.4)) and not got.code.requires_grad


@pytest.mark.parametrize("dim", [2, 3])
def test_a_silhouette_is_reached(dim):
    target = ellipse([0.7, 0.3])
    axes = torch.eye(dim)[:2]

    def off(vertices, faces):
        return outline_distance(outline_points(vertices, faces, axes), target)

    got = fit(ellipsoids(dim), torch.full((dim,), 0.45), off, steps=60)
    torch.testing.assert_close(got.code[:2], torch.tensor([0.7, 0.3]), rtol=0, atol=0.01)


def test_what_is_closed_on_the_wall_of_the_box_stays():
    # a disc of radius 1.2 is cut off by the box but for 4 arcs, which alone move
    model, radius = ellipsoids(2), torch.tensor(1.2, requires_grad=True)
    code = radius.expand(2)
    mesh = decode_mesh(model, code.detach(), dim=2, resolution=200, coarse_to_fine=False)
    vertices = moving_vertices(model, code, mesh)
    torch.testing.assert_close(vertices.detach().double(), torch.from_numpy(mesh.vertices))
    (slope,) = torch.autograd.grad(mesh_volume(vertices, torch.from_numpy(mesh.faces)), radius)
    arcs = 1.2 * (2 * math.pi - 8 * math.acos(1 / 1.2))
    assert slope.item() == pytest.approx(arcs, rel=0.02)


def test_what_is_not_free_stays():
    def off(vertices, faces):
        return (mesh_volume(vertices, faces) - 0.6).square()

    free = torch.tensor([False, True])
    got = fit(ellipsoids(2), torch.tensor([0.4, 0.4]), off, free=free)
    assert got.code[0] == torch.tensor(0.4)
    assert math.pi * 0.4 * got.code[1].item() == pytest.approx(0.6, rel=0.01)
    with pytest.raises(ValueError, match=r"free has shape \(3,\)"):
        fit(ellipsoids(2), torch.tensor([0.4, 0.4]), off, free=torch.ones(3, dtype=torch.bool))


def test_the_network_is_frozen_and_the_norm_bound_holds():
    torch.manual_seed(0)
    body = make_mlp(dim=2, code_dim=4)

    class Bumpy(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = body

        def forward(self, x, codes):
            return x.norm(dim=-1, keepdim=True) - 0.5 + 0.3 * self.inner(x, codes)

    model = make_model(Bumpy(), make_codes(1, 4, max_norm=1.0))
    before = [p.detach().clone() for p in model.parameters()]
    got = fit(model, torch.zeros(4), mesh_volume, steps=30, lr=0.2, dim=2)
    assert got.history[-1] < got.history[0]
    assert got.code.norm() <= 1 + 1e-6
    for old, parameter in zip(before, model.parameters(), strict=True):
        assert torch.equal(old, parameter) and parameter.requires_grad and parameter.grad is None


def test_failures_are_said():
    with pytest.raises(FloatingPointError, match="no surface after 0 steps"):
        fit(ellipsoids(2), torch.tensor([1e-3, 1e-3]), mesh_volume)
    with pytest.raises(FloatingPointError, match="the loss is nan after 0 steps"):
        fit(ellipsoids(2), torch.tensor([0.4, 0.4]), lambda v, f: v.sum() * math.nan)


def part_model(dim):
    """Two parts side by side, bent by their codes, and their state."""
    torch.manual_seed(3)
    body = make_part_mlp(dim=dim, code_dim=3, num_parts=2, hidden_dim=16, num_layers=2)

    class Bumpy(nn.Module):
        def forward(self, x, states):
            values = body(x, states).parts
            pose = split(states, dim)[1]
            balls = to_canonical(x, pose).norm(dim=-1).mT - 1
            parts = pose.scale.mean(dim=-1)[:, None] * balls + 0.15 * values
            return Field(parts.min(dim=-1, keepdim=True)[0], parts)

    pose = rest_pose(1, 2, dim=dim)
    turn = rotation_dim(dim)
    pose[0, :, turn] = torch.tensor([-0.45, 0.4])
    pose[..., turn + dim : -1] = 0.3 + 0.1 * torch.rand(1, 2, dim)
    latents = make_part_codes(1, 3, dim=dim, num_parts=2, poses={"s0": pose[0]})
    return make_model(Bumpy(), latents).eval(), latents(torch.arange(1))[0].detach()


@pytest.mark.parametrize("dim", [2, 3])
def test_volumes_follow_codes_and_poses_of_parts(dim):
    model, state = part_model(dim)
    grid = {"dim": dim, "resolution": 100 if dim == 2 else 40, "coarse_to_fine": False}

    def volume(state):
        mesh = decode_mesh(model, state.detach(), **grid)
        return mesh_volume(moving_vertices(model, state, mesh), torch.from_numpy(mesh.faces))

    values = state.clone().requires_grad_(True)
    (slope,) = torch.autograd.grad(volume(values), values)
    assert (slope[:, -1] == 0).all()  # whether a part is there
    step, found = 0.01, torch.zeros_like(state)
    for part in range(2):
        for column in range(state.shape[1] - 1):
            change = torch.zeros_like(state)
            change[part, column] = step
            sides = volume(state + change) - volume(state - change)
            found[part, column] = sides.detach() / (2 * step)
    assert found.abs().max() > 0.5
    torch.testing.assert_close(slope, found, rtol=0, atol=0.03 * float(found.abs().max()))


def test_one_part_moves_where_nothing_else_is_free():
    model, state = part_model(2)
    free = torch.zeros_like(state, dtype=torch.bool)
    place = slice(3 + rotation_dim(2), 3 + rotation_dim(2) + 2)
    free[1, place] = True

    def off(vertices, faces):
        right = vertices[vertices[:, 0] > 0]
        return (right.mean(dim=0) - torch.tensor([0.45, 0.1])).square().sum()

    got = fit(model, state, off, steps=30, dim=2, free=free)
    assert got.history[-1] < 0.1 * got.history[0]
    moved = got.code != state
    assert moved[1, place].all() and moved.sum() == 2
