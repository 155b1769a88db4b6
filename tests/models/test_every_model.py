"""Every YAML in conf/model builds, decodes and learns, in 2-D and 3-D, with and without latents."""

import pytest
import torch
from torch import Tensor, nn

from inr.config.instantiate import check, instantiate
from inr.config.validate import decoder_entry
from inr.models.decoder import Decoder
from inr.models.parts.mlp import PartMLP
from inr.models.parts.poses import identity_pose, pose_dim
from tests.support.composed import composed
from tests.support.paths import CONF

YAMLS = CONF / "model"
MODELS = sorted(path.stem for path in YAMLS.glob("*.yaml"))
# whose second derivative is 0, or jumps
PIECEWISE = {
    "deepsdf",
    "hash_grid",
    "input_modulated",
    "latent_demodulated",
    "latent_modulated",
    "levels_of_experts",
    "partsdf",
}
NUM_PARTS = 3
EVERY = pytest.mark.parametrize("model", MODELS)
DIMS = pytest.mark.parametrize("dim", [2, 3])
LATENT_DIMS = pytest.mark.parametrize("latent_dim", [0, 6])


def build(model: str, dim: int, latent_dim: int, out_dim: int = 1) -> nn.Module:
    entry = decoder_entry(composed(f"model={model}")["model"])
    if "hidden_dim" in entry:
        entry["hidden_dim"] = min(entry["hidden_dim"], 32)
    context = {"dim": dim, "latent_dim": latent_dim, "out_dim": out_dim, "num_parts": NUM_PARTS}
    check(entry, "model", **context)
    torch.manual_seed(0)
    decoder = instantiate(entry, **context)
    return OfParts(decoder, dim) if isinstance(decoder, PartMLP) else decoder


class OfParts(Decoder):
    """Show a decoder of parts the same latent for each, at poses that differ from part to part."""

    def __init__(self, decoder: PartMLP, dim: int) -> None:
        super().__init__()
        self.decoder = decoder
        pose = identity_pose(NUM_PARTS, dim=dim)
        pose[:, :-1] += 0.2 * torch.randn(NUM_PARTS, pose_dim(dim) - 1)
        self.register_buffer("pose", pose)

    def named_parameters(self, *_: object, **__: object):
        return self.decoder.named_parameters()

    def forward(self, x: Tensor, latents: Tensor) -> Tensor:
        each = latents[:, None].expand(-1, NUM_PARTS, -1)
        part_latents = torch.cat([each, self.pose.expand(len(latents), -1, -1)], dim=-1)
        return self.decoder(x, part_latents).value


def draw(dim: int, latent_dim: int, num: int = 200) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(2, num, dim, generator=generator) * 2 - 1
    latents = torch.randn(2, latent_dim, generator=generator) / max(latent_dim, 1) ** 0.5
    return x, latents


def test_there_are_models():
    family = (
        "deepsdf latent_modulated input_modulated latent_demodulated siren latent_modulated_siren "
        "levels_of_experts hash_grid finer wire igr partsdf"
    )
    assert set(family.split()) <= set(MODELS)


@EVERY
@DIMS
@LATENT_DIMS
def test_training_steps_lower_the_loss(model, dim, latent_dim):
    decoder = build(model, dim, latent_dim)
    x, latents = draw(dim, latent_dim)
    latents.requires_grad_()
    # without a latent both shapes can only be one
    radius = torch.tensor([0.4, 0.7 if latent_dim else 0.4])[:, None, None]
    target = x.norm(dim=-1, keepdim=True) - radius
    parameters = dict(decoder.named_parameters())
    # the rate at which the steepest of them still descends
    optimizer = torch.optim.Adam([*parameters.values(), latents], lr=5e-4)
    losses = []
    moved: set[str] = set()
    for _ in range(3):
        value = decoder(x, latents)
        loss = (value - target).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        for name, parameter in parameters.items():
            assert parameter.grad is not None and parameter.grad.isfinite().all(), name
            if parameter.grad.abs().max() > 0:
                moved.add(name)
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[0] > losses[1] > losses[2], losses
    assert moved == set(parameters)
    # a decoder may start without heeding its latents, but learns to at once
    assert latent_dim == 0 or (latents.grad.norm(dim=1) > 0).all()


@EVERY
@DIMS
@LATENT_DIMS
@pytest.mark.parametrize("out_dim", [1, 4])
def test_shapes_and_gradients_in_space(model, dim, latent_dim, out_dim):
    decoder = build(model, dim, latent_dim, out_dim).eval()
    x, latents = draw(dim, latent_dim, num=30)
    x.requires_grad_()
    value = decoder(x, latents)
    assert value.shape == (2, 30, out_dim)
    assert value.dtype == x.dtype
    for channel in range(out_dim):
        (gradient,) = torch.autograd.grad(value[..., channel].sum(), x, retain_graph=True)
        assert gradient.isfinite().all() and (gradient.norm(dim=-1) > 0).float().mean() > 0.9


@EVERY
@DIMS
def test_points_and_shapes_do_not_see_each_other(model, dim):
    decoder = build(model, dim, 6).double().eval()
    x, latents = draw(dim, 6, num=40)
    x, latents = 1.3 * x.double(), latents.double()  # some lie outside the box
    together = decoder(x, latents)
    order = torch.randperm(40)
    torch.testing.assert_close(decoder(x[:, order], latents), together[:, order])
    for i in range(2):
        torch.testing.assert_close(
            decoder(x[i : i + 1, :4], latents[i : i + 1])[0], together[i, :4]
        )


@EVERY
@DIMS
def test_gradients_in_space_are_those_of_finite_differences(model, dim):
    decoder = build(model, dim, 6).double().eval()
    x, latents = (t.double() for t in draw(dim, 6, num=50))
    x.requires_grad_()
    (gradient,) = torch.autograd.grad(decoder(x, latents).sum(), x)
    step = 1e-6
    with torch.no_grad():
        differences = torch.cat(
            [
                (decoder(x + shift, latents) - decoder(x - shift, latents)) / (2 * step)
                for shift in step * torch.eye(dim, dtype=torch.float64)
            ],
            dim=-1,
        )
    close = (gradient - differences).abs() <= 1e-5 * (1 + gradient.abs())
    # all but the few whose step crosses a kink, or the face of a cell
    assert close.all(dim=-1).float().mean() >= 0.97


@EVERY
@DIMS
@LATENT_DIMS
def test_losses_may_take_the_gradient_of_the_gradient(model, dim, latent_dim):
    decoder = build(model, dim, latent_dim)
    x, latents = draw(dim, latent_dim, num=50)
    x.requires_grad_()
    (gradient,) = torch.autograd.grad(decoder(x, latents).sum(), x, create_graph=True)
    eikonal = (gradient.norm(dim=-1) - 1).square().mean()
    by_weight = torch.autograd.grad(
        eikonal, list(decoder.parameters()), allow_unused=True, retain_graph=True
    )
    reached = [g for g in by_weight if g is not None]
    assert all(g.isfinite().all() for g in reached)
    assert any(g.abs().max() > 0 for g in reached)
    if model not in PIECEWISE:
        (second,) = torch.autograd.grad(gradient.sum(), x)
        assert second.isfinite().all()
        assert (second.norm(dim=-1) > 0).float().mean() > 0.9


def test_the_list_of_kinked_models_is_not_stale():
    assert set(MODELS) >= PIECEWISE
