"""Training shapes made of parts: it learns, and goes on to the bit."""

import pytest
import torch

from inr.config.factories import build_model, build_optimizer
from inr.config.schema import Config
from inr.config.sections import structure
from inr.losses import HardSamples, Intersection, LatentRegularisation, Losses, PartDistance
from inr.models.inr import INR
from inr.reconstruct.latent_fitting import part_poses
from inr.training.checkpoint import Progress, load_checkpoint, restore_model
from inr.training.interrupt import Interrupt
from tests.support.composed import composed
from tests.support.discs import PAIRS, open_pairs, write_pairs
from tests.support.training import StopAfter, logged, state_of

CPU = torch.device("cpu")
SETTINGS = [
    "model=partsdf",
    "latent=parts",
    "loss=parts",
    "model.hidden_dim=16",
    "model.num_layers=2",
    "model.dropout=0.1",
    "latent.dim=4",
    "latent.num_parts=2",
    "latent.train_poses=true",
    "optimizer.lr=5e-3",
    "optimizer.latent_lr=1e-2",
    "optimizer.pose_lr=3e-3",
    "data=outlines",
    "data.dim=2",
    "seed=3",
]


def make_losses(**more) -> Losses:
    settings = {"power": 1, "strength": 0.5, "delta": 0.1}
    return Losses(
        {
            "distance": HardSamples(weight=0.5, **settings),
            "parts": PartDistance(weight=1.0, **settings),
            "intersection": Intersection(weight=1.0, temperature=0.02),
            "latent": LatentRegularisation(weight=1e-4, ramp_epochs=4),
            **more,
        }
    )


@pytest.fixture
def make(tmp_path):
    """A function that makes a model of the pairs and its optimizer."""
    poses = part_poses(write_pairs(tmp_path / "poses"), list(PAIRS), 2)

    def make(*changes: str, fresh: bool = True) -> tuple[INR, torch.optim.Optimizer]:
        config = structure(Config, composed(*SETTINGS, *changes))
        given = poses if fresh else None
        model = build_model(config, list(PAIRS), CPU, fresh=fresh, poses=given)
        return model, build_optimizer(config, model)

    return make


@pytest.fixture
def store(tmp_path):
    return open_pairs(tmp_path / "data")


@pytest.mark.parametrize("conv", ["true", "false"])
def test_learns_pairs_of_discs(tmp_path, train, make, conv):
    model, optimizer = make(f"model.part_conv={conv}", "model.dropout=0.0")
    train(model, optimizer, losses=make_losses(), epochs=60)
    lines = logged(tmp_path)
    assert lines[-1]["train/parts"] < 0.4 * lines[0]["train/parts"]
    assert {"train/lr_network", "train/lr_latents", "train/lr_poses"} <= lines[0].keys()
    points = torch.tensor([[[-0.45, 0.0], [0.47, 0.0], [0.0, 0.9]]]).expand(3, -1, -1)
    field = model.eval()(points, torch.arange(3))
    inside = [[True, True, False], [True, True, False], [True, False, False]]
    assert (field.value[..., 0] < 0).tolist() == inside
    assert (field.parts[:, 0].argmin(dim=1) == 0).all() and (field.parts[:2, 1, 1] < 0).all()


@pytest.mark.parametrize("steps", [1, 4, 5])
def test_resumed_is_uninterrupted_to_the_bit(tmp_path, store, train, make, steps):
    model, optimizer = make()
    train(model, optimizer, folder=tmp_path / "one", losses=make_losses())
    expected = state_of(model, optimizer)
    start = make()[0].latents
    for key in ("weight", "poses"):
        assert not torch.equal(expected[f"latents.{key}"], getattr(start, key)), key
    assert torch.equal(expected["latents.present"], start.present)

    model, optimizer = make()
    interrupt, folder = Interrupt(), tmp_path / "two"
    losses = make_losses(stop=StopAfter(steps, interrupt))
    stopped = train(model, optimizer, folder=folder, interrupt=interrupt, losses=losses)
    assert stopped.step == steps
    content = load_checkpoint(folder / "last.pt")
    assert list(content["latents"]) == list(PAIRS)
    model, optimizer = make("seed=9", fresh=False)
    restore_model(content, model, store.names, folder / "last.pt")
    optimizer.load_state_dict(content["optimizer"])
    progress = Progress(**content["progress"])
    train(model, optimizer, folder=folder, progress=progress, losses=make_losses())
    got = state_of(model, optimizer)
    assert expected.keys() == got.keys()
    for name, tensor in expected.items():
        assert torch.equal(tensor, got[name]), name


def test_poses_have_a_rate_of_their_own_where_they_are_trained(make):
    groups = {group["name"]: group for group in make()[1].param_groups}
    assert {name: group["lr"] for name, group in groups.items()} == {
        "network": 5e-3,
        "latents": 1e-2,
        "poses": 3e-3,
    }
    model, optimizer = make("latent.train_poses=false")
    assert [group["name"] for group in optimizer.param_groups] == ["network", "latents"]
    assert not model.latents.poses.requires_grad


def test_untrained_poses_stay(train, make):
    model, optimizer = make("latent.train_poses=false")
    before = model.latents.poses.clone()
    train(model, optimizer, losses=make_losses(), epochs=2)
    assert torch.equal(model.latents.poses, before)
