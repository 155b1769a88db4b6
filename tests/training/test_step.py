"""One optimizer step: what it refuses, and how it clips."""

import math

import pytest
import torch

from inr.losses import TrainProgress
from inr.training.step import train_step
from tests.support.making import DRAWS, train_settings
from tests.support.training import NotANumber, make_losses, state_of


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_changes_no_weight(store, make_model, make_optimizer, value):
    model = make_model()
    optimizer = make_optimizer(model)
    index, batch = torch.tensor([0, 1]), store.draw(torch.tensor([0, 1]), DRAWS, torch.Generator())
    now = TrainProgress(0, 6)
    train_step(model, make_losses(), optimizer, batch, index, now, train_settings())
    before = {name: tensor.clone() for name, tensor in state_of(model, optimizer).items()}
    bad = make_losses(bad=NotANumber(0, value))
    with pytest.raises(FloatingPointError, match="weights are as before"):
        train_step(model, bad, optimizer, batch, index, now, train_settings())
    after = state_of(model, optimizer)
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        assert torch.equal(tensor, after[name]), name
    train_step(model, make_losses(), optimizer, batch, index, now, train_settings())
    assert not torch.equal(before["latents.weight"], model.latents.weight)


def test_the_gradient_of_a_step_is_clipped_to_a_norm(store, make_model):
    index, batch = torch.tensor([0, 1]), store.draw(torch.tensor([0, 1]), DRAWS, torch.Generator())
    steps = {}
    for bound in (None, 1e-3, 1e6):
        model = make_model(dropout=0.0)
        before = torch.nn.utils.parameters_to_vector(model.parameters()).detach().clone()
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        settings = train_settings(clip_gradient_norm=bound)
        train_step(model, make_losses(), optimizer, batch, index, TrainProgress(0, 6), settings)
        after = torch.nn.utils.parameters_to_vector(model.parameters()).detach()
        steps[bound] = after - before
    assert torch.equal(steps[None], steps[1e6]) and steps[None].norm() > 1e-2
    # the direction stays, over all parameters at once
    assert steps[1e-3].norm().item() == pytest.approx(1e-3, rel=1e-2)
    assert torch.cosine_similarity(steps[1e-3], steps[None], dim=0).item() > 0.999
