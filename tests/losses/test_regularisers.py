import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from inr.losses import LatentRegularisation, TrainProgress, WeightDecay


def test_latent_regularisation_is_the_squared_norm(make_inputs):
    latents = torch.tensor([[3.0, 4.0], [0.0, 0.5]])
    inputs = make_inputs("samples", torch.zeros(2, 4, 1), latents=latents)
    got = LatentRegularisation(weight=0.1, ramp_epochs=0)(inputs)
    torch.testing.assert_close(got, torch.tensor([25.0, 0.25]))


def test_latent_regularisation_rises_over_its_ramp():
    ramped = LatentRegularisation(weight=0.2, ramp_epochs=4)
    wanted = [0.05, 0.1, 0.15, 0.2, 0.2, 0.2]
    assert [ramped.scale(TrainProgress(e, 9)) for e in range(6)] == pytest.approx(wanted)
    assert ramped.scale(None) == 0.2  # fitting latents knows no ramp
    assert LatentRegularisation(weight=0.2, ramp_epochs=0).scale(TrainProgress(0, 9)) == 0.2


@pytest.fixture
def decoder():
    torch.manual_seed(0)
    plain, normed = nn.Linear(2, 5), weight_norm(nn.Linear(5, 4))
    return nn.Sequential(plain, nn.PReLU(3), nn.LayerNorm(5), normed, nn.Linear(4, 1))


def test_weight_decay_counts_what_multiplies(make_inputs, decoder):
    inputs = make_inputs("samples", torch.zeros(2, 4, 1))._replace(decoder=decoder)
    got = WeightDecay(weight=0.1)(inputs)
    gains = decoder[3].parametrizations.weight.original0
    wanted = (
        decoder[0].weight.square().sum() + gains.square().sum() + decoder[4].weight.square().sum()
    )
    torch.testing.assert_close(got, wanted.expand(2))
    got.mean().backward()
    torch.testing.assert_close(decoder[0].weight.grad, 2 * decoder[0].weight.detach())
    torch.testing.assert_close(gains.grad, 2 * gains.detach())
    direction = decoder[3].parametrizations.weight.original1
    assert direction.grad.abs().max() < 1e-5 * gains.detach().abs().max()  # not to be shrunk
    for module in decoder:
        bias = getattr(module, "bias", None)
        assert bias is None or bias.grad is None


def test_weight_decay_is_no_matter_of_latents(make_inputs, decoder):
    assert WeightDecay(weight=0.1).scale(TrainProgress(3, 9)) == 0.1
    assert WeightDecay(weight=0.1).scale(None) == 0
    inputs = make_inputs("samples", torch.zeros(2, 4, 1))
    assert WeightDecay(weight=0.1)(inputs).tolist() == [0, 0]  # a decoder without any
