import math

import pytest
import torch

from inr.losses import Eikonal, HotSpot, NormalAlignment, OffSurface, SurfaceDistance


def rows(*values: list[float]) -> torch.Tensor:
    return torch.tensor([list(values)], dtype=torch.float32)


def test_surface_distance(make_inputs):
    value = rows([0.1, 9.0], [-0.3, 9.0])
    assert SurfaceDistance(weight=1.0)(make_inputs("surface", value)).tolist() == pytest.approx(
        [0.2]
    )


GRADIENT = rows([2.0, 0.0], [0.0, 1.0], [0.6, 0.8])
NORMAL = rows([1.0, 0.0], [0.0, -1.0], [0.0, 1.0])


@pytest.mark.parametrize(
    ("cosine", "wanted"),
    [
        (False, [1.0, 2.0, math.hypot(0.6, -0.2)]),
        (True, [0.0, 2.0, 0.2]),  # a gradient's length does not count
    ],
)
def test_normal_alignment(make_inputs, cosine, wanted):
    inputs = make_inputs("surface", torch.zeros(1, 3, 1), gradient=GRADIENT, normal=NORMAL)
    loss = NormalAlignment(weight=1.0, cosine=cosine)(inputs)
    assert loss.tolist() == pytest.approx([sum(wanted) / 3])


@pytest.mark.parametrize("on", ["space", "samples", "surface"])
@pytest.mark.parametrize(("power", "wanted"), [(1, [1.0, 0.0, 0.5]), (2, [1.0, 0.0, 0.25])])
def test_eikonal(make_inputs, on, power, wanted):
    term = Eikonal(weight=1.0, where=on, power=power)
    assert term.needs == {f"{on}.gradient"}
    gradient = rows([2.0, 0.0], [0.6, -0.8], [0.0, 0.5])
    loss = term(make_inputs(on, torch.zeros(1, 3, 1), gradient=gradient))
    assert loss.tolist() == pytest.approx([sum(wanted) / 3])


@pytest.mark.parametrize(
    "term",
    [
        Eikonal(weight=1.0, where="surface", power=1),
        Eikonal(weight=1.0, where="surface", power=2),
        NormalAlignment(weight=1.0, cosine=False),
        NormalAlignment(weight=1.0, cosine=True),
    ],
)
def test_a_gradient_that_vanishes_is_no_trouble(make_inputs, term):
    gradient = torch.zeros(1, 3, 2, requires_grad=True)
    term(
        make_inputs("surface", torch.zeros(1, 3, 1), gradient=gradient, normal=NORMAL)
    ).sum().backward()
    assert gradient.grad.isfinite().all() and gradient.grad.abs().max() <= 1


def test_off_surface(make_inputs):
    value = rows([0.0, 9.0], [0.01, 9.0], [-0.01, 9.0])
    loss = OffSurface(weight=1.0, alpha=100.0)(make_inputs("space", value))
    assert loss.tolist() == pytest.approx([(1 + 2 * math.exp(-1)) / 3])


def test_heat(make_inputs):
    value, gradient = rows([0.0], [0.1], [-0.2]), rows([1.0, 0.0], [0.0, 2.0], [0.0, 0.0])
    loss = HotSpot(weight=1.0, absorption=5.0)(make_inputs("space", value, gradient=gradient))
    wanted = [0.5 * 2, 0.5 * math.exp(-1) * 5, 0.5 * math.exp(-2)]
    assert loss.tolist() == pytest.approx([sum(wanted) / 3])


def test_heat_is_the_energy_of_the_screened_poisson_equation(make_inputs):
    # 1/2 (|grad h|^2 / lambda^2 + h^2) of h = exp(-lambda |f|), by differences
    points = torch.linspace(0.05, 0.9, 200, dtype=torch.float64)
    rate, step = 4.0, 1e-5

    def field(x):
        return torch.sin(2 * x)

    def heat(x):
        return torch.exp(-rate * field(x).abs())

    slope = (heat(points + step) - heat(points - step)) / (2 * step)
    energy = (slope.square() / rate**2 + heat(points).square()).mean() / 2
    gradient = (2 * torch.cos(2 * points))[None, :, None]
    inputs = make_inputs("space", field(points)[None, :, None], gradient=gradient)
    assert HotSpot(weight=1.0, absorption=rate)(inputs).item() == pytest.approx(
        float(energy), rel=1e-8
    )


def test_heat_is_least_at_the_distance(make_inputs):
    # in 1-D the minimiser under h = 1 at the surface is exactly exp(-lambda |x|)
    x = torch.linspace(0, 1, 4001, dtype=torch.float64)

    def energy(scale, bend):
        value = (scale * x + bend * x.square())[None, :, None]
        gradient = (scale + 2 * bend * x)[None, :, None]
        return HotSpot(weight=1.0, absorption=30.0)(
            make_inputs("space", value, gradient=gradient)
        ).item()

    best = energy(1.0, 0.0)
    others = [energy(scale, bend) for scale, bend in ((0.9, 0), (1.1, 0), (1, 0.5), (1, -0.5))]
    assert best < min(others)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Eikonal(weight=1.0, where="box", power=1),
            "where is 'box'.*samples, surface, space",
        ),
        (lambda: Eikonal(weight=1.0, where="space", power=4), "power is 4"),
        (lambda: OffSurface(weight=1.0, alpha=0.0), "alpha is 0"),
        (lambda: HotSpot(weight=1.0, absorption=-1.0), "absorption is -1"),
    ],
)
def test_settings_are_checked(make, message):
    with pytest.raises(ValueError, match=message):
        make()
