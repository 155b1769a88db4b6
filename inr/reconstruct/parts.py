"""What is particular to fitting shapes made of parts."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from inr.data.store import Draws, SampleStore
from inr.losses import Losses
from inr.models.inr import INR
from inr.models.part_codes import PartCodes
from inr.models.poses import is_present
from inr.shapes.sampling import seed_from_name

# which parts a shape has is found out with this many times the samples of a step
DROP_SAMPLES = 4
# the loss may rise by this share: a part that has shrunk to nothing still changes it by some
# thousandths, one that the shape has by tens of percent
DROP_TOLERANCE = 0.01


@dataclass(frozen=True)
class PartFit:
    """Say how the parts of unseen shapes are fitted.

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
        """Return raw states (B, P, L + K) whose parts are where they start."""
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
        torch.Generator(device=store.draws_on).manual_seed(
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
    draws: Draws,
    seed: int,
) -> Tensor:
    """Return which parts shapes have, (B, P), as 0 and 1.

    Of the parts that some training shape lacks, one or two at a time are dropped as long as the
    loss stays within DROP_TOLERANCE of that of all. A shape's result depends on the shape alone.

    Args:
        model: decodes.
        store: samples of the shapes.
        losses: of the whole shape.
        pieces: of raw states (B, P, L + K), in which all parts are present.
        draws: what a step of the fit draws; here several times as many samples are drawn.
        seed: mixed with each shape's name.
    """
    latents = model.latents
    assert isinstance(latents, PartCodes)
    optional = latents.optional().nonzero()[:, 0].tolist()
    several = [*itertools.combinations(optional, 2), *((part,) for part in optional)]
    many = replace(draws, samples=DROP_SAMPLES * draws.samples)
    states = latents.constrain(latents.join(pieces)).clone()
    generators = seeded_generators(store, seed)
    for number in range(len(states)):
        state = states[number : number + 1]
        index = torch.tensor([number], device=store.draws_on)
        batch = store.draw(index, many, [generators[number]])
        allowed = (1 + DROP_TOLERANCE) * float(losses(model, batch, state, None)[0])
        while True:
            found, least = None, allowed
            for dropped in several:
                if not is_present(state[0, list(dropped)]).all():
                    continue
                trial = state.clone()
                trial[0, list(dropped), -1] = 0
                loss = float(losses(model, batch, trial, None)[0])
                if loss <= least:
                    least, found = loss, trial
            if found is None:
                break
            state.copy_(found)
    return states[..., -1]
