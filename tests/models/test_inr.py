import pytest
import torch
from torch import Tensor

from inr.models.decoder import Decoder
from inr.models.inr import INR
from tests.support.making import make_latents


class Balls(Decoder):
    """The distance to a ball whose radius is the latent's sum (0.5 without a latent)."""

    def forward(self, x: Tensor, latents: Tensor) -> Tensor:
        radius = latents.sum(dim=-1) if latents.shape[-1] else torch.full(latents.shape[:1], 0.5)
        return x.norm(dim=-1, keepdim=True) - radius[:, None, None]


def make_model(latent_dim: int, max_norm: float | None = None) -> INR:
    return INR(Balls(), make_latents(4, latent_dim, max_norm=max_norm), output="sdf")


@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("latent_dim", [0, 3])
def test_forward_looks_up_and_decodes(dim, latent_dim):
    model = make_model(latent_dim)
    x, index = torch.randn(2, 7, dim), torch.tensor([3, 1])
    field = model(x, index)
    assert field.value.shape == (2, 7, 1) and field.parts is None
    radius = model.latents.weight[index].sum(dim=1) if latent_dim else torch.tensor([0.5, 0.5])
    torch.testing.assert_close(field.value[..., 0], x.norm(dim=2) - radius[:, None])
    torch.testing.assert_close(field.value, model.decode(x, model.latents.weight[index]).value)


def test_forward_applies_the_norm_bound_and_decode_does_not():
    model = make_model(2, max_norm=1.0)
    with torch.no_grad():
        model.latents.weight[0] = torch.tensor([3.0, 4.0])
    origin = torch.zeros(1, 1, 3)
    assert model(origin, torch.tensor([0])).value.item() == pytest.approx(-1.4)
    assert model.decode(origin, model.latents.weight[:1]).value.item() == pytest.approx(-7)


def test_the_gradient_reaches_the_latents_asked_for_only():
    model = make_model(3)
    model(torch.randn(2, 5, 2), torch.tensor([2, 0])).value.sum().backward()
    assert model.latents.weight.grad[:, 0].tolist() == [-5, 0, -5, 0]


def test_poses_are_refused():
    model = make_model(3)
    with pytest.raises(ValueError, match="no parts"):
        model.decode(torch.zeros(1, 1, 3), torch.zeros(1, 3), torch.zeros(1, 1, 10))
