"""The interface of a loss term, its inputs, and the one place that weighs and sums terms."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from inr.data.batch import SETS, Batch, check_need, field_name, set_of
from inr.models.derivatives import decode_with_gradient
from inr.models.inr import INR


class TrainProgress(NamedTuple):
    """Progress of training.

    Args:
        epoch: from 0.
        num_epochs: of the whole run.
    """

    epoch: int
    num_epochs: int


class FieldSamples(NamedTuple):
    """Values of the field at one set of points, and what is known there; None if not needed.

    Args:
        points: (B, N, D).
        value: (B, N, C), of the field.
        gradient: (B, N, D), of the field's channel 0 with respect to the point.
        target: (B, N, C), what the field should be; channel 0 is the distance.
        normal: (B, N, D), outward and of unit length.
        parts: (B, N, P), of the field, for shapes made of parts.
        labels: (B, N) int64, the part that each point belongs to.
        fields: the user's own fields by name, (B, N) or (B, N, W); see SampleField.
    """

    points: Tensor
    value: Tensor
    gradient: Tensor | None
    target: Tensor | None
    normal: Tensor | None
    parts: Tensor | None
    labels: Tensor | None
    fields: Mapping[str, Tensor] = MappingProxyType({})


class LossInputs(NamedTuple):
    """Inputs of a loss term: field values, gradients and targets per point set.

    A set that the term does not need is None.

    Args:
        samples: points with distances.
        surface: points on the surface.
        space: points anywhere.
        latents: (B, L), as the decoder got them; those of parts one after another.
        decoder: the network.
        progress: of training; None where latents are fitted.
    """

    samples: FieldSamples | None
    surface: FieldSamples | None
    space: FieldSamples | None
    latents: Tensor
    decoder: nn.Module
    progress: TrainProgress | None


class Loss(nn.Module, ABC):
    """One weighted term of the training loss: a value for each shape.

    A new loss is a subclass that implements `forward`, and an entry of conf/loss that names it.
    The absolute error of distances, weighted by a confidence that is stored for each sample:

        class ConfidentL1(Loss):
            needs = frozenset({"samples", "signed", "samples.confidence"})
            output = "sdf"

            def forward(self, inputs: LossInputs) -> Tensor:
                samples = inputs.samples
                error = (samples.value[..., 0] - samples.target[..., 0]).abs()
                return mean_of_points(samples.fields["confidence"] * error)

    Its constructor takes `weight` and settings of its own by keyword; they are the keys of the YAML
    entry. A sum or mean is over a shape's points alone, never over shapes: training takes the mean
    of the values over shapes, and fitting latents their sum.

    Args:
        weight: factor of this term in the sum.

    Attributes:
        needs: what the term looks at, in the words of inr.data.batch.NEEDS; also
            `samples.<field>`, a field of the user's own: see inr.data.batch.SampleField. It is
            given that and nothing more. A term whose settings decide it sets it in its constructor.
        output: what channel 0 of the model has to be: "sdf", "occupancy", or None for either.
    """

    needs: frozenset[str] = frozenset()
    output: ClassVar[str | None] = None

    def __init__(self, *, weight: float) -> None:
        super().__init__()
        self.weight = weight

    def scale(self, progress: TrainProgress | None) -> float:
        """Return the factor at a time of training; None where latents are fitted.

        It is the weight; a term with a schedule overrides it.
        """
        return self.weight

    @abstractmethod
    def forward(self, inputs: LossInputs) -> Tensor:
        """Return the value of each shape, (B,), without its weight."""


class Losses(nn.Module):
    """Weighted sum of named terms.

    Args:
        terms: name to term.

    Attributes:
        needs: what any of the terms needs.

    Raises:
        ValueError: if a term needs what there is not.
    """

    def __init__(self, terms: Mapping[str, Loss]) -> None:
        super().__init__()
        self.terms = nn.ModuleDict(dict(terms))
        self.needs: frozenset[str] = frozenset().union(*(term.needs for term in terms.values()))
        for name, term in terms.items():
            for need in sorted(term.needs):
                try:
                    check_need(need)
                except ValueError as error:
                    raise ValueError(f"loss.{name} ({type(term).__name__}): {error}") from error

    def forward(
        self, model: INR, batch: Batch, latents: Tensor, progress: TrainProgress | None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Decode what the terms need, and sum them.

        Args:
            model: decodes the points of the batch.
            batch: of B shapes.
            latents: (B, L), or of parts (B, P, L + K), as the decoder gets them (bounded).
            progress: of training; None where latents are fitted, which knows no ramps.

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
            given = {key: _narrow(samples, key, term.needs) for key, samples in sets.items()}
            value = term(
                LossInputs(**given, latents=regularised, decoder=model.decoder, progress=progress)
            )
            total = total + term.scale(progress) * value
            values[name] = value.detach()
        return total, values

    def select(self, keep: Callable[[Loss], bool]) -> "Losses":
        """Return the terms that a predicate holds for."""
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
        field = field_name(need)
        if field is not None and field not in batch.fields:
            raise ValueError(
                f"loss.{name} ({kind}) needs the field '{field}' of the samples, which these data "
                f"do not have; leave the term out: ~loss.{name}"
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
        target = normal = labels = None
        fields: Mapping[str, Tensor] = {}
        if name == "samples":
            assert batch.samples is not None
            points, target = batch.samples
            labels, fields = batch.labels, batch.fields
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
        sets[name] = FieldSamples(
            points, field.value, gradient, target, normal, field.parts, labels, fields
        )
    return sets


def _narrow(samples: FieldSamples | None, name: str, needs: frozenset[str]) -> FieldSamples | None:
    """Return of a set what a term needs of it, so that none lives on what another asked for."""
    if samples is None or name not in {set_of(need) for need in needs}:
        return None
    own = {field_name(need) for need in needs}
    return samples._replace(
        gradient=samples.gradient if f"{name}.gradient" in needs else None,
        normal=samples.normal if "normals" in needs else None,
        parts=samples.parts if "parts" in needs else None,
        labels=samples.labels if "labels" in needs else None,
        fields={key: values for key, values in samples.fields.items() if key in own},
    )


def mean_of_points(values: Tensor) -> Tensor:
    """Return the mean over a shape's points, (B,), of (B, N)."""
    return torch.mean(values, dim=1)
