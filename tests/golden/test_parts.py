"""Networks and losses of the published code of PartSDF give their values here.

As in test_networks_and_data.py, the weights are converted in this file.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from inr.losses import Intersection
from inr.losses.base import FieldSamples, LossInputs
from inr.models.latents import bound_norm
from inr.models.parts.layers import PartNorm
from inr.models.parts.mlp import PartMLP
from tests.support.making import make_part_mlp
from tests.support.paths import GOLDEN
from tests.support.published import load_weights

PUBLISHED = GOLDEN / "partsdf"
pytestmark = pytest.mark.skipif(
    not PUBLISHED.is_dir(), reason="the published networks' values are not here"
)


def make(folder: Path, **changes: object) -> PartMLP:
    """Make the network with the weights of the last epoch."""
    decoder = make_part_mlp(
        dim=3, latent_dim=8, num_parts=2, hidden_dim=32, num_layers=3, **changes
    ).eval()
    state = load_weights(folder / "model/model_30.pth")
    with torch.no_grad():
        for i, layer in enumerate([*decoder.hidden, decoder.output]):
            key = f"sdfnet.layers.{i}.0"
            weights = [state[f"{key}.modulation.weight"], state[f"{key}.linear.weight"]]
            if i == 0 and decoder.input_pose:  # theirs has the pose after the point
                weights = [weights[0], weights[1][:, 3:], weights[1][:, :3]]
            layer.weight.copy_(torch.cat(weights, dim=1))
            layer.bias.copy_(state[f"{key}.linear.bias"])
        for i in range(3):
            if decoder.hidden[i].part_bias is not None:
                decoder.hidden[i].part_bias.copy_(state[f"sdfnet.layers.{i}.1.bias"])
            if decoder.norms:
                decoder.norms[i].scale.copy_(state[f"sdfnet.layers.{i}.1.gamma"])
                decoder.norms[i].shift.copy_(state[f"sdfnet.layers.{i}.1.beta"])
            if decoder.part_convs:
                decoder.part_convs[i].weight.copy_(
                    state[f"sdfnet.conv_layers.{i}.0.weight"][..., 0]
                )
                decoder.part_convs[i].bias.copy_(state[f"sdfnet.conv_layers.{i}.0.bias"])
    return decoder


def latents_of(folder: Path) -> Tensor:
    raw = [
        torch.load(folder / "latent" / file, map_location="cpu", weights_only=True)["weight"]
        for file in ("latents_30.pth", "poses.pth")
    ]
    return torch.cat([bound_norm(raw[0], 1.0), raw[1], torch.ones(3, 2, 1)], dim=-1)


def assert_published_values(folder: Path, decoder: PartMLP) -> None:
    golden = np.load(folder / "golden.npz")
    points = torch.from_numpy(golden["points"]).float().expand(3, -1, -1)
    with torch.no_grad():
        field = decoder(points, latents_of(folder))
    for i in range(3):
        expected = {key: torch.from_numpy(golden[f"{key}_{i}"]) for key in ("value", "parts")}
        assert expected["parts"].std() > 1e-3  # so that the comparison says something
        torch.testing.assert_close(field.value[i], expected["value"], rtol=0, atol=1e-5)
        torch.testing.assert_close(field.parts[i], expected["parts"], rtol=0, atol=1e-5)


def test_biases_of_parts_and_exchange_between_them():
    folder = PUBLISHED / "partsdf"
    decoder = make(folder, part_bias=True, part_conv=True, activation=nn.ReLU())
    assert_published_values(folder, decoder)


class TheirNorm(PartNorm):
    """Divides by the unbiased standard deviation, with epsilon outside the root."""

    def forward(self, value: Tensor, part: Tensor) -> Tensor:
        deviation = value.std(dim=-1, keepdim=True) + 1e-5
        normal = (value - value.mean(dim=-1, keepdim=True)) / deviation
        return normal * self.scale[part, None] + self.shift[part, None]


def test_norms_of_parts_with_their_quirk_and_the_pose_as_input():
    folder = PUBLISHED / "partsdf_norm"
    decoder = make(
        folder,
        part_bias=False,
        part_norm=True,
        input_pose=True,
        activation=nn.Softplus(beta=100),
    )
    with pytest.raises(AssertionError, match="not close"):
        assert_published_values(folder, decoder)
    for i, norm in enumerate(decoder.norms):
        theirs = TheirNorm(2, 32)
        theirs.load_state_dict(norm.state_dict())
        decoder.norms[i] = theirs
    assert_published_values(folder, decoder)


@pytest.mark.parametrize("temperature", [0.02, 1.0])
def test_intersection(temperature):
    golden = np.load(PUBLISHED / "losses.npz")
    parts = torch.from_numpy(golden["parts"])[None, :, :, 0]
    samples = FieldSamples(parts, parts[..., :1], None, None, None, parts, None)
    inputs = LossInputs(
        samples, None, None, latents=torch.zeros(1, 0), decoder=nn.Identity(), progress=None
    )
    got = float(Intersection(weight=1.0, temperature=temperature)(inputs))
    expected = float(golden[f"intersection_tau_{temperature}"])
    assert expected > 0.01 and got == pytest.approx(expected, abs=1e-6)
