import math

import pytest
import torch
from torch import nn

from inr.models.decoder import Decoder
from inr.models.derivatives import (
    Autograd,
    FiniteDifferences,
    decode_with_gradient,
    gaussian_curvature,
    mean_curvature,
    normalize,
    scalar_field,
)
from inr.models.inr import INR
from inr.models.latents import Latents
from tests.support.making import draw_normal

EXACT = Autograd(chunk_size=1000)
BOTH = [
    pytest.param(EXACT, 1e-9, id="autograd"),
    pytest.param(FiniteDifferences(step=1e-4, chunk_size=1000), 1e-5, id="differences"),
]


def sphere(x: torch.Tensor) -> torch.Tensor:
    return x.norm(dim=-1) - 0.5


def squared(x: torch.Tensor) -> torch.Tensor:
    """Return a field whose level sets are spheres, but that is no distance."""
    return x.square().sum(dim=-1) - 0.25


def torus(x: torch.Tensor) -> torch.Tensor:
    return torch.hypot(torch.hypot(x[..., 0], x[..., 1]) - 0.6, x[..., 2]) - 0.25


@pytest.mark.parametrize(("method", "tolerance"), BOTH)
@pytest.mark.parametrize("dim", [2, 3, 5])
def test_a_quadratic_form(method, tolerance, dim):
    matrix, slope, x = (
        draw_normal(dim, dim),
        draw_normal(dim, seed=1),
        draw_normal(4, 7, dim, seed=2),
    )

    def field(points):
        return torch.einsum("...i,ij,...j->...", points, matrix, points) + points @ slope

    symmetric = matrix + matrix.T
    close = {"rtol": 0, "atol": tolerance * 10}
    torch.testing.assert_close(method.gradient(field, x), x @ symmetric + slope, **close)
    torch.testing.assert_close(method.hessian(field, x), symmetric.expand(4, 7, dim, dim), **close)
    torch.testing.assert_close(method.laplacian(field, x), symmetric.trace().expand(4, 7), **close)


@pytest.mark.parametrize(("method", "tolerance"), BOTH)
@pytest.mark.parametrize("field", [sphere, squared])
@pytest.mark.parametrize("dim", [2, 3, 4])
def test_curvature_of_spheres_is_one_over_the_radius(method, tolerance, field, dim):
    x = nn.functional.normalize(draw_normal(50, dim), dim=-1)
    radius = torch.linspace(0.3, 2, 50, dtype=torch.float64)
    x = x * radius[:, None]
    close = {"rtol": tolerance, "atol": 100 * tolerance}
    torch.testing.assert_close(method.mean_curvature(field, x), 1 / radius, **close)
    torch.testing.assert_close(method.gaussian_curvature(field, x), radius ** (1 - dim), **close)


def test_a_curve_in_the_plane_has_one_curvature():
    # the ellipse (a cos t, b sin t): a b / (a^2 sin^2 t + b^2 cos^2 t)^(3/2)
    a, b = 0.8, 0.3
    t = torch.linspace(0, 2 * math.pi, 40, dtype=torch.float64)
    x = torch.stack([a * t.cos(), b * t.sin()], dim=-1)
    wanted = a * b / (a**2 * t.sin() ** 2 + b**2 * t.cos() ** 2) ** 1.5

    def field(points):
        return (points[..., 0] / a) ** 2 + (points[..., 1] / b) ** 2 - 1

    torch.testing.assert_close(EXACT.mean_curvature(field, x), wanted)
    torch.testing.assert_close(EXACT.gaussian_curvature(field, x), wanted)
    torch.testing.assert_close(EXACT.mean_curvature(lambda p: -field(p), x), -wanted)


@pytest.mark.parametrize(("method", "tolerance"), BOTH)
def test_curvature_of_a_torus(method, tolerance):
    # about the tube's angle v: 1 / r and cos v / (R + r cos v)
    u, v = (torch.rand(2, 60, generator=torch.Generator().manual_seed(0)) * 2 * math.pi).double()
    large, small = 0.6, 0.25
    around = large + small * v.cos()
    x = torch.stack([around * u.cos(), around * u.sin(), small * v.sin()], dim=-1)
    other = v.cos() / around
    close = {"rtol": tolerance, "atol": 200 * tolerance}
    torch.testing.assert_close(method.mean_curvature(torus, x), (1 / small + other) / 2, **close)
    torch.testing.assert_close(method.gaussian_curvature(torus, x), other / small, **close)
    assert (other < 0).any() and (other > 0).any()  # the inner half is a saddle


def test_a_plane_is_flat():
    x = draw_normal(20, 3)
    for curvature in (EXACT.mean_curvature, EXACT.gaussian_curvature):
        assert curvature(lambda p: 3 * p[..., 0] - p[..., 2] + 1, x).abs().max() < 1e-12


@pytest.mark.parametrize("curvature", [mean_curvature, gaussian_curvature])
def test_where_the_gradient_vanishes_there_is_no_curvature(curvature):
    gradient = torch.tensor([[0.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
    got = curvature(gradient, 2 * torch.eye(3).expand(2, 3, 3))
    assert got[0].isnan() and got[1].item() == pytest.approx(1)
    center = torch.zeros(1, 3)
    assert EXACT.mean_curvature(squared, center).isnan().all()
    assert EXACT.gaussian_curvature(squared, center).isnan().all()


def test_directions_of_nothing_have_no_derivative():
    vectors = torch.tensor([[0.0, 0.0], [3.0, 4.0]], requires_grad=True)
    unit = normalize(vectors)
    assert unit.tolist() == [[0, 0], [pytest.approx(0.6), pytest.approx(0.8)]]
    unit[:, 0].sum().backward()
    assert vectors.grad[0].tolist() == [0, 0]
    assert vectors.grad[1].tolist() == pytest.approx([0.2 - 0.6 * 0.12, -0.096])


class Sines(Decoder):
    """A small SIREN, with latents."""

    def __init__(self, dim: int, latent_dim: int, channels: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Linear(dim, 32), nn.Linear(32, 32)
        self.shift, self.output = nn.Linear(latent_dim, 32), nn.Linear(32, channels)

    def forward(self, x, latents):
        h = torch.sin(4 * self.first(x) + self.shift(latents)[:, None])
        return self.output(torch.sin(4 * self.second(h)))


def make_model(dim: int, *, channels: int = 1) -> INR:
    latents = Latents(
        names=["a", "b"],
        dim=4,
        max_norm=None,
        spherical=False,
        pretrained=None,
        trainable=True,
        generator=torch.Generator().manual_seed(0),
    )
    return INR(Sines(dim, 4, channels), latents, output="sdf")


@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize(
    "quantity", ["gradient", "hessian", "laplacian", "mean_curvature", "gaussian_curvature"]
)
def test_both_agree_on_a_network(dim, quantity):
    model = make_model(dim).double()
    field = scalar_field(model, model.latents.weight[1])
    x = draw_normal(30, dim) / 2
    differences = FiniteDifferences(step=1e-4, chunk_size=1000)
    got, wanted = getattr(differences, quantity)(field, x), getattr(EXACT, quantity)(field, x)
    assert not got.requires_grad and not wanted.requires_grad and wanted.abs().max() > 0.1
    torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-4 * float(wanted.abs().max()))


@pytest.mark.parametrize(("quantity", "step"), [("gradient", 4e-3), ("hessian", 2e-2)])
def test_the_steps_advised_for_float32(quantity, step):
    model = make_model(3)
    x = draw_normal(30, 3).float() / 2
    field = scalar_field(model, model.latents.weight[0])
    wanted = getattr(EXACT, quantity)(field, x)
    got = getattr(FiniteDifferences(step=step, chunk_size=1000), quantity)(field, x)
    assert (got - wanted).abs().max() < 0.02 * wanted.abs().max()


def test_differences_see_the_curvature_of_a_relu_network():
    # |f| by pieces: autograd finds no second derivative, differences across the seams do
    angle = torch.arange(64) * (2 * math.pi / 64)
    directions = torch.stack([angle.cos(), angle.sin()], dim=-1).double()

    def polygon(points):
        return (points @ directions.T).relu().sum(dim=-1) * (math.pi / 64) - 0.5

    x = 0.5 * nn.functional.normalize(draw_normal(20, 2), dim=-1)
    assert EXACT.mean_curvature(polygon, x).abs().max() < 1e-9
    got = FiniteDifferences(step=0.15, chunk_size=1000).mean_curvature(polygon, x)
    torch.testing.assert_close(got, torch.full_like(got, 2), rtol=0.1, atol=0)


@pytest.mark.parametrize("chunk_size", [1, 7, 1000])
@pytest.mark.parametrize("kind", [Autograd, FiniteDifferences])
def test_chunks_change_nothing_and_bound_the_points(kind, chunk_size):
    settings = {"step": 1e-3} if kind is FiniteDifferences else {}
    method = kind(chunk_size=chunk_size, **settings)
    most = 0

    def field(points):
        nonlocal most
        most = max(most, points[..., 0].numel())
        return sphere(points)

    x = draw_normal(3, 5, 3)
    one = kind(chunk_size=10**6, **settings)
    torch.testing.assert_close(method.hessian(field, x), one.hessian(sphere, x))
    assert method.hessian(field, x).shape == (3, 5, 3, 3)
    assert method.gradient(field, x).shape == (3, 5, 3)
    assert method.mean_curvature(field, x).shape == (3, 5)
    assert most <= chunk_size * (1 + 2 * 9)


def test_no_points_are_no_trouble():
    assert EXACT.hessian(sphere, torch.zeros(0, 3)).shape == (0, 3, 3)
    assert FiniteDifferences(step=1e-3, chunk_size=5).gradient(sphere, torch.zeros(0, 3)).shape == (
        0,
        3,
    )


def test_the_field_of_one_shape():
    model = make_model(2, channels=3)
    x = draw_normal(4, 5, 2).float()
    for number, latent in enumerate(model.latents.weight):
        for channel in range(3):
            wanted = model(x.reshape(1, -1, 2), torch.tensor([number])).value[0, :, channel]
            field = scalar_field(model, latent, channel)
            torch.testing.assert_close(field(x), wanted.reshape(4, 5))
            torch.testing.assert_close(field(x[0, 0]), wanted[0])  # a single point


@pytest.mark.parametrize("context", [torch.enable_grad, torch.no_grad, torch.inference_mode])
def test_the_gradient_of_a_batch(context):
    model = make_model(3, channels=2)
    latents, x = model.latents.weight.detach(), draw_normal(2, 9, 3).float()
    with context():
        (value, _), gradient = decode_with_gradient(model, x.clone(), latents.clone())
    assert value.requires_grad == gradient.requires_grad == (context is torch.enable_grad)
    torch.testing.assert_close(value, model.decode(x, latents).value)
    for number, latent in enumerate(latents):
        wanted = EXACT.gradient(scalar_field(model, latent), x[number])
        torch.testing.assert_close(gradient[number], wanted)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Autograd(chunk_size=0), "chunk_size is 0"),
        (lambda: FiniteDifferences(step=0.0, chunk_size=5), "step is 0"),
    ],
)
def test_settings_are_checked(make, message):
    with pytest.raises(ValueError, match=message):
        make()
