import math
from functools import lru_cache

import numpy as np
import pytest
import torch

from inr.models.decoder import Decoder
from inr.models.parts.poses import identity_pose, rotation_dim
from inr.models.silhouettes import outline_distance, outline_points
from inr.models.vertices import mesh_volume
from inr.reconstruct import decode_mesh
from inr.reconstruct.optimize import fit_shape, moving_vertices
from tests.support.making import (
    make_latents,
    make_mlp,
    make_model,
    make_part_latents,
    make_part_mlp,
)


class Ellipsoid(Decoder):
    """The latent is the half-axes; the field is a distance at the surface, to first order."""

    def forward(self, x, latents):
        axes = latents[:, None]
        scaled = (x / axes).norm(dim=-1, keepdim=True)
        slope = (x / axes**2).norm(dim=-1, keepdim=True)
        return scaled * (scaled - 1) / slope.clamp(min=1e-6)


def ellipsoids(dim):
    return make_model(Ellipsoid(), make_latents(1, dim))


def fit(model, latent, target, **changes):
    settings = {
        "dim": len(latent),
        "steps": 40,
        "lr": 0.02,
        "resolution": 40,
        "coarse_to_fine": False,
    }
    return fit_shape(model, latent, target, **{**settings, **changes})


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
    torch.testing.assert_close(got.latent, got.latent.mean().expand(dim), rtol=0.01, atol=0)
    assert torch.equal(start, torch.full((dim,), 0.4)) and not got.latent.requires_grad


@pytest.mark.parametrize("dim", [2, 3])
def test_a_silhouette_is_reached(dim):
    target = ellipse([0.7, 0.3])
    axes = torch.eye(dim)[:2]

    def off(vertices, faces):
        return outline_distance(outline_points(vertices, faces, axes), target)

    got = fit(ellipsoids(dim), torch.full((dim,), 0.45), off, steps=60)
    torch.testing.assert_close(got.latent[:2], torch.tensor([0.7, 0.3]), rtol=0, atol=0.01)


def test_what_is_closed_on_the_wall_of_the_box_stays():
    # a disc of radius 1.2 is cut off by the box but for 4 arcs, which alone move
    model, radius = ellipsoids(2), torch.tensor(1.2, requires_grad=True)
    latent = radius.expand(2)
    mesh = decode_mesh(model, latent.detach(), dim=2, resolution=200, coarse_to_fine=False)
    vertices = moving_vertices(model, latent, mesh)
    torch.testing.assert_close(vertices.detach().double(), torch.from_numpy(mesh.vertices))
    (slope,) = torch.autograd.grad(mesh_volume(vertices, torch.from_numpy(mesh.faces)), radius)
    arcs = 1.2 * (2 * math.pi - 8 * math.acos(1 / 1.2))
    assert slope.item() == pytest.approx(arcs, rel=0.02)


def test_what_is_not_free_stays():
    def off(vertices, faces):
        return (mesh_volume(vertices, faces) - 0.6).square()

    free = torch.tensor([False, True])
    got = fit(ellipsoids(2), torch.tensor([0.4, 0.4]), off, free=free)
    assert got.latent[0] == torch.tensor(0.4)
    assert math.pi * 0.4 * got.latent[1].item() == pytest.approx(0.6, rel=0.01)
    with pytest.raises(ValueError, match=r"free has shape \(3,\)"):
        fit(ellipsoids(2), torch.tensor([0.4, 0.4]), off, free=torch.ones(3, dtype=torch.bool))


def test_the_network_is_frozen_and_the_norm_bound_holds():
    torch.manual_seed(0)
    decoder = make_mlp(dim=2, latent_dim=4)

    class Bumpy(Decoder):
        def __init__(self):
            super().__init__()
            self.inner = decoder

        def forward(self, x, latents):
            return x.norm(dim=-1, keepdim=True) - 0.5 + 0.3 * self.inner(x, latents)

    model = make_model(Bumpy(), make_latents(1, 4, max_norm=1.0))
    before = [p.detach().clone() for p in model.parameters()]
    got = fit(model, torch.zeros(4), mesh_volume, steps=30, lr=0.2, dim=2)
    assert got.history[-1] < got.history[0]
    assert got.latent.norm() <= 1 + 1e-6
    for old, parameter in zip(before, model.parameters(), strict=True):
        assert torch.equal(old, parameter) and parameter.requires_grad and parameter.grad is None


def test_failures_are_said():
    with pytest.raises(FloatingPointError, match="no surface after 0 steps"):
        fit(ellipsoids(2), torch.tensor([1e-3, 1e-3]), mesh_volume)
    with pytest.raises(FloatingPointError, match="the loss is nan after 0 steps"):
        fit(ellipsoids(2), torch.tensor([0.4, 0.4]), lambda v, f: v.sum() * math.nan)


@lru_cache
def part_model(dim):
    """A network of parts that learned a ball, bent by latents; a shape of two of three parts."""
    torch.manual_seed(0)
    decoder = make_part_mlp(dim=dim, latent_dim=2)
    turn = torch.tensor([[0.9, 0.1, 0.2, 0.4], [0.9, -0.2, 0.3, -0.2], [1, 0, 0, 0]])
    turn = torch.tensor([[0.5], [-0.4], [0]]) if dim == 2 else turn
    middles = torch.tensor([[-0.45, 0.2, 0.3], [0.45, -0.3, -0.2], [0, 0, 0]])[:, :dim]
    halves = torch.tensor([[0.5, 0.25, 0.35], [0.3, 0.6, 0.4], [1, 1, 1]])[:, :dim]
    there = torch.tensor([[1.0], [1.0], [0.0]])
    pose = torch.cat([turn, middles, halves, there], dim=-1)
    table = make_part_latents(1, 2, dim=dim, poses={"s0": pose})
    model = make_model(decoder, table)
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(decoder.parameters(), lr=0.02)
    for _ in range(150):
        x = 2.4 * torch.rand(4, 64, dim, generator=generator) - 1.2
        part_latents = torch.randn(4, 3, 2, generator=generator)
        latents = torch.cat([part_latents, identity_pose(4, 3, dim=dim)], dim=-1)
        radius = (
            0.8
            + 0.15 * part_latents[:, None].sum(dim=-1)
            + 0.15 * x[..., :1] * part_latents[:, None, :, 0]
        )
        loss = (decoder(x, latents).parts - (x.norm(dim=-1, keepdim=True) - radius)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval(), table(torch.arange(1))[0].detach()


def swollen_volume(vertices, faces):
    """A volume that depends on where parts are and how they are turned, without a crease."""
    weights = torch.tensor([1.0, 0.5, 2.0], dtype=vertices.dtype)[: vertices.shape[-1]]
    return mesh_volume(vertices + weights * vertices**3, faces)


def worst_slopes(model, latent, measure, *, dim, resolution):
    """Return how far the gradient of a mesh's measure is off, held against meshes of other latents.

    Of latent, rotation, translation and scale each: as a fraction of the largest slope of its
    columns.
    """

    def extract(latent):
        mesh = decode_mesh(model, latent, dim=dim, resolution=resolution, coarse_to_fine=False)
        assert np.abs(mesh.vertices).max() < 1  # the wall holds nothing back
        return mesh

    def of(latent):
        mesh = extract(latent)
        return measure(torch.from_numpy(mesh.vertices), torch.from_numpy(mesh.faces))

    values, mesh = latent.clone().requires_grad_(True), extract(latent)
    vertices = moving_vertices(model, values, mesh)
    (slope,) = torch.autograd.grad(measure(vertices, torch.from_numpy(mesh.faces)), values)
    assert (slope[:, -1] == 0).all() and (slope[2] == 0).all()  # what is there; what is not
    found, step = torch.zeros_like(latent), 0.02
    for part in range(2):
        for column in range(latent.shape[1] - 1):
            change = torch.zeros_like(latent)
            change[part, column] = step
            found[part, column] = (of(latent + change) - of(latent - change)) / (2 * step)
    sizes = [2, rotation_dim(dim), dim, dim, 1]
    pieces = zip(slope.split(sizes, dim=1), found.split(sizes, dim=1), strict=True)
    worst = []
    for ours, theirs in list(pieces)[:-1]:
        largest = float(theirs.abs().max())
        assert largest > 0.03
        worst.append(float((ours - theirs).abs().max()) / largest)
    return worst


@pytest.mark.parametrize("dim", [2, 3])
def test_meshes_follow_latents_and_poses_of_parts(dim):
    resolution = 100 if dim == 2 else 40
    worst = worst_slopes(*part_model(dim), swollen_volume, dim=dim, resolution=resolution)
    assert max(worst) <= 0.05


def test_the_volume_of_parts_that_overlap_follows_them():
    model, latent = part_model(2)
    overlapping = latent.clone()
    overlapping[1, 3:5] = torch.tensor([-0.1, 0.1])
    worst = worst_slopes(model, overlapping, mesh_volume, dim=2, resolution=200)
    assert max(worst) <= 0.05


def test_one_part_moves_where_nothing_else_is_free():
    model, latent = part_model(2)
    free = torch.zeros_like(latent, dtype=torch.bool)
    place = slice(2 + rotation_dim(2), 2 + rotation_dim(2) + 2)
    free[1, place] = True

    def off(vertices, faces):
        right = vertices[vertices[:, 0] > 0]
        return (right.mean(dim=0) - torch.tensor([0.45, 0.1])).square().sum()

    got = fit(model, latent, off, steps=30, dim=2, free=free)
    assert got.history[-1] < 0.1 * got.history[0]
    moved = got.latent != latent
    assert moved[1, place].all() and moved.sum() == 2
