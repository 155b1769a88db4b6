"""Running the command line inside the test's own process, and tiny settings for it."""

import sys
from pathlib import Path

import pytest

from inr.__main__ import main

TINY = [
    "experiment=quickstart",
    "logger=none",
    "device=cpu",
    "data.family.num_shapes=3",
    "data.splits.train=2",
    "data.splits.test=1",
    "data.sampling.near_counts=[2000,2000]",
    "data.sampling.num_uniform=500",
    "data.sampling.num_surface=500",
    "workers=1",
    "model.hidden_dim=16",
    "model.num_layers=2",
    "model.skip_layers=[1]",
    "latent.dim=4",
    "train.epochs=4",
    "train.samples_per_shape=64",
    "train.validate_every=2",
    "train.validation_resolution=16",
    "train.validation_iterations=2",
    "train.render_every=4",
    "train.render_resolution=16",
    "train.num_renders=1",
    "train.checkpoint_every=2",
    "train.log_every=1",
    "reconstruct.iterations=4",
    "reconstruct.samples_per_shape=64",
    "eval.resolution=24",
    "eval.num_points=300",
    "eval.metrics.iou.resolution=16",
    "train.validation_points=300",
    "renderer.solid.size=32",
]

TINY_PARTS = [
    "experiment=partsdf",
    *(s for s in TINY if not s.startswith(("experiment", "model.skip_layers"))),
    "train.epochs=20",
    "train.validate_every=20",
    "train.render_every=20",
    "train.checkpoint_every=10",
    "data.splits.train=3",
    "data.splits.valid=1",
    "data.family.num_shapes=5",
    "split=[train,test]",
]


def inr(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run python -m inr with these arguments and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["inr", *arguments])
    return main()


def only_run(folder: Path) -> Path:
    """Return the one run directory under folder/outputs."""
    (config,) = folder.glob("outputs/2*/*/config.yaml")
    return config.parent
