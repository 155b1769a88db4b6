import math

import pytest
import torch
from torch import Tensor, nn

from inr.models.experts import ExpertLinear, Experts
from inr.models.layers import InputDims, LayerInput
from tests.support.making import make_mlp, saved_sizes


def make_layer(dim: int, num_experts: int, cells: float, in_dims: InputDims) -> ExpertLinear:
    torch.manual_seed(0)
    layer = ExpertLinear(in_dims, 5, dim=dim, num_experts=num_experts, cells=cells).double()
    with torch.no_grad():
        layer.weight.copy_(torch.randn(layer.weight.shape))  # they start alike
    return layer


def draw_inputs(
    dim: int, in_dims: InputDims, shapes: int, num: int, reach: float = 1.5
) -> LayerInput:
    torch.manual_seed(1)
    x = (torch.rand(shapes, num, dim, dtype=torch.float64) * 2 - 1) * reach
    latents = torch.randn(shapes, in_dims.latent, dtype=torch.float64)
    point = torch.randn(shapes, num, in_dims.point, dtype=torch.float64)
    hidden = torch.randn(shapes, num, in_dims.hidden, dtype=torch.float64)
    return LayerInput(x, latents, point, hidden)


def by_hand(layer: ExpertLinear, layer_input: LayerInput) -> Tensor:
    """One point after the other, each with the matrix of its cell."""
    result = torch.empty(*layer_input.x.shape[:2], 5, dtype=torch.float64)
    for b in range(result.shape[0]):
        for n in range(result.shape[1]):
            tile, stride = 0, 1
            for c in layer_input.x[b, n].tolist():
                tile += stride * (math.floor((c + 1) / 2 * layer.cells) % layer.num_experts)
                stride *= layer.num_experts
            input_here = torch.cat(
                [layer_input.latents[b], layer_input.point[b, n], layer_input.hidden[b, n]]
            )
            result[b, n] = layer.weight[tile] @ input_here + layer.bias
    return result


@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("num_experts", [1, 2, 3])
@pytest.mark.parametrize(
    "in_dims", [InputDims(4, 3, 6), InputDims(0, 3, 0), InputDims(4, 0, 6)], ids=str
)
def test_each_point_has_the_weight_of_its_cell(dim, num_experts, in_dims):
    layer = make_layer(dim, num_experts, 4.0, in_dims)
    assert layer.weight.shape == (num_experts**dim, 5, sum(in_dims))
    assert layer.bias.shape == (5,)
    layer_input = draw_inputs(dim, in_dims, 2, 60)
    torch.testing.assert_close(layer(layer_input), by_hand(layer, layer_input))


@pytest.mark.parametrize(("shapes", "num"), [(1, 1), (1, 3), (3, 1), (2, 400)])
def test_any_number_of_points(shapes, num):
    in_dims = InputDims(4, 3, 6)
    layer = make_layer(2, 2, 3.0, in_dims)
    layer_input = draw_inputs(2, in_dims, shapes, num)
    torch.testing.assert_close(layer(layer_input), by_hand(layer, layer_input))


def test_all_points_in_one_cell():
    in_dims = InputDims(0, 0, 6)
    layer = make_layer(2, 3, 3.0, in_dims)
    layer_input = draw_inputs(2, in_dims, 1, 300, reach=1e-3)
    torch.testing.assert_close(layer(layer_input), by_hand(layer, layer_input))


def test_the_tiling_is_periodic_and_refines():
    kind = Experts(num_experts=2, first_cells=4.0, growth=2.0)
    layers = [
        kind.make(InputDims(0, 2, 0), 5, dim=2, index=index, last=False) for index in range(3)
    ]
    assert [layer.cells for layer in layers] == [4, 8, 16]
    x = torch.rand(500, 2, dtype=torch.float64) * 2 - 1
    for layer in layers:
        period = 2 * 2 / layer.cells  # two cells of side 2 / cells
        shift = torch.tensor([3 * period, -5 * period], dtype=torch.float64)
        assert torch.equal(layer.tiles(x), layer.tiles(x + shift))
        assert not torch.equal(layer.tiles(x), layer.tiles(x + period / 2))
        assert set(layer.tiles(x).tolist()) == {0, 1, 2, 3}
    corner = torch.tensor([[-0.99, -0.99], [-0.49, -0.99], [-0.99, -0.49]], dtype=torch.float64)
    assert layers[0].tiles(corner).tolist() == [0, 1, 2]


def test_gradients_and_their_gradients():
    in_dims = InputDims(2, 1, 2)
    layer = make_layer(2, 2, 3.0, in_dims)
    layer_input = draw_inputs(2, in_dims, 2, 4)

    def run(latents: Tensor, point: Tensor, hidden: Tensor, weight: Tensor) -> Tensor:
        given = LayerInput(layer_input.x, latents, point, hidden)
        return torch.func.functional_call(layer, {"weight": weight}, (given,)).square()

    inputs = [t.detach().requires_grad_() for t in (*layer_input[1:], layer.weight)]
    assert torch.autograd.gradcheck(run, inputs)
    assert torch.autograd.gradgradcheck(run, inputs)


def test_no_matrix_is_kept_for_every_point():
    in_dims = InputDims(0, 0, 40)
    layer = make_layer(2, 2, 3.0, in_dims)
    layer_input = draw_inputs(2, in_dims, 2, 2000)
    per_point = 4000 * 5 * 40
    assert max(saved_sizes(lambda: layer(layer_input))) < per_point / 3


def test_a_decoder_of_experts_starts_as_one_without():
    """All experts start alike, so that there is no jump between cells yet."""
    settings = {"dim": 3, "num_layers": 3, "skip_layers": [2], "activation": nn.Softplus()}
    x, latents = torch.randn(2, 50, 3), torch.randn(2, 4)
    torch.manual_seed(0)
    plain = make_mlp(**settings)
    torch.manual_seed(0)
    experts = make_mlp(layer=Experts(num_experts=2, first_cells=2, growth=2), **settings)
    torch.testing.assert_close(experts(x, latents), plain(x, latents))


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"num_experts": 0, "first_cells": 2, "growth": 2}, "num_experts"),
        ({"num_experts": 2, "first_cells": 0, "growth": 2}, "first_cells"),
        ({"num_experts": 2, "first_cells": 2, "growth": -1}, "growth"),
    ],
)
def test_settings_out_of_range_are_named(settings, key):
    with pytest.raises(ValueError, match=rf"model\.layer\.{key} is"):
        Experts(**settings)
