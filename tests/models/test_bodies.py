import pytest
import torch
from torch import Tensor, nn

from inr.models.bodies import ConcatMLP
from inr.models.encodings import Positional


def make_body(dim: int = 2, code_dim: int = 5, **changes) -> ConcatMLP:
    settings = {
        "out_dim": 1,
        "hidden_dim": 16,
        "num_layers": 4,
        "skip_layers": [2],
        "narrow_skip": False,
        "activation": nn.ReLU(),
        "encoding": None,
        "weight_norm": False,
        "dropout": 0.0,
        "final_tanh": False,
        **changes,
    }
    torch.manual_seed(0)
    return ConcatMLP(dim=dim, code_dim=code_dim, **settings)


def weight_of(layer: nn.Module) -> Tensor:
    """Give g v / |v| by its formula where the layer has weight norm."""
    parameters = dict(layer.named_parameters())
    if "weight" in parameters:
        return parameters["weight"]
    g = parameters["parametrizations.weight.original0"]
    v = parameters["parametrizations.weight.original1"]
    return g * v / v.square().sum(dim=1, keepdim=True).sqrt()


def concatenating(body: ConcatMLP, x: Tensor, codes: Tensor) -> Tensor:
    """Decode as DeepSDF's paper draws it: every point carries the whole code."""
    point = x if body.encoding is None else body.encoding(x)
    repeated = codes[:, None].expand(-1, x.shape[1], -1)
    fed = torch.cat([repeated, point], dim=-1)
    h = fed
    for index, layer in enumerate(body.hidden):
        if index in body.skip_layers:
            h = torch.cat([fed, h], dim=-1)
        h = body.activations[index](h @ weight_of(layer.linear).T + layer.linear.bias)
    return h @ body.output.weight.T + body.output.bias


@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("code_dim", [0, 5])
@pytest.mark.parametrize("out_dim", [1, 4])
def test_shapes_and_gradients(dim, code_dim, out_dim):
    body = make_body(dim, code_dim, out_dim=out_dim, activation=nn.Tanh())
    x = torch.randn(3, 7, dim, requires_grad=True)
    codes = torch.randn(3, code_dim, requires_grad=True)
    value = body(x, codes)
    assert value.shape == (3, 7, out_dim)
    value.square().sum().backward()
    for name, parameter in body.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name
    assert (x.grad.norm(dim=-1) > 0).all()
    if code_dim:
        assert (codes.grad.norm(dim=-1) > 0).all()


@pytest.mark.parametrize("skip_layers", [[], [2], [1, 3]])
@pytest.mark.parametrize("narrow_skip", [True, False])
@pytest.mark.parametrize("weight_norm", [True, False])
@pytest.mark.parametrize("code_dim", [0, 5])
def test_equals_a_network_that_repeats_the_code(skip_layers, narrow_skip, weight_norm, code_dim):
    body = make_body(
        3,
        code_dim,
        hidden_dim=40,
        skip_layers=skip_layers,
        narrow_skip=narrow_skip,
        weight_norm=weight_norm,
        encoding=Positional(dim=3, num_octaves=2),
    ).double()
    with torch.no_grad():
        for parameter in body.parameters():  # so that g is not |v|, as it is at the start
            parameter.mul_(torch.rand(parameter.shape) + 0.5)
    x, codes = torch.randn(2, 9, 3).double(), torch.randn(2, code_dim).double()
    torch.testing.assert_close(body(x, codes), concatenating(body, x, codes), rtol=0, atol=1e-12)


def test_each_shape_is_decoded_by_its_own_code():
    body = make_body()
    x, codes = torch.randn(3, 6, 2), torch.randn(3, 5)
    together = body(x, codes)
    for i in range(3):
        torch.testing.assert_close(together[i], body(x[i : i + 1], codes[i : i + 1])[0])
    assert not torch.allclose(body(x[:1], codes[:1]), body(x[:1], codes[1:2]), atol=1e-3)


def saved_sizes(function) -> list[int]:
    sizes = []

    def note(tensor: Tensor) -> Tensor:
        sizes.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        function()
    return sizes


def test_the_code_is_not_repeated_for_every_point():
    body = make_body(2, 101, hidden_dim=8, weight_norm=True)
    x, codes = torch.randn(3, 50, 2), torch.randn(3, 101, requires_grad=True)
    repeated = 3 * 50 * 101
    assert max(saved_sizes(lambda: concatenating(body, x, codes))) >= repeated  # the check bites
    assert max(saved_sizes(lambda: body(x, codes))) < repeated / 4


def test_narrow_skip_without_room_names_what_to_change():
    make_body(3, 12, narrow_skip=True)  # 16 - (12 + 3) leaves 1
    with pytest.raises(ValueError, match=r"hidden_dim=16 .*13 .*3.*latent\.dim.*narrow_skip=false"):
        make_body(3, 13, narrow_skip=True)
    make_body(3, 13, narrow_skip=False)


@pytest.mark.parametrize("skip_layers", [[0], [4], [-1]])
def test_skip_layers_have_to_exist(skip_layers):
    with pytest.raises(ValueError, match=r"skip_layers.*between 1 and 3"):
        make_body(skip_layers=skip_layers)


@pytest.mark.parametrize("key", ["hidden_dim", "num_layers"])
def test_sizes_have_to_be_positive(key):
    with pytest.raises(ValueError, match=key):
        make_body(skip_layers=[], **{key: 0})


def test_published_deepsdf_has_its_number_of_parameters():
    body = make_body(
        3,
        256,
        hidden_dim=512,
        num_layers=8,
        skip_layers=[4],
        narrow_skip=True,
        weight_norm=True,
        final_tanh=True,
    )
    fed = 256 + 3
    full = 512 * 512 + 2 * 512  # weight; bias and g
    first = fed * 512 + 2 * 512
    before_skip = 512 * (512 - fed) + 2 * (512 - fed)
    output = 512 + 1
    assert sum(p.numel() for p in body.parameters()) == first + 6 * full + before_skip + output
    # the skip layer's input is as wide as every other's
    assert body.hidden[4].linear.weight.shape == (512, 512)


def test_final_tanh_bounds_the_output():
    x, codes = 100 * torch.randn(2, 50, 2), 100 * torch.randn(2, 5)
    plain, bounded = make_body()(x, codes), make_body(final_tanh=True)(x, codes)
    assert plain.abs().max() > 1
    torch.testing.assert_close(bounded, plain.tanh())
    assert bounded.abs().max() <= 1


def test_dropout_acts_in_training_only():
    x, codes = torch.randn(2, 50, 2), torch.randn(2, 5)
    body, plain = make_body(dropout=0.5), make_body()
    assert not torch.equal(body(x, codes), body(x, codes))
    torch.testing.assert_close(body.eval()(x, codes), plain(x, codes), rtol=0, atol=0)


def test_each_layer_has_its_own_activation():
    body = make_body(activation=nn.PReLU())
    assert len({id(a.weight) for a in body.activations}) == 4
