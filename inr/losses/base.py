"""The interface of a loss term, and its inputs."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn


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


def mean_of_points(values: Tensor) -> Tensor:
    """Return the mean over a shape's points, (B,), of (B, N)."""
    return torch.mean(values, dim=1)
