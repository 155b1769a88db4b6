import pytest
import torch
from torch import Tensor, nn

from inr.models.inr import INR
from tests.making import make_codes


class Balls(nn.Module):
    """The distance to a ball whose radius is the code's sum (0.5 without a code)."""

    def forward(self, x: Tensor, codes: Tensor) -> Tensor:
        radius = codes.sum(dim=-1) if codes.shape[-1] else torch.full(codes.shape[:1], 0.5)
        return x.norm(dim=-1, keepdim=True) - radius[:, None, None]


def make_model(code_dim: int, max_norm: float | None = None) -> INR:
    return INR(Balls(), make_codes(4, code_dim, max_norm=max_norm), output="sdf")


@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("code_dim", [0, 3])
def test_forward_looks_up_and_decodes(dim, code_dim):
    model = make_model(code_dim)
    x, index = torch.randn(2, 7, dim), torch.tensor([3, 1])
    field = model(x, index)
    assert field.value.shape == (2, 7, 1) and field.parts is None
    radius = model.latents.codes[index].sum(dim=1) if code_dim else torch.tensor([0.5, 0.5])
    torch.testing.assert_close(field.value[..., 0], x.norm(dim=2) - radius[:, None])
    torch.testing.assert_close(field.value, model.decode(x, model.latents.codes[index]).value)


def test_forward_applies_the_norm_bound_and_decode_does_not():
    model = make_model(2, max_norm=1.0)
    with torch.no_grad():
        model.latents.codes[0] = torch.tensor([3.0, 4.0])
    origin = torch.zeros(1, 1, 3)
    assert model(origin, torch.tensor([0])).value.item() == pytest.approx(-1.4)
    assert model.decode(origin, model.latents.codes[:1]).value.item() == pytest.approx(-7)


def test_the_gradient_reaches_the_codes_asked_for_only():
    model = make_model(3)
    model(torch.randn(2, 5, 2), torch.tensor([2, 0])).value.sum().backward()
    assert model.latents.codes.grad[:, 0].tolist() == [-5, 0, -5, 0]


def test_poses_are_refused():
    model = make_model(3)
    with pytest.raises(ValueError, match="no parts"):
        model.decode(torch.zeros(1, 1, 3), torch.zeros(1, 3), torch.zeros(1, 1, 10))
