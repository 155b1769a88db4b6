"""The weighted sum of loss terms; it decodes the points that they need."""

from collections.abc import Callable, Mapping

from torch import Tensor, nn

from inr.data.batch import SETS, Batch, attribute_name, check_needs, set_of
from inr.losses.base import FieldSamples, Loss, LossInputs, TrainProgress
from inr.models.derivatives import decode_with_gradient
from inr.models.inr import INR


class Losses(nn.Module):
    """Weighted sum of named terms.

    Args:
        terms: name of each term to the term.

    Attributes:
        needs: union of the needs of the terms.

    Raises:
        ValueError: if the needs of a term are not a set, or one is unknown.
    """

    def __init__(self, terms: Mapping[str, Loss]) -> None:
        super().__init__()
        self.terms = nn.ModuleDict(dict(terms))
        for name, term in terms.items():
            check_needs(term.needs, f"loss.{name} ({type(term).__name__})")
        self.needs: frozenset[str] = frozenset().union(*(term.needs for term in terms.values()))

    def forward(
        self, model: INR, batch: Batch, latents: Tensor, progress: TrainProgress | None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Decode the points that the terms need, and sum the terms.

        Args:
            model: the model to decode with.
            batch: samples of B shapes.
            latents: (B, L), or (B, P, L + K) for shapes made of parts; constrained.
            progress: progress of training; None when latents are fitted, without ramps.

        Returns:
            The total of each shape, (B,), and the unweighted value of each term, (B,), detached.

        Raises:
            ValueError: if the batch lacks an input of a term, or a term for parts is used with a
                model without parts.
        """
        terms = self.named_terms()
        for name, term in terms.items():
            _check_batch(name, term, batch)
            if "parts" in term.needs and not model.has_parts:
                raise ValueError(
                    f"loss.{name} ({type(term).__name__}) is for shapes made of parts: add "
                    f"model=partsdf latent=parts, or leave it out: ~loss.{name}"
                )
        sets = _decode(model, batch, latents, self.needs)
        total = latents.new_zeros(latents.shape[0])
        values = {}
        regularised = model.latents.regularised(latents)
        for name, term in terms.items():
            given = {key: _select_needed(samples, key, term.needs) for key, samples in sets.items()}
            value = term(
                LossInputs(**given, latents=regularised, decoder=model.decoder, progress=progress)
            )
            total = total + term.scale(progress) * value
            values[name] = value.detach()
        return total, values

    def select(self, keep: Callable[[Loss], bool]) -> "Losses":
        """Return the sum of the terms for which `keep` is true."""
        return Losses({name: term for name, term in self.named_terms().items() if keep(term)})

    def named_terms(self) -> dict[str, Loss]:
        """Return the terms by name."""
        return {name: term for name, term in self.terms.items() if isinstance(term, Loss)}


def _check_batch(name: str, term: Loss, batch: Batch) -> None:
    kind = type(term).__name__
    for need in sorted(term.needs):
        if getattr(batch, set_of(need)) is None:
            raise ValueError(
                f"loss.{name} ({kind}) needs {_SETS[set_of(need)]}, which these data do not have; "
                f"use another loss, or leave the term out: ~loss.{name}"
            )
        attribute = attribute_name(need)
        if attribute is not None and attribute not in batch.attributes:
            raise ValueError(
                f"loss.{name} ({kind}) needs the attribute '{attribute}' of the samples, which "
                f"these data do not have; leave the term out: ~loss.{name}"
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


_SETS = {
    "samples": "samples with distances",
    "surface": "points on the surface",
    "space": "off-surface points",
}


def _decode(
    model: INR, batch: Batch, latents: Tensor, needs: frozenset[str]
) -> dict[str, FieldSamples | None]:
    """Return the field at each needed set of points, with its gradient if needed."""
    sets: dict[str, FieldSamples | None] = dict.fromkeys(SETS)
    needed = {set_of(need) for need in needs}
    for name in SETS:  # in a fixed order, so that dropout is reproducible
        if name not in needed:
            continue
        target = normal = labels = None
        attributes: Mapping[str, Tensor] = {}
        if name == "samples":
            assert batch.samples is not None
            points, target = batch.samples
            labels, attributes = batch.labels, batch.attributes
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
            points, field.value, gradient, target, normal, field.parts, labels, attributes
        )
    return sets


def _select_needed(
    samples: FieldSamples | None, name: str, needs: frozenset[str]
) -> FieldSamples | None:
    """Return only what a term needs of a set; else it could depend on the needs of other terms."""
    if samples is None or name not in {set_of(need) for need in needs}:
        return None
    own = {attribute_name(need) for need in needs}
    return samples._replace(
        gradient=samples.gradient if f"{name}.gradient" in needs else None,
        normal=samples.normal if "normals" in needs else None,
        parts=samples.parts if "parts" in needs else None,
        labels=samples.labels if "labels" in needs else None,
        attributes={key: values for key, values in samples.attributes.items() if key in own},
    )
