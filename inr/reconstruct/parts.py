"""Fitting shapes made of parts: settings, and detection of the parts that a shape has."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from inr.data.batch import BatchSpec
from inr.data.store import SampleStore
from inr.losses import Losses
from inr.models.decoder import Field, PartDecoder
from inr.models.inr import INR
from inr.models.parts.latents import PartLatents
from inr.seeding import seed_from_name

# factor on the samples of a step, to decide which parts a shape has
DROP_SAMPLES = 4
# largest relative increase of the loss for which a part is dropped: a part that has shrunk to
# nothing changes the loss by a few thousandths, one that the shape has by tens of percent
DROP_TOLERANCE = 0.01


@dataclass(frozen=True)
class PartFit:
    """Settings of fitting the parts of unseen shapes.

    Args:
        pose_lr: initial learning rate of the poses; 0 keeps them constant.
        poses: (B, P, K), initial poses, including which parts are present; None for the means over
            the training shapes.
        present: (B, P), parts that each shape has; None if unknown. Then those of `poses` are
            used; without poses, all parts are present for the first half of the iterations, and
            then each part that some training shape lacks is dropped if that hardly raises the
            loss `whole`, if this has terms.
        early: losses of the first half of the iterations.
        whole: terms of the field of the whole shape.
    """

    pose_lr: float
    poses: Tensor | None
    present: Tensor | None
    early: Losses
    whole: Losses

    def place(self, raw: Tensor) -> Tensor:
        """Return raw latents (B, P, L + K) with the initial poses."""
        if self.poses is not None:
            raw = torch.cat([raw[..., : -self.poses.shape[-1]], self.poses.to(raw)], dim=-1)
        if self.present is not None:
            raw = torch.cat([raw[..., :-1], self.present[..., None].to(raw)], dim=-1)
        return raw

    @property
    def drops(self) -> bool:
        """Return whether to detect, and drop, the parts that a shape lacks."""
        return self.poses is None and self.present is None and len(self.whole.terms) > 0


def seeded_generators(store: SampleStore, seed: int) -> list[torch.Generator]:
    """Return one generator per shape of a store, seeded by its name."""
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
    """Return which parts each shape has, (B, P), as 0 and 1.

    The parts that some training shape lacks are tried one by one, in the order in which leaving
    out each by itself raises the loss, from the least. A part is dropped unless the loss then
    exceeds the lowest so far by more than DROP_TOLERANCE. The other parts do not change. The
    result of a shape does not depend on the others of its batch.

    Args:
        model: the model to decode with.
        store: samples of the shapes.
        losses: terms of the field of the whole shape.
        pieces: raw latents (B, P, L + K) as split by `Latents.split`, with all parts present.
        spec: number and kind of the points of a step; DROP_SAMPLES times as many are drawn.
        seed: seed that is combined with the name of each shape.
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
        rest = INR(_PartialUnion(decoder, left_out), table, output=model.output).eval()
        return losses(rest, batch, latents, None)[0]

    left_out = torch.zeros(latents.shape[:2], dtype=torch.bool, device=latents.device)
    alone = [measure(left_out.index_fill(1, part, True)) for part in optional]
    least = measure(left_out)
    for part in optional[torch.stack(alone, dim=1).argsort(dim=1)].T:  # (B,), one per shape
        trial = left_out.scatter(1, part[:, None], True)
        loss = measure(trial)
        is_surplus = loss <= (1 + DROP_TOLERANCE) * least
        least = torch.where(is_surplus, torch.minimum(least, loss), least)
        left_out = torch.where(is_surplus[:, None], trial, left_out)
    return latents[..., -1] * ~left_out


class _PartialUnion(PartDecoder):
    """Decoder of the union without the parts `left_out`, (B, P) bool."""

    def __init__(self, decoder: PartDecoder, left_out: Tensor) -> None:
        super().__init__()
        self.num_parts = decoder.num_parts
        self.decoder, self.left_out = decoder, left_out

    def forward(self, x: Tensor, latents: Tensor, left_out: Tensor | None = None) -> Field:
        """Return the field without the parts left out, and the values of all parts."""
        field: Field = self.decoder(x, latents, self.left_out)
        return field
