"""Every file of conf/loss, in 2-D and in 3-D."""

from pathlib import Path

import pytest
import torch
from torch import nn

from inr.config.instantiate import check, instantiate
from inr.losses import (
    Batch,
    LatentRegularisation,
    Loss,
    Losses,
    Samples,
    SurfacePoints,
    TrainProgress,
)
from inr.models.inr import INR
from tests.support.composed import composed
from tests.support.making import make_part_latents, make_part_mlp
from tests.support.paths import CONF

FILES = sorted((CONF / "loss").glob("*.yaml"))
NAMES = [path.stem for path in FILES]


def build(path: Path) -> Losses:
    entries = composed(f"loss={path.stem}")["loss"]
    for name, entry in entries.items():
        check(entry, f"loss.{name}", kind=Loss)
    return Losses({name: instantiate(entry) for name, entry in entries.items()})


class SmallDecoder(nn.Module):
    def __init__(self, dim: int, latent_dim: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.hidden = nn.Linear(dim + latent_dim, 24)
        self.output = nn.Linear(24, 1)

    def forward(self, x, latents):
        both = torch.cat([x, latents[:, None].expand(-1, x.shape[1], -1)], dim=-1)
        return self.output(torch.sin(5 * self.hidden(both)))


def make_batch(dim: int) -> Batch:
    """Return samples of two balls, and their surfaces."""
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(2, 64, dim, generator=generator) / 2
    normals = nn.functional.normalize(torch.randn(2, 64, dim, generator=generator), dim=-1)
    radii = torch.tensor([0.4, 0.7])[:, None, None]
    space = torch.rand(2, 64, dim, generator=generator) * 2 - 1
    return Batch(
        Samples(points, points.norm(dim=-1, keepdim=True) - radii),
        SurfacePoints(normals * radii, normals),
        space,
    )


def test_the_presets_are_there():
    assert set(NAMES) >= {
        "deepsdf",
        "l1",
        "l2",
        "hard_samples",
        "hard_samples_linear",
        "curriculum",
        "igr",
        "siren",
        "hotspot",
        "sal",
        "occupancy",
        "parts",
    }


@pytest.mark.parametrize("path", FILES, ids=NAMES)
@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("progress", [TrainProgress(0, 10), TrainProgress(9, 10), None])
def test_values_and_gradients_are_finite(make_model, path, dim, progress):
    losses = build(path)
    outputs = {term.output for term in losses.named_terms().values()} - {None}
    assert len(outputs) == 1
    batch, decoder, table = (
        make_batch(dim),
        SmallDecoder(dim, 3),
        make_model(None, latent_dim=3).latents,
    )
    if "parts" in losses.needs:
        torch.manual_seed(0)
        decoder, table = make_part_mlp(dim=dim), make_part_latents(2, dim=dim)
        batch = batch._replace(labels=torch.arange(64).expand(2, -1) % 3)
    model = INR(decoder, table, output=outputs.pop())
    latents = model.latents(torch.arange(2))
    total, values = losses(model, batch, latents, progress)
    assert total.shape == (2,) and all(value.shape == (2,) for value in values.values())
    assert total.isfinite().all() and all(value.isfinite().all() for value in values.values())
    assert all((value > 0).all() for value in values.values())
    total.mean().backward()
    for parameter in (*decoder.parameters(), model.latents.weight):
        assert parameter.grad.isfinite().all() and parameter.grad.abs().sum() > 0


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_several_shapes_have_their_latents_bounded(path):
    assert any(
        isinstance(term, LatentRegularisation) for term in build(path).named_terms().values()
    )


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_the_head_says_what_it_is(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# ") and all(len(line) <= 100 for line in text.splitlines())
