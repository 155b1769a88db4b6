"""Every YAML in conf/model builds, decodes and learns, in 2-D and 3-D, with and without codes."""

from pathlib import Path

import pytest
import torch

from inr.build import check, instantiate
from inr.models.inr import INR
from inr.models.latents import Codes
from inr.stages.compose import compose, register_resolvers

register_resolvers()
CONF = Path(__file__).resolve().parents[2] / "conf" / "model"
MODELS = sorted(path.stem for path in CONF.glob("*.yaml"))


def build(model: str, dim: int, code_dim: int) -> INR:
    entry = compose([f"model={model}"])["model"]
    for key, small in (("hidden_dim", 32), ("num_layers", 5)):
        if key in entry:
            entry[key] = small
    context = {"dim": dim, "code_dim": code_dim, "out_dim": 1}
    check(entry, "model", **context)
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    codes = Codes(num_shapes=2, dim=code_dim, max_norm=None, generator=generator)
    return INR(instantiate(entry, **context), codes)


def test_there_are_models():
    assert "deepsdf" in MODELS


@pytest.mark.parametrize("code_dim", [0, 6])
@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("model", MODELS)
def test_learns(model, dim, code_dim):
    inr = build(model, dim, code_dim)
    x = torch.rand(2, 200, dim, generator=torch.Generator().manual_seed(1)) * 2 - 1
    # without a code both shapes can only be one
    radius = torch.tensor([0.4, 0.7 if code_dim else 0.4])[:, None, None]
    target = x.norm(dim=-1, keepdim=True) - radius
    index = torch.tensor([0, 1])
    optimizer = torch.optim.Adam(inr.parameters(), lr=1e-3)
    losses = []
    for _ in range(20):
        value = inr(x, index).value
        assert value.shape == (2, 200, 1)
        loss = (value - target).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        for name, parameter in inr.body.named_parameters():
            assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        optimizer.step()
        losses.append(float(loss.detach()))
        if code_dim:
            assert (inr.latents.codes.grad.norm(dim=1) > 0).all()
    assert any(p.grad.abs().max() > 0 for p in inr.body.parameters())
    assert losses[-1] < 0.95 * losses[0]


@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("model", MODELS)
def test_points_and_shapes_do_not_see_each_other(model, dim):
    inr = build(model, dim, 6).double().eval()
    x = torch.randn(2, 30, dim, dtype=torch.float64)
    codes = torch.randn(2, 6, dtype=torch.float64)
    together = inr.decode(x, codes).value
    order = torch.randperm(30)
    torch.testing.assert_close(inr.decode(x[:, order], codes).value, together[:, order])
    for i in range(2):
        alone = inr.decode(x[i : i + 1, :4], codes[i : i + 1]).value[0]
        torch.testing.assert_close(alone, together[i, :4])
