"""Networks of the published codes give their values here (base-inr, DeepSDF).

The weights are converted in this file: weight norm multiplied out, columns put in our order. What
is not ours to offer (a quirk, a setting nobody would choose) is done here as well.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from inr.models.activations import HOSC
from inr.models.encodings import Fourier, Positional
from inr.models.latents import bound_norm
from inr.models.layers import Demodulation
from inr.models.mlp import MLP
from inr.models.periodic import Sine
from tests.support.making import make_mlp
from tests.support.paths import GOLDEN
from tests.support.published import Weights, load_weights

pytestmark = pytest.mark.skipif(
    not GOLDEN.is_dir(), reason="the published networks' values are not here"
)


def make(latent_dim: int, **changes: object) -> MLP:
    settings = {"hidden_dim": 32, "num_layers": 3, "activation": nn.ReLU(), **changes}
    return make_mlp(dim=3, latent_dim=latent_dim, **settings).eval()


def fill(decoder: MLP, weights: list[Tensor], biases: list[Tensor]) -> MLP:
    with torch.no_grad():
        for layer, weight, bias in zip(
            [*decoder.hidden, decoder.output], weights, biases, strict=True
        ):
            assert layer.weight.shape == weight.shape and layer.bias.shape == bias.shape
            layer.weight.copy_(weight)
            layer.bias.copy_(bias)
    return decoder


def assert_published_values(folder: Path, decoder: nn.Module, latents: Tensor) -> None:
    golden = np.load(folder / "golden.npz")
    points = torch.from_numpy(golden["points"]).float()
    names = [name for name in golden.files if name.startswith("value_")]
    assert len(names) == len(latents) == 3
    for i, name in enumerate(names):
        expected = torch.from_numpy(golden[name])
        assert expected.std() > 1e-3  # so that the comparison says something
        with torch.no_grad():
            value = decoder(points[None], latents[i : i + 1])[0]
        torch.testing.assert_close(value, expected, rtol=0, atol=1e-5)
    with torch.no_grad():
        together = decoder(points.expand(3, -1, -1), latents)
    expected = torch.stack([torch.from_numpy(golden[name]) for name in names])
    torch.testing.assert_close(together, expected, rtol=0, atol=1e-5)


def base_inr_latents(folder: Path) -> Tensor:
    raw = torch.load(folder / "latent/latents_30.pth", map_location="cpu", weights_only=True)
    return bound_norm(raw["weight"], 1.0)


def concatenating(state: Weights) -> tuple[list[Tensor], list[Tensor]]:
    return (
        [state[f"fcs.{i}.0.weight"] for i in range(4)],
        [state[f"fcs.{i}.0.bias"] for i in range(4)],
    )


def modulated(state: Weights) -> tuple[list[Tensor], list[Tensor]]:
    weights = [
        torch.cat([state[f"layers.{i}.modulation.weight"], state[f"layers.{i}.linear.weight"]], 1)
        for i in range(4)
    ]
    return weights, [state[f"layers.{i}.linear.bias"] for i in range(4)]


def test_base_inr_deepsdf():
    folder = GOLDEN / "base_inr/deepsdf_noskip"
    decoder = make(8, activation=HOSC(beta=2.0), dropout=0.1)
    fill(decoder, *concatenating(load_weights(folder / "model/model_30.pth")))
    assert_published_values(folder, decoder, base_inr_latents(folder))


def test_base_inr_siren():
    folder = GOLDEN / "base_inr/siren"
    decoder = make(8, activation=Sine(omega=30.0, first_omega=30.0))
    fill(decoder, *concatenating(load_weights(folder / "model/model_30.pth")))
    assert_published_values(folder, decoder, base_inr_latents(folder))


def test_base_inr_latent_modulated():
    folder = GOLDEN / "base_inr/latent_modulated"
    decoder = make(8, latent_layers="all")
    fill(decoder, *modulated(load_weights(folder / "model/model_30.pth")))
    assert_published_values(folder, decoder, base_inr_latents(folder))


def test_base_inr_latent_modulated_siren():
    folder = GOLDEN / "base_inr/latent_modulated_siren"
    decoder = make(8, latent_layers="all", activation=Sine(omega=30.0, first_omega=30.0))
    state = load_weights(folder / "model/model_30.pth")
    weights, biases = modulated(state)
    scale = state["output_scale"]
    assert scale == 0.5
    fill(decoder, [*weights[:-1], weights[-1] * scale], [*biases[:-1], biases[-1] * scale])
    assert_published_values(folder, decoder, base_inr_latents(folder))


def test_base_inr_latent_modulated_with_positional_encoding():
    folder = GOLDEN / "base_inr/latent_modulated_positional"
    encoding = Positional(dim=3, num_octaves=10, include_point=False)
    decoder = make(8, latent_layers="all", activation=nn.Softplus(beta=100), encoding=encoding)
    weights, biases = modulated(load_weights(folder / "model/model_30.pth"))
    # theirs runs over the octaves of each coordinate, ours over the coordinates of each octave
    waves = torch.arange(60).view(2, 3, 10).transpose(1, 2).flatten()
    weights[0] = torch.cat([weights[0][:, :8], weights[0][:, 8:][:, waves]], dim=1)
    fill(decoder, weights, biases)
    assert_published_values(folder, decoder, base_inr_latents(folder))


def test_base_inr_latent_modulated_with_fourier_features():
    folder = GOLDEN / "base_inr/latent_modulated_fourier"
    encoding = Fourier(dim=3, num_frequencies=256, scale=0.8**2)
    decoder = make(8, latent_layers="all", activation=nn.CELU(), encoding=encoding)
    state = load_weights(folder / "model/model_30.pth")
    encoding.frequencies.copy_(state["features.B"])
    fill(decoder, *modulated(state))
    assert_published_values(folder, decoder, base_inr_latents(folder))


def demodulated(normalize_over: str) -> tuple[Path, MLP]:
    folder = GOLDEN / "base_inr/latent_demodulated"
    layer = Demodulation(normalize_over=normalize_over, normalize_output=True, amplitude=1.0)
    decoder = make(8, latent_layers="all", layer=layer, activation=nn.LeakyReLU(0.05))
    state = load_weights(folder / "model/model_30.pth")
    fill(
        decoder,
        [state[f"layers.{i}.weight"] for i in range(4)],
        [state[f"layers.{i}.bias"] for i in range(4)],
    )
    with torch.no_grad():
        for i, layer in enumerate([*decoder.hidden, decoder.output]):
            layer.scale.weight.copy_(state[f"layers.{i}.modulation.weight"])
            layer.scale.bias.copy_(state[f"layers.{i}.modulation.bias"])
    return folder, decoder


def test_base_inr_latent_demodulated_with_its_quirk():
    folder, decoder = demodulated("outputs")
    assert_published_values(folder, decoder, base_inr_latents(folder))


def test_that_quirk_is_not_what_the_paper_says():
    folder, decoder = demodulated("inputs")
    with pytest.raises(AssertionError, match="not close"):
        assert_published_values(folder, decoder, base_inr_latents(folder))


def deepsdf_latents(folder: Path) -> Tensor:
    stored = torch.load(folder / "LatentCodes/latest.pth", map_location="cpu", weights_only=True)
    return bound_norm(stored["latent_codes"]["weight"], 1.0)


def test_deepsdf_with_a_skip():
    folder = GOLDEN / "deepsdf/skip"
    decoder = make(
        12, hidden_dim=48, num_layers=6, skip_layers=[3], narrow_skip=True, final_tanh=True
    )
    state = load_weights(folder / "ModelParameters/latest.pth")
    weights = [state[f"lin{i}.weight"] for i in range(7)]
    # theirs appends latent and point, ours puts them first
    weights[3] = torch.cat([weights[3][:, 33:], weights[3][:, :33]], dim=1)
    fill(decoder, weights, [state[f"lin{i}.bias"] for i in range(7)])
    assert_published_values(folder, decoder, deepsdf_latents(folder))


def test_deepsdf_with_layer_norm_and_the_point_in_every_layer():
    folder = GOLDEN / "deepsdf/layernorm_xyz_in_all"
    decoder = make(
        6,
        hidden_dim=40,
        num_layers=4,
        skip_layers="all",
        latent_layers=[],
        narrow_skip=True,
        layer_norm=True,
        final_tanh=True,
    )
    state = load_weights(folder / "ModelParameters/latest.pth")
    weights = [state[f"lin{i}.weight"] for i in range(5)]
    for i in range(1, 5):
        weights[i] = torch.cat([weights[i][:, 37:], weights[i][:, :37]], dim=1)
    fill(decoder, weights, [state[f"lin{i}.bias"] for i in range(5)])
    decoder.norms[3] = nn.Identity()  # norm_layers of its specs.json leaves out the last
    with torch.no_grad():
        for i in range(3):
            decoder.norms[i].weight.copy_(state[f"bn{i}.weight"])
            decoder.norms[i].bias.copy_(state[f"bn{i}.bias"])

    class TanhTwice(nn.Module):
        """Its decoder ends in a tanh whatever use_tanh says, which adds another."""

        def forward(self, x: Tensor, latents: Tensor) -> Tensor:
            return decoder(x, latents).tanh()

    assert_published_values(folder, TanhTwice(), deepsdf_latents(folder))
