"""What is particular to fitting shapes made of parts."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from inr.data.store import BatchSpec, SampleStore
from inr.losses import Losses
from inr.models.decoder import Field, PartDecoder
from inr.models.inr import INR
from inr.models.parts.latents import PartLatents
from inr.seeding import seed_from_name

# which parts a shape has is found out with this many times the samples of a step
DROP_SAMPLES = 4
# the loss may rise by this fraction: a part that has shrunk to nothing still changes it by some
# thousandths, one that the shape has by tens of percent
DROP_TOLERANCE = 0.01


@dataclass(frozen=True)
class PartFit:
    """Settings of fitting the parts of unseen shapes.

    Args:
        pose_lr: learning rate of poses; 0 keeps them where they start.
        poses: (B, P, K) where they start, which says what parts a shape has; None for the mean
            over training shapes.
        present: (B, P), what parts a shape has if that is known; None for as the poses have it, or
            for all until half of the iterations are done, when those that some training shape
            lacks are dropped wherever that hardly raises the loss `whole`, if that has terms.
        early: losses of the first half.
        whole: losses of the whole shape.
    """

    pose_lr: float
    poses: Tensor | None
    present: Tensor | None
    early: Losses
    whole: Losses

    def place(self, raw: Tensor) -> Tensor:
        """Return raw latents (B, P, L + K) whose parts are where they start."""
        if self.poses is not None:
            raw = torch.cat([raw[..., : -self.poses.shape[-1]], self.poses.to(raw)], dim=-1)
        if self.present is not None:
            raw = torch.cat([raw[..., :-1], self.present[..., None].to(raw)], dim=-1)
        return raw

    @property
    def drops(self) -> bool:
        """Return whether it is to be found out which parts a shape has."""
        return self.poses is None and self.present is None and len(self.whole.terms) > 0


def seeded_generators(store: SampleStore, seed: int) -> list[torch.Generator]:
    """Return a generator for each shape of a store, seeded by its name."""
    return [
        torch.Generator(device=store.generator_device).manual_seed(
            int(seed_from_name(name, seed).integers(2**63))
        )
        for name in store.names
    ]


@torch.no_grad()
def find_present(
    model: INR,
    store: SampleStore,
    losses: Losses,
    pieces: Mapping[str, Tensor],
    spec: BatchSpec,
    seed: int,
) -> Tensor:
    """Return which parts shapes have, (B, P), as 0 and 1.

    Of the parts that some training shape lacks, those that are missed least are left out of the
    union first, one after another, unless the loss then is above the least so far by more than
    DROP_TOLERANCE. The other parts stay as they were fitted. A shape's result depends on the shape
    alone.

    Args:
        model: decodes.
        store: samples of the shapes.
        losses: of the whole shape.
        pieces: of raw latents (B, P, L + K), in which all parts are present.
        spec: what a step of the fit draws; here several times as many samples are drawn.
        seed: mixed with each shape's name.
    """
    table = model.latents
    assert isinstance(table, PartLatents) and isinstance(model.decoder, PartDecoder)
    decoder = model.decoder
    latents = table.constrain(table.join(pieces))
    optional = table.optional().nonzero()[:, 0]
    if len(optional) == 0:
        return latents[..., -1]
    many = replace(spec, samples=DROP_SAMPLES * spec.samples)
    index = torch.arange(len(latents), device=store.generator_device)
    batch = store.draw(index, many, seeded_generators(store, seed))

    def measure(left_out: Tensor) -> Tensor:
        rest = INR(_Union(decoder, left_out), table, output=model.output).eval()
        return losses(rest, batch, latents, None)[0]

    left_out = torch.zeros(latents.shape[:2], dtype=torch.bool, device=latents.device)
    alone = [measure(left_out.index_fill(1, part, True)) for part in optional]
    least = measure(left_out)
    for part in optional[torch.stack(alone, dim=1).argsort(dim=1)].T:  # (B,), of each shape one
        trial = left_out.scatter(1, part[:, None], True)
        loss = measure(trial)
        is_surplus = loss <= (1 + DROP_TOLERANCE) * least
        least = torch.where(is_surplus, torch.minimum(least, loss), least)
        left_out = torch.where(is_surplus[:, None], trial, left_out)
    return latents[..., -1] * ~left_out


class _Union(PartDecoder):
    """A decoder's union without some parts (B, P)."""

    def __init__(self, decoder: PartDecoder, left_out: Tensor) -> None:
        super().__init__()
        self.num_parts = decoder.num_parts
        self.decoder, self.left_out = decoder, left_out

    def forward(self, x: Tensor, latents: Tensor, left_out: Tensor | None = None) -> Field:
        """Return the field, and all parts."""
        field: Field = self.decoder(x, latents, self.left_out)
        return field
