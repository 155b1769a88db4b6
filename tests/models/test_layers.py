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
    affine,
)


def draw_inputs(in_dims: InputDims, shapes: int = 3, num: int = 5) -> LayerInput:
    torch.manual_seed(1)
    x, latents, point, hidden = (
        torch.randn(*size, dtype=torch.float64)
        for size in (
            (shapes, num, 2),
            (shapes, in_dims.latent),
            (shapes, num, in_dims.point),
            (shapes, num, in_dims.hidden),
        )
    )
    return LayerInput(x, latents, point, hidden if in_dims.hidden else None)


def joined(layer: Layer, layer_input: LayerInput) -> Tensor:
    """Give [latent, point, hidden] with the latent repeated, as the formulas have it."""
    latents = layer_input.latents[:, None].expand(-1, layer_input.x.shape[1], -1)
    parts = zip(layer.in_dims, (latents, layer_input.point, layer_input.hidden), strict=True)
    return torch.cat([part for width, part in parts if width], dim=-1)


WIDTHS = [
    InputDims(4, 3, 0),
    InputDims(0, 3, 0),
    InputDims(0, 0, 6),
    InputDims(4, 3, 6),
    InputDims(4, 0, 6),
]


@pytest.mark.parametrize("in_dims", WIDTHS, ids=str)
@pytest.mark.parametrize("shapes", [1, 3])
@pytest.mark.parametrize("gain", [1.0, 30.0])
def test_linear_is_a_product_with_all_that_it_is_fed(in_dims, shapes, gain):
    layer = Linear(in_dims, 7).double()
    layer.gain = gain
    layer_input = draw_inputs(in_dims, shapes)
    expected = gain * nn.functional.linear(joined(layer, layer_input), layer.weight, layer.bias)
    torch.testing.assert_close(layer(layer_input), expected)


@pytest.mark.parametrize("in_dims", WIDTHS, ids=str)
def test_complex_linear(in_dims):
    layer = ComplexLinear(in_dims, 7).double()
    layer_input = draw_inputs(in_dims)
    if in_dims.hidden:
        layer_input = layer_input._replace(
            hidden=torch.complex(layer_input.hidden, layer_input.hidden.flip(1))
        )
    weight = torch.complex(*layer.weight)
    expected = joined(layer, layer_input).to(weight.dtype) @ weight.T + torch.complex(*layer.bias)
    assert layer(layer_input).is_complex()
    torch.testing.assert_close(layer(layer_input), expected)


def test_a_result_may_be_changed_in_place():
    layer = Linear(InputDims(2, 3, 4), 5).double()
    layer_input = draw_inputs(layer.in_dims)
    layer(layer_input).relu_().sum().backward()
    in_place = layer.weight.grad.clone()
    layer.weight.grad = None
    layer(layer_input).relu().sum().backward()
    torch.testing.assert_close(in_place, layer.weight.grad)
    assert not layer(layer_input)._is_view()  # else autograd copies what is changed


@pytest.mark.parametrize(("shapes", "num"), [(3, 1), (1, 1), (2, 0)])
def test_few_points(shapes, num):
    layer = Linear(InputDims(2, 3, 4), 5).double()
    layer_input = draw_inputs(layer.in_dims, shapes, num)
    torch.testing.assert_close(
        layer(layer_input),
        nn.functional.linear(joined(layer, layer_input), layer.weight, layer.bias),
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
    "in_dims", [InputDims(4, 3, 0), InputDims(4, 0, 6), InputDims(4, 2, 3)], ids=str
)
def test_demodulation_is_that_of_stylegan2(in_dims):
    layer = Demodulated(in_dims, 3, normalize_over="inputs", amplitude=1.0).double()
    layer_input = draw_inputs(in_dims)
    got, inputs = layer(layer_input), joined(layer, layer_input)
    for b in range(3):
        for n in range(5):
            expected = demodulated_by_hand(layer, layer_input.latents[b], inputs[b, n])
            torch.testing.assert_close(got[b, n], expected)
    weight = layer.weights(layer_input.latents)
    sizes = weight.square().sum(dim=-1)
    torch.testing.assert_close(sizes, torch.ones_like(sizes), rtol=0, atol=1e-4)
    # the size of a scale counts: it is not its sign alone that survives
    with torch.no_grad():
        layer.scale.bias[0] = 5.0
    assert (layer.weights(layer_input.latents) - weight).abs().max() > 0.1


def test_the_quirk_over_outputs_keeps_signs_only():
    layer = Demodulated(InputDims(4, 0, 6), 3, normalize_over="outputs", amplitude=1.0).double()
    layer_input = draw_inputs(InputDims(4, 0, 6))
    with torch.no_grad():
        layer.scale.weight.mul_(0.2)
        layer.scale.bias.copy_(torch.tensor([3.0, -3.0, 1.0, 5.0, -1.0, 2.0]))
    weight = layer.weights(layer_input.latents)
    sign = layer.scale(layer_input.latents).sign()[:, None]
    plain = layer.weight / layer.weight.norm(dim=0)
    torch.testing.assert_close(weight, plain * sign, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("latent_dim", [0, 4])
def test_amplitude_gain_and_no_latent(latent_dim):
    layer = Demodulated(
        InputDims(latent_dim, 0, 6), 3, normalize_over="inputs", amplitude=2.0
    ).double()
    layer.gain = 5.0
    layer_input = draw_inputs(InputDims(latent_dim, 0, 6))
    sizes = layer.weights(layer_input.latents).norm(dim=-1)
    torch.testing.assert_close(sizes, torch.full_like(sizes, 10.0), rtol=1e-5, atol=0)
    if latent_dim == 0:
        weight = 10 * nn.functional.normalize(layer.weight, dim=-1)
        expected = nn.functional.linear(layer_input.hidden, weight, 5 * layer.bias)
        torch.testing.assert_close(layer(layer_input), expected, rtol=1e-5, atol=1e-5)


def test_the_output_layer_is_scaled_only():
    kind = Demodulation(normalize_over="inputs", normalize_output=False, amplitude=2.0)
    in_dims = InputDims(4, 0, 6)
    output = kind.make(in_dims, 3, dim=2, index=5, last=True).double()
    layer_input = draw_inputs(in_dims)
    expected = output.weight * output.scale(layer_input.latents)[:, None]
    torch.testing.assert_close(output.weights(layer_input.latents), expected)
    hidden = kind.make(in_dims, 3, dim=2, index=0, last=False).double()
    sizes = hidden.weights(layer_input.latents).norm(dim=-1)
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
    torch.testing.assert_close(affine(matrices, values, shift), expected + shift)
