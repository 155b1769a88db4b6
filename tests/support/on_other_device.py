"""Run things on the made-up device: python -m tests.support.on_other_device <what> ..."""

import os
import sys
from collections.abc import Callable
from typing import Any

from tests.support.other_device import DEVICE, Other, other_device  # isort: skip  # before ours

import pytest
import torch
from torch.utils._python_dispatch import _disable_current_modes as on_cpu
from torch.utils._pytree import tree_map

from inr.losses import TrainProgress
from inr.models.inr import INR
from inr.runs import trained
from inr.stages.train import train
from inr.training import estimate
from tests.losses import test_every_loss
from tests.models.test_every_model import MODELS, build, draw
from tests.support.cli import TINY, TINY_PARTS
from tests.support.making import make_latents, make_part_latents, make_part_mlp


def the_device() -> None:
    """Refuse what a GPU refuses, and nothing else."""
    x, generator = torch.zeros(3, device=DEVICE), torch.Generator(DEVICE).manual_seed(0)
    assert (x + 1).tolist() == [1, 1, 1] and (x.cpu() + torch.ones(3)).tolist() == [1, 1, 1]
    assert x[torch.tensor([0, 2])].device == torch.rand(3, device=DEVICE).device == DEVICE
    assert torch.rand(3, generator=generator, device=DEVICE).device == DEVICE
    wrong: list[Callable[[], object]] = [
        lambda: x + torch.ones(3),
        lambda: torch.rand(3, generator=generator),
        lambda: torch.rand(3, generator=torch.Generator(), device=DEVICE),
        lambda: x.numpy(),
    ]
    for step in wrong:
        with pytest.raises(RuntimeError):
            step()


def models() -> None:
    """Decode with every decoder, and take first and second derivatives."""
    for model in MODELS:
        for dim, latent_dim in ((2, 6), (3, 0)):
            with on_cpu():
                decoder, (x, latents) = build(model, dim, latent_dim), draw(dim, latent_dim, num=40)
            decoder, x, latents = decoder.to(DEVICE), x.to(DEVICE), latents.to(DEVICE)
            value = decoder(x.requires_grad_(), latents.requires_grad_())
            assert value.device == DEVICE, model
            if model == "wire":  # complex derivatives are more than the device can do
                continue
            (gradient,) = torch.autograd.grad(value.sum(), x, create_graph=True)
            gradient.square().sum().backward()


def losses() -> None:
    """Evaluate every loss and its gradient."""
    for path in test_every_loss.FILES:
        for dim, when in ((2, TrainProgress(0, 10)), (3, TrainProgress(9, 10)), (3, None)):
            with on_cpu():
                terms, batch = test_every_loss.build(path), test_every_loss.make_batch(dim)
                decoder: Any = test_every_loss.SmallDecoder(dim, 3)
                latents: Any = make_latents(2, 3)
                if "parts" in terms.needs:
                    decoder, latents = make_part_mlp(dim=dim), make_part_latents(2, dim=dim)
                    batch = batch._replace(labels=torch.arange(64).expand(2, -1) % 3)
                (output,) = {term.output for term in terms.named_terms().values()} - {None}
                model = INR(decoder, latents, output=output)
            model = model.to(DEVICE)
            batch = tree_map(lambda x: x.to(DEVICE) if isinstance(x, torch.Tensor) else x, batch)
            total, _ = terms(model, batch, model.latents(torch.arange(2, device=DEVICE)), when)
            assert isinstance(total, Other), path
            total.mean().backward()


def a_run() -> None:
    """Train, validate, draw, reconstruct and evaluate."""
    run(*TINY, "stage=all", "data=naca", "loss=curriculum")
    run("stage=sample", "run=latest", "sample.num_shapes=2", "eval.resolution=24")


def a_run_of_parts() -> None:
    """Do the same with shapes made of parts, and edit one."""
    run(*TINY_PARTS, "stage=all", "data.family.seed=2")
    edit = ("edit.operation=scale", "edit.part=1", "edit.factor=0.9", "eval.resolution=24")
    run("stage=edit", "run=latest", "shape=chair_0002", *edit)


def run(*arguments: str) -> None:
    """Run a command line."""
    from inr.__main__ import main

    for module in (train, trained):
        module.pick_device = lambda _: DEVICE  # type: ignore[attr-defined]
    estimate._saved_bytes = lambda step: step() or 0  # type: ignore[assignment]
    sys.argv = ["inr", *arguments]
    assert main() == 0


if __name__ == "__main__":
    for what in sys.argv[1:]:
        with other_device():
            globals()[what]()
        print(f"{what}: done", flush=True)
    # torch's thread for derivatives on the device does not always end with the interpreter
    os._exit(0)
