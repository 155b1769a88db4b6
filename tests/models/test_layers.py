import pytest
import torch
from torch import Tensor, nn

from inr.models.layers import (
    ComplexLinear,
    Demodulated,
    Demodulation,
    InputDims,
    Layer,
    LayerInput,
    Linear,
    multiply,
)


def draw_fed(widths: InputDims, shapes: int = 3, num: int = 5) -> LayerInput:
    torch.manual_seed(1)
    x, latents, point, hidden = (
        torch.randn(*size, dtype=torch.float64)
        for size in (
            (shapes, num, 2),
            (shapes, widths.latent),
            (shapes, num, widths.point),
            (shapes, num, widths.hidden),
        )
    )
    return LayerInput(x, latents, point, hidden if widths.hidden else None)


def joined(layer: Layer, fed: LayerInput) -> Tensor:
    """Give [latent, point, hidden] with the latent repeated, as the formulas have it."""
    latents = fed.latents[:, None].expand(-1, fed.x.shape[1], -1)
    parts = zip(layer.widths, (latents, fed.point, fed.hidden), strict=True)
    return torch.cat([part for width, part in parts if width], dim=-1)


WIDTHS = [
    InputDims(4, 3, 0),
    InputDims(0, 3, 0),
    InputDims(0, 0, 6),
    InputDims(4, 3, 6),
    InputDims(4, 0, 6),
]


@pytest.mark.parametrize("widths", WIDTHS, ids=str)
@pytest.mark.parametrize("shapes", [1, 3])
@pytest.mark.parametrize("gain", [1.0, 30.0])
def test_linear_is_a_product_with_all_that_it_is_fed(widths, shapes, gain):
    layer = Linear(widths, 7).double()
    layer.gain = gain
    fed = draw_fed(widths, shapes)
    expected = gain * nn.functional.linear(joined(layer, fed), layer.weight, layer.bias)
    torch.testing.assert_close(layer(fed), expected)


@pytest.mark.parametrize("widths", WIDTHS, ids=str)
def test_complex_linear(widths):
    layer = ComplexLinear(widths, 7).double()
    fed = draw_fed(widths)
    if widths.hidden:
        fed = fed._replace(hidden=torch.complex(fed.hidden, fed.hidden.flip(1)))
    weight = torch.complex(*layer.weight)
    expected = joined(layer, fed).to(weight.dtype) @ weight.T + torch.complex(*layer.bias)
    assert layer(fed).is_complex()
    torch.testing.assert_close(layer(fed), expected)


def test_a_result_may_be_changed_in_place():
    layer = Linear(InputDims(2, 3, 4), 5).double()
    fed = draw_fed(layer.widths)
    layer(fed).relu_().sum().backward()
    in_place = layer.weight.grad.clone()
    layer.weight.grad = None
    layer(fed).relu().sum().backward()
    torch.testing.assert_close(in_place, layer.weight.grad)
    assert not layer(fed)._is_view()  # else autograd copies what is changed


@pytest.mark.parametrize(("shapes", "num"), [(3, 1), (1, 1), (2, 0)])
def test_few_points(shapes, num):
    layer = Linear(InputDims(2, 3, 4), 5).double()
    fed = draw_fed(layer.widths, shapes, num)
    torch.testing.assert_close(
        layer(fed), nn.functional.linear(joined(layer, fed), layer.weight, layer.bias)
    )


def demodulated_by_hand(layer: Demodulated, latent: Tensor, inputs: Tensor) -> Tensor:
    """Karras et al. 2020, equations 1 and 3, with loops."""
    scale = layer.scale.weight @ latent + layer.scale.bias
    outputs = []
    for i in range(len(layer.bias)):
        weight = [scale[j] * layer.weight[i, j] for j in range(len(scale))]
        size = (sum(w**2 for w in weight) + 1e-8) ** 0.5
        outputs.append(sum(w / size * inputs[j] for j, w in enumerate(weight)) + layer.bias[i])
    return torch.stack(outputs)


@pytest.mark.parametrize(
    "widths", [InputDims(4, 3, 0), InputDims(4, 0, 6), InputDims(4, 2, 3)], ids=str
)
def test_demodulation_is_that_of_stylegan2(widths):
    layer = Demodulated(widths, 3, normalize_over="inputs", amplitude=1.0).double()
    fed = draw_fed(widths)
    got, inputs = layer(fed), joined(layer, fed)
    for b in range(3):
        for n in range(5):
            expected = demodulated_by_hand(layer, fed.latents[b], inputs[b, n])
            torch.testing.assert_close(got[b, n], expected)
    weight = layer.weights(fed.latents)
    sizes = weight.square().sum(dim=-1)
    torch.testing.assert_close(sizes, torch.ones_like(sizes), rtol=0, atol=1e-4)
    # the size of a scale counts: it is not its sign alone that survives
    with torch.no_grad():
        layer.scale.bias[0] = 5.0
    assert (layer.weights(fed.latents) - weight).abs().max() > 0.1


def test_the_quirk_over_outputs_keeps_signs_only():
    layer = Demodulated(InputDims(4, 0, 6), 3, normalize_over="outputs", amplitude=1.0).double()
    fed = draw_fed(InputDims(4, 0, 6))
    with torch.no_grad():
        layer.scale.weight.mul_(0.2)
        layer.scale.bias.copy_(torch.tensor([3.0, -3.0, 1.0, 5.0, -1.0, 2.0]))
    weight = layer.weights(fed.latents)
    sign = layer.scale(fed.latents).sign()[:, None]
    plain = layer.weight / layer.weight.norm(dim=0)
    torch.testing.assert_close(weight, plain * sign, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("latent_dim", [0, 4])
def test_amplitude_gain_and_no_latent(latent_dim):
    layer = Demodulated(
        InputDims(latent_dim, 0, 6), 3, normalize_over="inputs", amplitude=2.0
    ).double()
    layer.gain = 5.0
    fed = draw_fed(InputDims(latent_dim, 0, 6))
    sizes = layer.weights(fed.latents).norm(dim=-1)
    torch.testing.assert_close(sizes, torch.full_like(sizes, 10.0), rtol=1e-5, atol=0)
    if latent_dim == 0:
        weight = 10 * nn.functional.normalize(layer.weight, dim=-1)
        expected = nn.functional.linear(fed.hidden, weight, 5 * layer.bias)
        torch.testing.assert_close(layer(fed), expected, rtol=1e-5, atol=1e-5)


def test_the_output_layer_is_scaled_only():
    kind = Demodulation(normalize_over="inputs", normalize_output=False, amplitude=2.0)
    widths = InputDims(4, 0, 6)
    output = kind.make(widths, 3, dim=2, index=5, last=True).double()
    fed = draw_fed(widths)
    expected = output.weight * output.scale(fed.latents)[:, None]
    torch.testing.assert_close(output.weights(fed.latents), expected)
    hidden = kind.make(widths, 3, dim=2, index=0, last=False).double()
    sizes = hidden.weights(fed.latents).norm(dim=-1)
    torch.testing.assert_close(sizes, torch.full_like(sizes, 2.0), rtol=1e-5, atol=0)


def test_demodulation_normalises_over_inputs_or_outputs():
    with pytest.raises(ValueError, match=r"normalize_over is 'both'.*inputs or outputs"):
        Demodulation(normalize_over="both", normalize_output=True, amplitude=1.0)


def test_multiply_takes_a_matrix_for_each_shape():
    matrices = torch.randn(3, 4, 2), torch.randn(3, 4, 6)
    values = torch.randn(3, 5, 2), torch.randn(3, 5, 6)
    shift = torch.randn(4)
    expected = sum(
        torch.einsum("boi,bni->bno", m, v) for m, v in zip(matrices, values, strict=True)
    )
    torch.testing.assert_close(multiply(matrices, values, shift), expected + shift)
