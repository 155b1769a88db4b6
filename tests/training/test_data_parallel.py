"""A data-parallel wrapper sees the whole loss, terms of the field's gradient included."""

import pytest
import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from inr.losses import (
    ClampedL1,
    Eikonal,
    LatentRegularisation,
    Losses,
    SurfaceDistance,
    TrainProgress,
)
from inr.models.inr import INR
from inr.training.step import batch_loss, train_step
from tests.support.making import (
    DRAWS,
    make_latents,
    make_mlp,
    make_model,
    open_discs,
    train_settings,
)

NOW = TrainProgress(1, 4)
INDEX = torch.tensor([0, 1])


@pytest.fixture
def process_group(tmp_path):
    """This process alone, talking to itself over gloo."""
    store = distributed.FileStore(str(tmp_path / "store"), 1)
    distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


@pytest.fixture
def batch(tmp_path):
    needs = ("samples", "surface", "space")
    store = open_discs(tmp_path / "data", {"large": 0.7, "small": 0.3}, needs=needs)
    return store.draw(INDEX, DRAWS, torch.Generator().manual_seed(0))


def make_network() -> INR:
    torch.manual_seed(0)
    return make_model(make_mlp(weight_norm=True), make_latents(2, 4))


def make_losses() -> Losses:
    return Losses(
        {
            "distance": ClampedL1(weight=1.0, delta=None),
            "surface": SurfaceDistance(weight=1.0),
            "eikonal": Eikonal(weight=0.1, where="space", power=2),
            "latent": LatentRegularisation(weight=1e-3, ramp_epochs=4),
        }
    )


def test_gradients_are_those_without_the_wrapper(process_group, batch):
    alone, inner = make_network(), make_network()
    # without find_unused_parameters it waits for each parameter's gradient, and refuses a second
    # step where one had none
    wrapped = DistributedDataParallel(inner)
    reduced = []

    def note(_, bucket):
        reduced.extend(bucket.parameters())
        done = torch.futures.Future()
        done.set_result(bucket.buffer())
        return done

    wrapped.register_comm_hook(None, note)
    for _ in range(2):
        for model in (alone, wrapped):
            model.zero_grad()
            batch_loss(model, make_losses(), batch, INDEX, NOW)[0].backward()
        expected = dict(alone.named_parameters())
        for name, parameter in inner.named_parameters():
            assert parameter.grad is not None and torch.equal(
                parameter.grad, expected[name].grad
            ), name
    assert {id(p) for p in reduced} == {id(p) for p in inner.parameters()}


def test_a_step_is_that_without_the_wrapper(process_group, batch):
    alone, inner = make_network(), make_network()
    for model in (alone, DistributedDataParallel(inner)):
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        for _ in range(3):
            train_step(model, make_losses(), optimizer, batch, INDEX, NOW, train_settings())
    for name, tensor in alone.state_dict().items():
        assert torch.equal(tensor, inner.state_dict()[name]), name
