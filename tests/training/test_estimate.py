from dataclasses import replace

import pytest
import torch

from inr.losses import ClampedL1, Losses
from inr.training.cadence import format_seconds
from inr.training.estimate import Estimate, estimate
from tests.support.making import train_settings

LOSSES = Losses({"distance": ClampedL1(weight=1.0, delta=0.1)})


def test_changes_nothing_of_the_model(make_model):
    model = make_model(weight_norm=True)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    found = estimate(
        model,
        LOSSES,
        train_settings(
            epochs=15, shapes_per_batch=2, samples_per_shape=100, validate_every=4, render_every=0
        ),
        dim=2,
        num_shapes=5,
        num_channels=1,
        epochs_done=5,
        sample_bytes=0,
        device=torch.device("cpu"),
    )
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    assert all(parameter.grad is None for parameter in model.parameters())
    assert model.training
    assert found.num_shapes == 5 and found.samples_per_step == 200
    assert found.num_validations == 3 and found.num_pictures == 0
    assert found.num_steps == 10 * 3  # the last batch is smaller
    # weight norm: g, v and the bias of two hidden layers, then the output
    assert found.num_parameters == (6 * 16 + 2 * 16) + (16 * 16 + 2 * 16) + 17
    assert found.step_seconds > 0
    assert found.seconds == found.step_seconds * 30


def test_memory_counts_the_samples_and_grows_with_the_batch(monkeypatch, make_model):
    def memory(samples_per_shape: int, sample_bytes: int) -> int:
        return estimate(
            make_model(),
            LOSSES,
            train_settings(epochs=1, shapes_per_batch=16, samples_per_shape=samples_per_shape),
            dim=2,
            num_shapes=2,
            num_channels=1,
            epochs_done=0,
            sample_bytes=sample_bytes,
            device=torch.device("cpu"),
        ).memory

    monkeypatch.setattr("inr.training.estimate.peak_memory", lambda device: 0)
    small = memory(1000, 0)
    assert memory(1000, 10**9) == small + 10**9
    # beyond the probe's size it is extrapolated: activations of two layers at the least
    large = memory(1_000_000, 0)
    assert large > 2 * 1_000_000 * 16 * 4 * 2
    assert large == pytest.approx(1000 * small, rel=0.2)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "0 s"),
        (59, "59 s"),
        (89, "89 s"),
        (90, "2 min"),
        (480, "8 min"),
        (89 * 60, "89 min"),
        (90 * 60, "1 h 30 min"),
        (2 * 3600 + 5 * 60, "2 h 05 min"),
        (2 * 3600 + 59.9 * 60, "3 h 00 min"),
        (47 * 3600, "47 h 00 min"),
        (72 * 3600, "3 days"),
    ],
)
def test_lengths_of_time(seconds, text):
    assert format_seconds(seconds) == text


def test_estimate_reads_as_a_sentence():
    found = Estimate(
        num_parameters=1_800_000,
        num_shapes=32,
        samples_per_step=131072,
        memory=3 << 30,
        step_seconds=0.5,
        num_steps=14400,
        num_validations=0,
        num_pictures=0,
    )
    sentence = (
        "1,800,000 parameters, 32 shapes, 131,072 samples per step, about 3.0 GiB, "
        "0.5 s per step, 14,400 steps: about 2 h 00 min"
    )
    assert str(found) == sentence
    drawn = replace(found, num_pictures=29)
    assert str(drawn) == f"{sentence}, not counting 29 sets of pictures"
    both = replace(drawn, num_validations=1440)
    assert str(both) == f"{sentence}, not counting 1,440 validations and 29 sets of pictures"
