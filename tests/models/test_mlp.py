import pytest
import torch
from torch import Tensor, nn

from inr.models.activations import GEGLU, Gabor
from inr.models.encodings import Positional
from inr.models.experts import Experts
from inr.models.initialize import GeometricInit
from inr.models.layers import Demodulation
from inr.models.mlp import MLP
from tests.support.making import make_mlp, saved_sizes


def make_decoder(dim: int = 2, latent_dim: int = 5, **changes) -> MLP:
    settings = {"num_layers": 4, "skip_layers": [2], "activation": nn.ReLU(), **changes}
    torch.manual_seed(0)
    return make_mlp(dim=dim, latent_dim=latent_dim, **settings)


def weight_of(layer: nn.Module) -> Tensor:
    """Give g v / |v| by its formula where the layer has weight norm."""
    parameters = dict(layer.named_parameters())
    if "weight" in parameters:
        return parameters["weight"]
    g = parameters["parametrizations.weight.original0"]
    v = parameters["parametrizations.weight.original1"]
    return g * v / v.square().sum(dim=1, keepdim=True).sqrt()


def concatenating(decoder: MLP, x: Tensor, latents: Tensor) -> Tensor:
    """Decode as the papers draw it: a layer multiplies [latent, point, hidden] of every point."""
    point = x if decoder.encoding is None else decoder.encoding(x)
    repeated = latents[:, None].expand(-1, x.shape[1], -1)
    h = None
    for layer, norm, activation in zip(
        [*decoder.hidden, decoder.output],
        [*decoder.norms, nn.Identity()],
        [*decoder.activations, nn.Identity()],
        strict=True,
    ):
        parts = zip(layer.in_dims, (repeated, point, h), strict=True)
        layer_input = torch.cat([part for width, part in parts if width], dim=-1)
        h = activation(norm((layer_input @ weight_of(layer).T + layer.bias) * layer.gain))
    return h


@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("latent_dim", [0, 5])
@pytest.mark.parametrize("out_dim", [1, 4])
def test_shapes_and_gradients(dim, latent_dim, out_dim):
    decoder = make_decoder(dim, latent_dim, out_dim=out_dim, activation=nn.Tanh())
    x = torch.randn(3, 7, dim, requires_grad=True)
    latents = torch.randn(3, latent_dim, requires_grad=True)
    value = decoder(x, latents)
    assert value.shape == (3, 7, out_dim)
    value.square().sum().backward()
    for name, parameter in decoder.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name
    assert (x.grad.norm(dim=-1) > 0).all()
    if latent_dim:
        assert (latents.grad.norm(dim=-1) > 0).all()


@pytest.mark.parametrize("skip_layers", [[], [1, 3], "all"])
@pytest.mark.parametrize("latent_layers", [None, [3], "all"])
@pytest.mark.parametrize(("narrow_skip", "weight_norm"), [(True, True), (False, False)])
@pytest.mark.parametrize(("latent_dim", "shapes"), [(0, 2), (5, 1), (5, 2)])
def test_equals_a_network_that_repeats_the_latent(
    skip_layers, latent_layers, narrow_skip, weight_norm, latent_dim, shapes
):
    decoder = make_decoder(
        3,
        latent_dim,
        hidden_dim=40,
        skip_layers=skip_layers,
        latent_layers=latent_layers,
        narrow_skip=narrow_skip,
        layer_norm=not weight_norm,
        weight_norm=weight_norm,
        encoding=Positional(dim=3, num_octaves=2, include_point=True),
    ).double()
    with torch.no_grad():
        for parameter in decoder.parameters():  # so that g is not |v|, as it is at the start
            parameter.mul_(torch.rand(parameter.shape) + 0.5)
    x, latents = torch.randn(shapes, 9, 3).double(), torch.randn(shapes, latent_dim).double()
    torch.testing.assert_close(
        decoder(x, latents), concatenating(decoder, x, latents), rtol=0, atol=1e-12
    )


def test_each_shape_is_decoded_by_its_own_latent():
    decoder = make_decoder()
    x, latents = torch.randn(3, 6, 2), torch.randn(3, 5)
    together = decoder(x, latents)
    for i in range(3):
        torch.testing.assert_close(together[i], decoder(x[i : i + 1], latents[i : i + 1])[0])
    assert not torch.allclose(decoder(x[:1], latents[:1]), decoder(x[:1], latents[1:2]), atol=1e-3)


def test_the_latent_is_not_repeated_for_every_point():
    decoder = make_decoder(2, 101, hidden_dim=8, weight_norm=True, latent_layers="all")
    x, latents = torch.randn(3, 50, 2), torch.randn(3, 101, requires_grad=True)
    repeated = 3 * 50 * 101
    assert (
        max(saved_sizes(lambda: concatenating(decoder, x, latents))) >= repeated
    )  # the check bites
    assert max(saved_sizes(lambda: decoder(x, latents))) < repeated / 4


def test_narrow_skip_without_room_names_what_to_change():
    make_decoder(3, 12, narrow_skip=True)  # 16 - (12 + 3) leaves 1
    with pytest.raises(ValueError, match=r"hidden_dim=16 .*13 .*3.*latent\.dim.*narrow_skip=false"):
        make_decoder(3, 13, narrow_skip=True)
    make_decoder(3, 13, narrow_skip=False)


@pytest.mark.parametrize("key", ["skip_layers", "latent_layers"])
@pytest.mark.parametrize("layers", [[0], [4], [-1]])
def test_layers_have_to_exist(key, layers):
    with pytest.raises(ValueError, match=rf"model\.{key}.*between 1 and 3"):
        make_decoder(**{key: layers})


@pytest.mark.parametrize("key", ["skip_layers", "latent_layers"])
def test_the_only_word_for_layers_is_all(key):
    with pytest.raises(ValueError, match=rf"model\.{key} is 'every'.*list.*all"):
        make_decoder(**{key: "every"})


@pytest.mark.parametrize("key", ["hidden_dim", "num_layers"])
def test_sizes_have_to_be_positive(key):
    with pytest.raises(ValueError, match=key):
        make_decoder(skip_layers=[], **{key: 0})


def test_published_deepsdf_has_its_number_of_parameters():
    decoder = make_decoder(
        3,
        256,
        hidden_dim=512,
        num_layers=8,
        skip_layers=[4],
        narrow_skip=True,
        weight_norm=True,
        final_tanh=True,
    )
    layer_input = 256 + 3
    full = 512 * 512 + 2 * 512  # weight; bias and g
    first = layer_input * 512 + 2 * 512
    before_skip = 512 * (512 - layer_input) + 2 * (512 - layer_input)
    output = 512 + 1
    assert sum(p.numel() for p in decoder.parameters()) == first + 6 * full + before_skip + output
    # the skip layer's input is as wide as every other's
    assert decoder.hidden[4].weight.shape == (512, 512)


def test_final_tanh_bounds_the_output():
    x, latents = 100 * torch.randn(2, 50, 2), 100 * torch.randn(2, 5)
    plain, bounded = make_decoder()(x, latents), make_decoder(final_tanh=True)(x, latents)
    assert plain.abs().max() > 1
    torch.testing.assert_close(bounded, plain.tanh())
    assert bounded.abs().max() <= 1


def test_dropout_acts_in_training_only():
    x, latents = torch.randn(2, 50, 2), torch.randn(2, 5)
    decoder, plain = make_decoder(dropout=0.5), make_decoder()
    assert not torch.equal(decoder(x, latents), decoder(x, latents))
    torch.testing.assert_close(decoder.eval()(x, latents), plain(x, latents), rtol=0, atol=0)


def test_each_layer_has_its_own_activation():
    decoder = make_decoder(activation=nn.PReLU())
    assert (
        len(
            {
                id(a.function.weight if hasattr(a, "function") else a.weight)
                for a in decoder.activations
            }
        )
        == 4
    )


def entered(decoder: MLP) -> list[tuple[bool, bool]]:
    return [
        (one.in_dims.latent > 0, one.in_dims.point > 0) for one in [*decoder.hidden, decoder.output]
    ]


def test_where_latent_and_point_enter():
    everywhere, nowhere = [(True, True)], [(False, False)]
    assert entered(make_decoder(skip_layers=[2])) == 2 * (everywhere + nowhere) + nowhere
    assert entered(make_decoder(skip_layers="all")) == 5 * everywhere
    modulated = make_decoder(skip_layers=[], latent_layers="all")
    assert entered(modulated) == everywhere + 4 * [(True, False)]
    point_only = make_decoder(skip_layers="all", latent_layers=[])
    assert entered(point_only) == everywhere + 4 * [(False, True)]
    one = make_decoder(skip_layers=[], latent_layers=[3])
    assert entered(one) == [*everywhere, *nowhere, *nowhere, (True, False), *nowhere]


def test_a_latent_shifts_each_layer_by_its_own_matrix():
    """W h + b + M z, by hand."""
    decoder = make_decoder(skip_layers=[], latent_layers="all", num_layers=2, activation=nn.Tanh())
    x, latents = torch.randn(2, 6, 2), torch.randn(2, 5)
    h = x
    for layer in [*decoder.hidden, decoder.output]:
        shift = layer.weight[:, :5] @ latents.T  # (out, B)
        h = h @ layer.weight[:, 5:].T + layer.bias + shift.T[:, None]
        h = h if layer is decoder.output else h.tanh()
    torch.testing.assert_close(decoder(x, latents), h)


def test_a_latent_for_all_shapes_is_broadcast():
    decoder = make_decoder(latent_layers="all")
    x, latent = torch.randn(3, 6, 2), torch.randn(1, 5)
    torch.testing.assert_close(decoder(x, latent), decoder(x, latent.expand(3, -1)))


def test_geglu_halves_the_width():
    decoder = make_decoder(activation=GEGLU(), hidden_dim=10)
    assert [layer.in_dims.hidden for layer in decoder.hidden] == [0, 5, 5, 5]
    assert decoder(torch.randn(2, 6, 2), torch.randn(2, 5)).shape == (2, 6, 1)
    with pytest.raises(ValueError, match=r"odd width 11.*even model\.hidden_dim"):
        make_decoder(activation=GEGLU(), hidden_dim=11)
    with pytest.raises(ValueError, match=r"odd width 5.*narrow_skip"):
        make_decoder(activation=GEGLU(), hidden_dim=12, narrow_skip=True)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("layer", Experts(num_experts=2, first_cells=2, growth=2)),
        ("initialize", GeometricInit(radius=0.5)),
        ("weight_norm", True),
        ("layer_norm", True),
        ("dropout", 0.1),
    ],
)
def test_complex_values_do_not_go_with_everything(key, value):
    with pytest.raises(ValueError, match=rf"model\.{key}.*complex.*Gabor.*model\.activation"):
        make_decoder(activation=Gabor(omega=5.0, sigma=2.0), **{key: value})


DEMODULATION = Demodulation(normalize_over="inputs", normalize_output=False, amplitude=1.0)


def test_what_normalises_itself_takes_no_weight_norm_and_no_sphere():
    for layer in (DEMODULATION, Experts(num_experts=2, first_cells=2, growth=2)):
        with pytest.raises(ValueError, match=r"weight_norm=true.*weight_norm=false"):
            make_decoder(layer=layer, weight_norm=True)
    with pytest.raises(ValueError, match=r"model\.initialize.*demodulation"):
        make_decoder(layer=DEMODULATION, initialize=GeometricInit(radius=0.5))


@pytest.mark.parametrize(
    "changes",
    [{}, {"layer": DEMODULATION, "latent_layers": "all"}, {"latent_dim": 0}],
    ids=["linear", "demodulated", "no latent"],
)
def test_gradients_are_right_though_activations_work_in_place(changes):
    decoder = make_decoder(
        activation=nn.LeakyReLU(0.1), hidden_dim=6, num_layers=3, **changes
    ).double()
    x, latents = (
        torch.randn(2, 4, 2).double(),
        torch.randn(2, changes.get("latent_dim", 5)).double(),
    )
    parameters = dict(decoder.named_parameters())

    def decode(x: Tensor, latents: Tensor, *values: Tensor) -> Tensor:
        given = dict(zip(parameters, values, strict=True))
        return torch.func.functional_call(decoder, given, (x, latents))

    inputs = (x.requires_grad_(), latents.requires_grad_(), *parameters.values())
    assert torch.autograd.gradcheck(decode, inputs)
