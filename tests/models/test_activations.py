import math

import pytest
import torch
from torch import Tensor, nn

from inr.models.activations import (
    GEGLU,
    HOSC,
    Activation,
    AdaptiveHOSC,
    Gabor,
    Gaussian,
    Plain,
    Sawtooth,
    Swish,
)
from inr.models.layers import InputDims, Linear
from inr.models.periodic import Finer, FinerSin, Sine

FORMULAS = {
    "gaussian": (Gaussian(a=0.7), lambda x: math.exp(-(x**2) / (2 * 0.7**2))),
    "sine": (Sine(omega=30.0, first_omega=5.0), lambda x: math.sin(30 * x)),
    "swish": (Swish(beta=5.0), lambda x: x / (1 + math.exp(-5 * x))),
    "hosc": (HOSC(beta=3.0), lambda x: math.tanh(3 * math.sin(x))),
    "adaptive hosc": (AdaptiveHOSC(beta=3.0), lambda x: math.tanh(3 * math.sin(x))),
    "finer": (
        Finer(omega=4.0, first_omega=5.0, first_bias=1.0),
        lambda x: math.sin(4 * (abs(x) + 1) * x),
    ),
    "sawtooth": (
        Sawtooth(frequency=1.0),
        lambda x: math.asin(math.sin(x * math.pi / 2)) * 2 / math.pi,
    ),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_activations_are_their_formulas(name):
    activation, formula = FORMULAS[name]
    activation = activation.double()
    x = torch.linspace(-7, 7, 61, dtype=torch.float64)
    expected = torch.tensor([formula(value) for value in x.tolist()], dtype=torch.float64)
    torch.testing.assert_close(activation(x), expected, rtol=0, atol=1e-6)
    x = torch.randn(9, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(activation, (x,))
    assert torch.autograd.gradgradcheck(activation, (x,))


def test_sawtooth_by_hand():
    x = torch.tensor([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 3.5, 4.0, -0.5, -1.0, -2.0, -3.0])
    wave = torch.tensor([0.0, 0.5, 1.0, 0.5, 0.0, -1.0, -0.5, 0.0, -0.5, -1.0, 0.0, 1.0])
    torch.testing.assert_close(Sawtooth(frequency=1.0)(x), wave)
    torch.testing.assert_close(Sawtooth(frequency=2.0)(x / 2), wave)


def test_geglu_is_its_formula():
    x = torch.randn(3, 8, dtype=torch.float64)
    value, gate = x[:, :4], x[:, 4:]
    phi = 0.5 * (1 + torch.erf(gate / 2**0.5))
    torch.testing.assert_close(GEGLU()(x), value * gate * phi)
    assert GEGLU().width(8) == 4
    with pytest.raises(ValueError, match=r"even model\.hidden_dim"):
        GEGLU().width(7)


@pytest.mark.parametrize("is_complex", [False, True])
def test_gabor_is_its_formula(is_complex):
    x = torch.randn(5, dtype=torch.complex128 if is_complex else torch.float64)
    x.requires_grad_()
    activation = Gabor(omega=2.0, sigma=0.5)
    expected = torch.exp(2j * x - (0.5 * x).abs() ** 2)
    torch.testing.assert_close(activation(x), expected)
    assert torch.autograd.gradcheck(activation, (x,))
    assert torch.autograd.gradgradcheck(activation, (x,))
    at_zero = torch.zeros(1, dtype=x.dtype, requires_grad=True)
    activation(at_zero).real.sum().backward()
    assert at_zero.grad.isfinite().all()


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(
    "activation",
    [Sine(omega=30.0, first_omega=7.0), Finer(omega=30.0, first_omega=7.0, first_bias=1.0)],
    ids=["sine", "finer"],
)
def test_the_layer_may_multiply_by_omega(activation, first):
    function, gain = activation.for_layer(first)
    assert gain == (7 if first else 30)
    x = torch.randn(50, dtype=torch.float64)
    u = gain * x * (x.abs() + 1) if isinstance(activation, Finer) else gain * x
    torch.testing.assert_close(function(gain * x), u.sin())
    assert (function(gain * x) - x.sin()).abs().max() > 0.5


def test_the_layer_may_multiply_by_beta():
    function, gain = Swish(beta=5.0).for_layer(False)
    x = torch.randn(9, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(function(gain * x), Swish(beta=5.0)(x))
    assert torch.autograd.gradcheck(function, (x,))
    assert torch.autograd.gradgradcheck(function, (x,))


def test_the_finer_wave_is_differentiable_as_often_as_wanted():
    wave = FinerSin(0.3)
    x = torch.randn(6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(wave, (x,))
    assert torch.autograd.gradgradcheck(wave, (x,))

    def plain(x: Tensor) -> Tensor:
        return (x + 0.3 * x * x.abs()).sin()

    for transform in (torch.func.grad, lambda f: torch.func.grad(torch.func.grad(f))):
        one, other = (torch.func.vmap(transform(f))(x.detach()) for f in (wave, plain))
        torch.testing.assert_close(one, other)
    # torch cannot nest the forward mode of such a function: better none than zeros
    with pytest.raises(RuntimeError, match="jvp"):
        torch.func.jvp(wave, (x.detach(),), (torch.ones_like(x),))


def test_beta_of_adaptive_hosc_is_learnt_and_stays_positive():
    activation = AdaptiveHOSC(beta=0.1)
    optimizer = torch.optim.SGD(activation.parameters(), lr=1.0)
    x = torch.linspace(0.1, 3, 50)
    for _ in range(100):
        optimizer.zero_grad()
        activation(x).mean().backward()  # asks for a beta as low as possible
        optimizer.step()
    assert 0 < activation.log_beta.exp() < 0.05


def test_activations_of_torch_work_in_place_where_that_is_safe():
    relu = nn.ReLU()
    own, gain = Plain(relu).for_layer(False)
    assert own.inplace and gain == 1 and not relu.inplace
    assert Plain(nn.LeakyReLU(0.1)).for_layer(False)[0].inplace
    # its gradient needs the input where the slope is not positive
    assert not Plain(nn.LeakyReLU(-0.1)).for_layer(False)[0].inplace
    assert not Plain(nn.CELU()).for_layer(False)[0].inplace
    own, _ = Plain(nn.PReLU()).for_layer(False)
    assert isinstance(own, nn.PReLU)


@pytest.mark.parametrize("activation", [Activation(), Gaussian(a=1.0), GEGLU(), HOSC(beta=1.0)])
def test_without_an_initialisation_of_its_own_a_layer_stays_as_torch_draws_it(activation):
    torch.manual_seed(0)
    layer = Linear(InputDims(2, 3, 4), 5)
    torch.manual_seed(0)
    torch_layer = nn.Linear(9, 5)
    activation.initialize(layer, first=False, last=False)
    torch.testing.assert_close(layer.weight, torch_layer.weight)
    torch.testing.assert_close(layer.bias, torch_layer.bias)


def test_siren_draws_within_its_bounds():
    """Sitzmann et al., section 3.2."""
    activation = Sine(omega=30.0, first_omega=30.0)
    first, hidden = Linear(InputDims(16, 3, 0), 2000), Linear(InputDims(16, 0, 96), 2000)
    activation.initialize(first, first=True, last=False)
    activation.initialize(hidden, first=False, last=False)
    for part, bound in (
        (first.weight[:, 16:], 1 / 3),
        (hidden.weight[:, 16:], math.sqrt(6 / 96) / 30),
    ):
        assert part.abs().max() <= bound
        assert part.detach().std() == pytest.approx(bound / math.sqrt(3), rel=0.05)
    for layer in (first, hidden):
        assert layer.weight[:, :16].detach().std() == pytest.approx(1 / 30, rel=0.05)


def test_finer_draws_a_wide_first_bias():
    activation = Finer(omega=30.0, first_omega=30.0, first_bias=7.0)
    first, hidden = Linear(InputDims(0, 3, 0), 2000), Linear(InputDims(0, 0, 96), 2000)
    activation.initialize(first, first=True, last=False)
    activation.initialize(hidden, first=False, last=False)
    assert 6.5 < first.bias.abs().max() <= 7
    assert hidden.bias.abs().max() < 0.01


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (lambda: Gaussian(a=0), "a"),
        (lambda: HOSC(beta=-1.0), "beta"),
        (lambda: AdaptiveHOSC(beta=0), "beta"),
        (lambda: Swish(beta=0), "beta"),
        (lambda: Sine(omega=0, first_omega=30), "omega"),
        (lambda: Sine(omega=30, first_omega=-1), "first_omega"),
        (lambda: Finer(omega=30, first_omega=30, first_bias=0), "first_bias"),
        (lambda: Gabor(omega=0, sigma=1), "omega"),
        (lambda: Gabor(omega=1, sigma=-1), "sigma"),
        (lambda: Sawtooth(frequency=0), "frequency"),
    ],
)
def test_settings_out_of_range_are_named(make, key):
    with pytest.raises(ValueError, match=rf"model\.activation\.{key} is"):
        make()
