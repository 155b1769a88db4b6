import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from inr.data.store import SampleStore
from inr.losses import ClampedL1, LatentRegularisation, Losses
from inr.models.inr import INR
from inr.models.latents import Latents
from inr.reconstruct import POINTS_PER_CALL_CPU, decode_mesh, field_of, fit_latents
from tests.support.making import DRAWS, make_latents, make_mlp, make_model, open_discs

DISTANCE = {"distance": ClampedL1(weight=1.0, delta=None)}


def latents_of(dim: int, max_norm: float | None = None) -> Latents:
    return make_latents(2, dim, max_norm=max_norm)


def make_network(dropout: float = 0.0, latent_dim: int = 6) -> INR:
    torch.manual_seed(0)
    return make_model(make_mlp(latent_dim=latent_dim, dropout=dropout), latents_of(latent_dim))


class Ball(nn.Module):
    """The distance to a ball whose radius is the sum of its latent, here in any dimension."""

    def forward(self, x: Tensor, latents: Tensor) -> Tensor:
        return x.norm(dim=-1, keepdim=True) - latents.sum(dim=-1)[:, None, None]


def fit(model: INR, store: SampleStore, terms=None, **changes) -> Tensor:
    settings = {
        "iterations": 20,
        "spec": DRAWS,
        "lr": 0.01,
        "lr_drop": 0.1,
        "init_std": 0.01,
        "seed": 0,
    }
    return fit_latents(model, store, Losses(terms or DISTANCE), **{**settings, **changes})


def test_a_latent_does_not_depend_on_the_others(tmp_path):
    radii = {"a": 0.3, "b": 0.5, "c": 0.7}
    terms = {**DISTANCE, "latent": LatentRegularisation(weight=0.01, ramp_epochs=100)}
    model = make_network()
    together = fit(model, open_discs(tmp_path, radii), terms)
    assert together.shape == (3, 6) and not together.requires_grad
    for row, name in enumerate(radii):
        alone = fit(model, open_discs(tmp_path, {name: radii[name]}), terms)
        torch.testing.assert_close(alone[0], together[row], atol=1e-4, rtol=1e-4)
    reordered = fit(model, open_discs(tmp_path, {n: radii[n] for n in ("c", "a")}), terms)
    torch.testing.assert_close(reordered, together[[2, 0]], atol=1e-4, rtol=1e-4)
    assert (together[0] - together[2]).abs().max() > 0.01  # they moved, and apart


def test_the_network_is_frozen_and_thawed(tmp_path):
    model = make_network(dropout=0.5).train()
    model.decoder.output.bias.requires_grad_(False)  # frozen before: stays so
    trainable = {name: p.requires_grad for name, p in model.named_parameters()}
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    fit(model, open_discs(tmp_path, {"a": 0.5}))
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    assert {name: p.requires_grad for name, p in model.named_parameters()} == trainable
    assert all(p.grad is None for p in model.parameters())


def test_the_network_is_thawed_after_an_error_too(tmp_path):
    model = make_network()

    def stop() -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(model, open_discs(tmp_path, {"a": 0.5}), stopped=stop)
    assert all(p.requires_grad for p in model.parameters())


def test_no_dropout_while_latents_are_fitted(tmp_path):
    store = open_discs(tmp_path, {"a": 0.5})
    assert torch.equal(fit(make_network(dropout=0.5).train(), store), fit(make_network(), store))


def test_finds_the_radius_of_a_ball(tmp_path):
    radii = {"a": 0.3, "b": 0.7}
    model = make_model(Ball(), latents_of(2))
    latents = fit(model, open_discs(tmp_path, radii), iterations=60, lr=0.02)
    np.testing.assert_allclose(latents.sum(dim=1), list(radii.values()), atol=0.02)


def test_the_learning_rate_drops_after_half(tmp_path):
    # the loss |x| - sum(latent) - target has gradient -1 in each component until the radius is met,
    # and under a constant gradient Adam moves by its learning rate a step
    store, model = open_discs(tmp_path, {"a": 0.9}), make_model(Ball(), latents_of(2))
    settings = {"lr": 0.005, "init_std": 0.0}
    full = fit(model, store, lr_drop=1.0, **settings)
    dropped = fit(model, store, lr_drop=0.1, **settings)
    np.testing.assert_allclose(full, 20 * 0.005, rtol=1e-4)
    np.testing.assert_allclose(dropped, (10 + 10 * 0.1) * 0.005, rtol=1e-4)


def test_the_loss_is_the_sum_over_shapes(tmp_path):
    # where a gradient g is as small as Adam's epsilon a step is lr g / (g + epsilon), half of lr
    # here; a mean over shapes would make it a third
    store, model = open_discs(tmp_path, {"a": 0.9, "b": 0.9}), make_model(Ball(), latents_of(2))
    tiny = {"distance": ClampedL1(weight=1e-8, delta=None)}
    latents = fit(model, store, tiny, lr=0.005, lr_drop=1.0, init_std=0.0)
    np.testing.assert_allclose(latents, 20 * 0.005 / 2, rtol=1e-3)


def test_starts_are_small_and_seeded(tmp_path):
    store, model = open_discs(tmp_path, {"a": 0.5, "b": 0.5}), make_model(Ball(), latents_of(2000))
    settings = {"iterations": 1, "lr": 0.0}
    start = fit(model, store, init_std=0.01, **settings)
    np.testing.assert_allclose(start.std(dim=1), 0.01, rtol=0.1)
    assert torch.equal(start, fit(model, store, init_std=0.01, **settings))
    assert not torch.equal(start[0], start[1])
    assert not torch.equal(start, fit(model, store, init_std=0.01, **{**settings, "seed": 1}))


def test_the_result_is_bounded(tmp_path):
    model = make_model(Ball(), latents_of(2, max_norm=0.2))
    latents = fit(model, open_discs(tmp_path, {"a": 0.9}), iterations=60, lr=0.02)
    np.testing.assert_allclose(latents.norm(dim=1), 0.2, rtol=1e-5)


def test_stops_when_asked(tmp_path):
    calls = []

    def stopped() -> bool:
        calls.append(0)
        return len(calls) == 4

    settings = {"lr": 0.005, "lr_drop": 1.0, "init_std": 0.0}
    model = make_model(Ball(), latents_of(2))
    latents = fit(model, open_discs(tmp_path, {"a": 0.9}), stopped=stopped, **settings)
    np.testing.assert_allclose(latents, 4 * 0.005, rtol=1e-4)


def test_a_model_without_latents(tmp_path):
    latents = fit(make_network(latent_dim=0), open_discs(tmp_path, {"a": 0.5}))
    assert latents.shape == (1, 0)


def test_a_latent_that_is_no_number_names_its_shape(tmp_path):
    store = open_discs(tmp_path, {"good": 0.3, "bad": 0.7})
    store.samples.values = store.samples.values.clone()  # the file that is mapped is not to change
    store.samples.values[800 - 400 :, 2] = math.inf
    with pytest.raises(FloatingPointError, match="the latent of 'bad'"):
        fit(make_network(), store, {"distance": Squared(weight=1.0, delta=None)})


class Squared(ClampedL1):
    """Turns an infinite distance into a gradient that is no number."""

    def error(self, value, target, progress):
        return (value - target).square()


@pytest.mark.parametrize("coarse_to_fine", [True, False])
@pytest.mark.parametrize("dim", [2, 3])
def test_mesh_of_a_ball(dim, coarse_to_fine):
    model = make_model(Ball(), latents_of(2))
    latent = torch.tensor([0.4, 0.2])
    mesh = decode_mesh(model, latent, dim=dim, resolution=48, coarse_to_fine=coarse_to_fine)
    volume = math.pi * 0.6**2 if dim == 2 else 4 / 3 * math.pi * 0.6**3
    assert mesh.is_closed()
    assert mesh.volume() == pytest.approx(volume, rel=0.01)
    np.testing.assert_allclose(np.linalg.norm(mesh.vertices, axis=1), 0.6, atol=2e-3)


def test_mesh_of_nothing():
    model = make_model(Ball(), latents_of(2))
    mesh = decode_mesh(model, torch.zeros(2) - 1, dim=3, resolution=16, coarse_to_fine=False)
    assert mesh.is_empty
    with pytest.raises(FloatingPointError):
        decode_mesh(model, torch.full((2,), math.nan), dim=2, resolution=16, coarse_to_fine=False)


def test_field_in_several_calls():
    points = np.random.default_rng(0).uniform(-1, 1, (POINTS_PER_CALL_CPU + 10, 3))
    field = field_of(make_model(Ball(), latents_of(2)), torch.tensor([0.4, 0.2]))
    np.testing.assert_allclose(field(points), np.linalg.norm(points, axis=1) - 0.6, atol=1e-6)
