"""What decoders are at the start."""

import math

import pytest
import torch
from torch import Tensor, nn

from inr.models.encodings import Fourier, Positional
from inr.models.experts import Experts
from inr.models.initialize import GeometricInit
from inr.models.mlp import MLP
from inr.models.periodic import Sine
from tests.support.making import make_mlp


def make_decoder(dim: int, **changes) -> MLP:
    torch.manual_seed(0)
    return make_mlp(dim=dim, **changes)


def siren(dim: int, **changes) -> MLP:
    settings = {"hidden_dim": 512, "num_layers": 5, "skip_layers": [], **changes}
    return make_decoder(dim, activation=Sine(omega=30.0, first_omega=30.0), **settings)


def watch(decoder: MLP, x: Tensor, latents: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Return what goes into each activation, and what comes out."""
    before, after = [], []

    def note(_: nn.Module, given: tuple[Tensor], result: Tensor) -> None:
        before.append(given[0])
        after.append(result)

    for activation in decoder.activations:
        activation.register_forward_hook(note)
    with torch.no_grad():
        decoder(x, latents)
    return before, after


@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("layer", [None, Experts(num_experts=2, first_cells=2, growth=2)])
def test_siren_starts_with_the_statistics_of_its_paper(dim, layer):
    """Sitzmann et al., appendix 1.3: N(0, 1) into every hidden sine, arcsine out of it."""
    phases, waves = watch(
        siren(dim, latent_dim=0, layer=layer), torch.rand(1, 2000, dim) * 2 - 1, torch.zeros(1, 0)
    )
    quantiles = torch.linspace(0.05, 0.95, 19)
    normal = torch.distributions.Normal(0.0, 1.0).icdf(quantiles)
    arcsine = (torch.pi * (quantiles - 0.5)).sin()
    variance = 1.0  # of the next layer's phases: 2 / n from the weight, times n, times 1/2
    for index, (phase, wave) in enumerate(zip(phases, waves, strict=True)):
        some = torch.randperm(phase.numel())[:200_000]
        phase, wave = phase.flatten()[some], wave.flatten()[some]
        if index == 0:  # phases of many turns
            assert wave.std() == pytest.approx(0.5**0.5, abs=0.02)
            assert (wave.quantile(quantiles) - arcsine).abs().max() < 0.05
            continue
        assert abs(phase.mean()) < 0.05
        assert phase.std() == pytest.approx(variance**0.5, abs=0.03)
        assert (phase.quantile(quantiles) / phase.std() - normal).abs().max() < 0.05
        # the paper calls the sine of a normal phase arcsine, of variance 1/2; exactly it is this
        variance = 1 - math.exp(-2 * variance)
        assert 0.79 < variance < 1
        assert wave.std() == pytest.approx((variance / 2) ** 0.5, abs=0.02)


@pytest.mark.parametrize("latent_dim", [8, 256])
def test_a_latent_shifts_the_phases_of_siren_by_about_one(latent_dim):
    decoder = siren(3, latent_dim=latent_dim, latent_layers="all")
    latents = nn.functional.normalize(torch.randn(2, latent_dim), dim=-1)
    for layer in decoder.hidden:
        shift = (layer.gain * latents @ layer.weight[:, :latent_dim].T).detach()
        assert shift.std() == pytest.approx(1, abs=0.2)
    output_shift = latents @ decoder.output.weight[:, :latent_dim].T
    assert output_shift.abs().max() < 0.1


def sphere_decoder(dim: int, **changes) -> MLP:
    settings = {"hidden_dim": 256, "num_layers": 6, "skip_layers": [4], "latent_dim": 7, **changes}
    return make_decoder(
        dim, activation=nn.Softplus(beta=100), initialize=GeometricInit(radius=0.6), **settings
    )


@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"skip_layers": []},
        {"skip_layers": "all"},
        {"narrow_skip": True},
        {"latent_layers": "all"},
        {"weight_norm": True},
        {"layer": Experts(num_experts=2, first_cells=2, growth=2)},
        {"encoding": True},
    ],
    ids=lambda changes: next(iter(changes), "default"),
)
def test_a_decoder_may_start_as_a_sphere(dim, changes):
    if "encoding" in changes:
        changes = {"encoding": Positional(dim=dim, num_octaves=4, include_point=True)}
    decoder = sphere_decoder(dim, **changes).eval()
    direction = nn.functional.normalize(torch.randn(2, 150, dim), dim=-1)

    def at(radius: float) -> Tensor:
        return decoder(
            radius * direction, torch.randn(2, 7)
        ).detach()  # no latent makes a difference

    torch.testing.assert_close(at(0.5), at(0.5))
    assert at(0.6).mean() == pytest.approx(0, abs=0.02) and at(0.6).std() < 0.12
    assert at(1.0).mean() == pytest.approx(0.4, abs=0.06) and at(1.0).std() < 0.2
    assert at(1.4).mean() == pytest.approx(0.8, abs=0.12)
    assert at(0.0).mean() < -0.2  # softplus rounds the cone
    x = (torch.rand(2, 150, dim) * 2 - 1).requires_grad_()
    (gradient,) = torch.autograd.grad(decoder(x, torch.randn(2, 7)).sum(), x)
    assert torch.cosine_similarity(gradient, x.detach(), dim=-1).mean() > 0.94
    assert gradient.norm(dim=-1).mean() == pytest.approx(1, abs=0.2)


def test_radius_of_a_narrow_relu_network():
    for radius in (0.3, 0.8):
        decoder = make_decoder(
            3,
            latent_dim=0,
            hidden_dim=64,
            num_layers=4,
            activation=nn.ReLU(),
            initialize=GeometricInit(radius=radius),
            dropout=0.5,
            final_tanh=True,
            out_dim=2,
        ).eval()
        surface = radius * nn.functional.normalize(torch.randn(1, 2000, 3), dim=-1)
        none = torch.zeros(1, 0)
        assert decoder(surface, none)[..., 0].detach().mean() == pytest.approx(0, abs=0.02)
        centre = decoder(torch.zeros(1, 1, 3), none)[0, 0, 0].detach().atanh()
        assert centre == pytest.approx(-radius, abs=0.06)


def test_a_sphere_needs_the_point():
    for encoding in (
        Positional(dim=3, num_octaves=4, include_point=False),
        Fourier(dim=3, num_frequencies=8, scale=1.0),
    ):
        with pytest.raises(ValueError, match=r"include_point=true or model\.encoding=null"):
            sphere_decoder(3, encoding=encoding)
    with pytest.raises(ValueError, match=r"model\.initialize\.radius is 0"):
        GeometricInit(radius=0)
