import math

import numpy as np
import pytest
import torch
from torch import nn

from inr.models.decoder import Decoder
from inr.models.derivatives import scalar_field
from inr.models.inr import INR
from inr.models.vertices import level_vertices, mesh_volume
from inr.reconstruct import decode_mesh
from inr.shapes.extract import extract_mesh
from inr.shapes.mesh import Mesh
from inr.shapes.sdf import signed_distance
from tests.support.making import draw_normal, make_latents, make_model
from tests.support.pairs import box


def on_sphere(number: int, radius: float, dim: int) -> torch.Tensor:
    return radius * nn.functional.normalize(draw_normal(number, dim), dim=-1)


def tensors(mesh: Mesh) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(mesh.vertices), torch.from_numpy(mesh.faces)


def derivative_along(vertices, normals, parameter) -> torch.Tensor:
    """How fast each vertex moves along its normal with each entry of the parameter, (V, K)."""
    along = (vertices * normals).sum(dim=-1)
    rows = [torch.autograd.grad(one, parameter, retain_graph=True)[0].ravel() for one in along]
    return torch.stack(rows)


def ball_mesh(radius: float, dim: int) -> Mesh:
    return extract_mesh(lambda p: np.linalg.norm(p, axis=1) - radius, dim=dim, resolution=80)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("dim", "boundary"), [(2, 2 * math.pi * 0.6), (3, 4 * math.pi * 0.6**2)])
def test_a_ball_grows_by_its_surface(dim, boundary, sign):
    radius = torch.tensor(0.6, dtype=torch.float64, requires_grad=True)
    vertices, faces = tensors(ball_mesh(0.6, dim))
    moving = level_vertices(lambda x: sign * (x.norm(dim=-1) - radius), vertices)
    torch.testing.assert_close(moving.detach(), vertices, rtol=0, atol=0)
    (slope,) = torch.autograd.grad(mesh_volume(moving, faces), radius)
    assert slope.item() == pytest.approx(boundary, rel=2e-3)


@pytest.mark.parametrize("dim", [2, 3])
def test_a_vertex_off_the_surface_keeps_to_its_own_level(dim):
    # |x|^2 - r^2 is no distance; at any level |x| changes by r / |x|
    radius = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    vertices = torch.linspace(0.3, 0.7, 9).double()[:, None] * on_sphere(9, 1, dim)
    moving = level_vertices(lambda x: x.square().sum(dim=-1) - radius**2, vertices)
    length = vertices.norm(dim=-1)
    rate = derivative_along(moving, vertices / length[:, None], radius)[:, 0]
    torch.testing.assert_close(rate, 0.5 / length, rtol=1e-12, atol=0)


def test_poses_move_their_own_part():
    # a union of two balls, each scaled and moved; the second is turned, which moves its centre
    latent = torch.tensor([[-0.4, 0.1, 0.3, 0.5], [0.4, -0.1, 0.25, 0.2]], dtype=torch.float64)
    latent.requires_grad_(True)

    def field(x):
        cos, sin = latent[:, 3].cos(), latent[:, 3].sin()
        centre = torch.stack(
            [cos * latent[:, 0] - sin * latent[:, 1], sin * latent[:, 0] + cos * latent[:, 1]],
            dim=-1,
        )
        return ((x[:, None] - centre).norm(dim=-1) - latent[:, 2]).amin(dim=-1)

    with torch.no_grad():
        cos, sin = math.cos(0.5), math.sin(0.5)
        centre = torch.tensor([-0.4 * cos - 0.1 * sin, -0.4 * sin + 0.1 * cos]).double()
        normal = torch.tensor([-1.0, 0.0]).double()
        vertex = centre + 0.3 * normal
    rate = derivative_along(level_vertices(field, vertex[None]), normal[None], latent)
    # centre = R (t), so that along -x it moves by -cos, sin, and by turning -dR/da t = centre.y
    wanted = torch.tensor([[-cos, sin, 1.0, centre[1].item(), 0, 0, 0, 0]]).double()
    torch.testing.assert_close(rate, wanted, rtol=1e-6, atol=1e-7)


def test_a_vertex_on_a_flat_field_has_no_derivative():
    shift = torch.zeros((), dtype=torch.float64, requires_grad=True)
    vertices = torch.tensor([[0.0, 0.0], [1e-6, 0.0], [0.5, 0.0]], dtype=torch.float64)
    moving = level_vertices(lambda x: (x - shift).square().sum(dim=-1), vertices)
    rates = derivative_along(moving, torch.eye(2, dtype=torch.float64)[:1].expand(3, 2), shift)
    torch.testing.assert_close(rates[:, 0], torch.tensor([0.0, 0.0, 1.0]).double())


class Bumpy(Decoder):
    """A ball that a random network of point and latent deforms; it is no distance."""

    def __init__(self, dim):
        super().__init__()
        torch.manual_seed(dim)
        self.network = nn.Sequential(
            nn.Linear(dim + 4, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1)
        )

    def forward(self, x, latents):
        joined = torch.cat([2 * x, latents[:, None].expand(-1, x.shape[1], -1)], dim=-1)
        return 1.6 * x.norm(dim=-1, keepdim=True) - 0.8 + 2.5 * self.network(joined)


def network(dim: int) -> tuple[INR, torch.Tensor]:
    return make_model(Bumpy(dim), make_latents(1, 4)).eval(), 0.7 * draw_normal(4, seed=5).float()


@pytest.mark.parametrize("dim", [2, 3])
def test_vertices_of_a_network_against_meshes_of_other_latents(dim):
    model, latent = network(dim)
    settings = {"dim": dim, "resolution": 65, "coarse_to_fine": False}
    mesh = decode_mesh(model, latent, **settings)
    chosen = torch.from_numpy(mesh.vertices[:: max(1, len(mesh.vertices) // 60)]).float()
    latent.requires_grad_(True)
    x = chosen.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(scalar_field(model, latent)(x).sum(), x)
    normals = nn.functional.normalize(gradient, dim=-1)
    moving = level_vertices(scalar_field(model, latent), chosen)
    rates = derivative_along(moving, normals, latent).numpy()
    step, found = 0.02, []
    for axis in torch.eye(4):
        sides = [decode_mesh(model, latent.detach() + s * step * axis, **settings) for s in (1, -1)]
        # a vertex is as deep in the other surface as that has moved outward
        depths = [-signed_distance(side, chosen.double().numpy()) for side in sides]
        found.append((depths[0] - depths[1]) / (2 * step))
    found = np.stack(found, axis=1)
    assert np.abs(found).max() > 0.1  # the latent does move the surface
    np.testing.assert_allclose(rates, found, atol=0.02 * np.abs(found).max())


@pytest.mark.parametrize("dim", [2, 3])
def test_vertices_of_a_network_to_rounding(dim):
    model, latent = network(dim)
    mesh = decode_mesh(model, latent, dim=dim, resolution=33, coarse_to_fine=False)
    chosen = torch.from_numpy(mesh.vertices[:: max(1, len(mesh.vertices) // 40)])
    model, latent = model.double(), latent.double().requires_grad_(True)
    field = scalar_field(model, latent)
    level = field(chosen).detach()
    x = chosen.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(field(x).sum(), x)
    normals = nn.functional.normalize(gradient, dim=-1)
    rates = derivative_along(level_vertices(field, chosen), normals, latent)

    def moved(changed):
        """How far along its normal each vertex finds its level again, by Newton's method."""
        along = torch.zeros(len(chosen), 1).double().requires_grad_(True)
        for _ in range(20):
            value = scalar_field(model, changed)(chosen + along * normals) - level
            (slope,) = torch.autograd.grad(value.sum(), along)
            along = (along - value[:, None] / slope).detach().requires_grad_(True)
        return along.detach()[:, 0]

    step = 1e-4
    for k, axis in enumerate(torch.eye(4).double()):
        with torch.no_grad():
            one, other = latent + step * axis, latent - step * axis
        found = (moved(one) - moved(other)) / (2 * step)
        torch.testing.assert_close(rates[:, k], found, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("dim", [2, 3])
def test_volume(dim):
    sizes = np.arange(1, dim + 1)
    for lower in (np.zeros(dim), np.full(dim, 7.0)):  # faces in a plane with the origin, and far
        vertices, faces = tensors(box(lower, lower + sizes))
        assert mesh_volume(vertices, faces).item() == pytest.approx(math.factorial(dim))
        assert mesh_volume(vertices, faces.flip(1)).item() == pytest.approx(-math.factorial(dim))
    vertices, faces = tensors(ball_mesh(0.5, dim))
    assert mesh_volume(vertices, faces).item() == pytest.approx(ball_mesh(0.5, dim).volume())
    vertices, faces = tensors(box([0.0] * dim, list(map(float, sizes))))
    vertices.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda v: mesh_volume(v, faces), vertices)
