"""What a loss term sees and gives, and the one place that weighs and sums terms."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from inr.data.batch import NEEDS, SETS, Batch, set_of
from inr.models.derivatives import decode_with_gradient
from inr.models.inr import INR


class TrainProgress(NamedTuple):
    """Say how far training is.

    Args:
        epoch: from 0.
        num_epochs: of the whole run.
    """

    epoch: int
    num_epochs: int


class FieldSamples(NamedTuple):
    """Hold the field, and what is known of it, at one set of points.

    Args:
        points: (B, N, D).
        value: (B, N, C), of the field.
        gradient: (B, N, D), of the field's channel 0 with respect to the point.
        target: (B, N, C), what the field should be; channel 0 is the distance.
        normal: (B, N, D), outward and of unit length.
        parts: (B, N, P), of the field, for shapes made of parts.
        labels: (B, N) int64, the part that each point belongs to.
    """

    points: Tensor
    value: Tensor
    gradient: Tensor | None
    target: Tensor | None
    normal: Tensor | None
    parts: Tensor | None
    labels: Tensor | None


class LossInputs(NamedTuple):
    """Hold what a term gets to see: of the sets of points, those that it needs.

    Args:
        samples: points with distances.
        surface: points on the surface.
        space: points anywhere.
        latents: (B, L), as the decoder got them; those of parts one after another.
        decoder: the network.
        when: how far training is; None where latents are fitted.
    """

    samples: FieldSamples | None
    surface: FieldSamples | None
    space: FieldSamples | None
    latents: Tensor
    decoder: nn.Module
    when: TrainProgress | None


class Loss(nn.Module, ABC):
    """Give one addend of the loss.

    A term says in `needs` what it looks at, in the words of NEEDS: the sets `samples`, `surface`
    and `space`; `signed`, samples whose sign is known; `parts`, the values of a shape's parts at
    the samples; `labels`, the part that each sample belongs to; `normals`, a surface that has
    them; and `<set>.gradient`, the field's gradient there. It is shown that and nothing more.

    Args:
        weight: factor of this term in the sum.
    """

    needs: frozenset[str] = frozenset()
    # what channel 0 has to be: "sdf", "occupancy", or None where the term does not care
    output: ClassVar[str | None] = None

    def __init__(self, *, weight: float) -> None:
        super().__init__()
        self.weight = weight

    def scale(self, when: TrainProgress | None) -> float:
        """Return the factor at some time of the training; None where latents are fitted."""
        return self.weight

    @abstractmethod
    def forward(self, seen: LossInputs) -> Tensor:
        """Return the unweighted value of each shape, (B,)."""


class Losses(nn.Module):
    """Weigh and sum named terms; the one place that does.

    Args:
        terms: name to term.

    Attributes:
        needs: what any of the terms needs.
    """

    def __init__(self, terms: Mapping[str, Loss]) -> None:
        super().__init__()
        self.terms = nn.ModuleDict(dict(terms))
        self.needs: frozenset[str] = frozenset().union(*(term.needs for term in terms.values()))
        assert self.needs <= NEEDS, self.needs - NEEDS

    def forward(
        self, model: INR, batch: Batch, latents: Tensor, when: TrainProgress | None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Decode what the terms need, and sum them.

        Args:
            model: decodes the points of the batch.
            batch: of B shapes.
            latents: (B, L), or of parts (B, P, L + K), as the decoder gets them (bounded).
            when: how far training is; None where latents are fitted, which knows no ramps.

        Returns:
            The total of each shape (B,), and each term's unweighted value, (B,), detached.

        Raises:
            ValueError: if the batch lacks what a term needs, or the model is of another kind.
        """
        terms = self.named_terms()
        for name, term in terms.items():
            _check_batch(name, term, batch)
            if "parts" in term.needs and model.latents.num_parts is None:
                raise ValueError(
                    f"loss.{name} ({type(term).__name__}) is for shapes made of parts: add "
                    f"model=partsdf latent=parts, or leave it out: ~loss.{name}"
                )
        sets = _decode(model, batch, latents, self.needs)
        total = latents.new_zeros(latents.shape[0])
        values = {}
        regularised = model.latents.regularised(latents)
        for name, term in terms.items():
            shown = {key: _narrow(at, key, term.needs) for key, at in sets.items()}
            value = term(LossInputs(**shown, latents=regularised, decoder=model.decoder, when=when))
            total = total + term.scale(when) * value
            values[name] = value.detach()
        return total, values

    def select(self, keep: Callable[[Loss], bool]) -> "Losses":
        """Return the terms of which something holds."""
        return Losses({name: term for name, term in self.named_terms().items() if keep(term)})

    def named_terms(self) -> dict[str, Loss]:
        """Return the terms by name."""
        return {name: term for name, term in self.terms.items() if isinstance(term, Loss)}


def _check_batch(name: str, term: Loss, batch: Batch) -> None:
    kind = type(term).__name__
    for need in sorted(term.needs):
        if getattr(batch, set_of(need)) is None:
            raise ValueError(
                f"loss.{name} ({kind}) needs {_WORDS[set_of(need)]}, which these data do not give; "
                f"take another loss, or leave the term out: ~loss.{name}"
            )
    if "labels" in term.needs and batch.labels is None:
        raise ValueError(
            f"loss.{name} ({kind}) needs part labels of the samples, which these data do not "
            f"have; leave the term out: ~loss.{name}"
        )
    if "normals" in term.needs and batch.surface is not None and batch.surface.normals is None:
        raise ValueError(
            f"loss.{name} ({kind}) needs normals, which these data do not have; leave the term "
            f"out: ~loss.{name}"
        )


_WORDS = {
    "samples": "samples with distances",
    "surface": "points on the surface",
    "space": "points in space",
}


def _decode(
    model: INR, batch: Batch, latents: Tensor, needs: frozenset[str]
) -> dict[str, FieldSamples | None]:
    """Return the field at each set that is needed, with its gradient where that is."""
    sets: dict[str, FieldSamples | None] = dict.fromkeys(SETS)
    needed = {set_of(need) for need in needs}
    for name in SETS:  # in this order, or dropout would not be reproducible
        if name not in needed:
            continue
        target = normal = None
        if name == "samples":
            assert batch.samples is not None
            points, target = batch.samples
        elif name == "surface":
            assert batch.surface is not None
            points, normal = batch.surface
        else:
            assert batch.space is not None
            points = batch.space
        if f"{name}.gradient" in needs:
            field, gradient = decode_with_gradient(model, points, latents)
        else:
            field, gradient = model.decode(points, latents), None
        labels = batch.labels if name == "samples" else None
        sets[name] = FieldSamples(
            points, field.value, gradient, target, normal, field.parts, labels
        )
    return sets


def _narrow(at: FieldSamples | None, name: str, needs: frozenset[str]) -> FieldSamples | None:
    """Return of a set what a term needs of it, so that none lives on what another asked for."""
    if at is None or name not in {set_of(need) for need in needs}:
        return None
    gradient = at.gradient if f"{name}.gradient" in needs else None
    normal = at.normal if "normals" in needs else None
    parts = at.parts if "parts" in needs else None
    labels = at.labels if "labels" in needs else None
    return FieldSamples(at.points, at.value, gradient, at.target, normal, parts, labels)


def mean_of_points(values: Tensor) -> Tensor:
    """Return the mean over a shape's points, (B,), of (B, N)."""
    return torch.mean(values, dim=1)
