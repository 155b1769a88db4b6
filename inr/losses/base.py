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
        epoch: current epoch, from 0.
        num_epochs: number of epochs of the whole run.
    """

    epoch: int
    num_epochs: int


class FieldSamples(NamedTuple):
    """Predictions and targets at one set of points; None for those that are not needed.

    Args:
        points: (B, N, D) points.
        value: (B, N, C), predicted values of the field.
        gradient: (B, N, D), gradient of channel 0 with respect to the points.
        target: (B, N, C), target values of the field; channel 0 is the distance.
        normal: (B, N, D), outward unit normals.
        parts: (B, N, P), predicted signed distances to the parts, for shapes made of parts.
        labels: (B, N) int64, part index of each point.
        attributes: name of each of the user's own attributes to its values, (B, N) or (B, N, W);
            see inr.data.batch.SampleAttribute.
    """

    points: Tensor
    value: Tensor
    gradient: Tensor | None
    target: Tensor | None
    normal: Tensor | None
    parts: Tensor | None
    labels: Tensor | None
    attributes: Mapping[str, Tensor] = MappingProxyType({})


class LossInputs(NamedTuple):
    """Inputs of a loss term: field values, gradients and targets per point set.

    A set that the term does not need is None.

    Args:
        samples: points with distances.
        surface: points on the surface.
        space: off-surface points.
        latents: (B, L), constrained latents; for shapes made of parts, the concatenated part
            latents.
        decoder: the network.
        progress: progress of training; None when latents are fitted.
    """

    samples: FieldSamples | None
    surface: FieldSamples | None
    space: FieldSamples | None
    latents: Tensor
    decoder: nn.Module
    progress: TrainProgress | None


class Loss(nn.Module, ABC):
    """One weighted term of the training loss, with one value per shape.

    A new loss is a subclass that implements `forward`, and an entry in conf/loss that names it.
    An example, the absolute error of distances weighted by a confidence stored with each sample:

        class ConfidentL1(Loss):
            needs = frozenset({"samples", "signed", "samples.confidence"})
            output = "sdf"

            def forward(self, inputs: LossInputs) -> Tensor:
                samples = inputs.samples
                error = (samples.value[..., 0] - samples.target[..., 0]).abs()
                return mean_of_points(samples.attributes["confidence"] * error)

    The constructor takes `weight` and the term's own settings by keyword; they are the keys of the
    YAML entry. Sums and means are over the points of a shape, never over shapes: training takes
    the mean of the values over shapes, and fitting latents their sum.

    Args:
        weight: factor of this term in the sum.

    Attributes:
        needs: names of the inputs that the term uses, from inr.data.batch.NEEDS, or
            `samples.<attribute>` for an attribute of the user's own (see
            inr.data.batch.SampleAttribute). All other inputs are None. If they depend on the
            settings, the constructor sets them.
        output: required meaning of channel 0 of the model: "sdf", "occupancy", or None for any.
    """

    needs: frozenset[str] = frozenset()
    output: ClassVar[str | None] = None

    def __init__(self, *, weight: float) -> None:
        super().__init__()
        self.weight = weight

    def scale(self, progress: TrainProgress | None) -> float:
        """Return the factor of this term: its weight, unless a term with a schedule overrides this.

        Args:
            progress: progress of training; None when latents are fitted.
        """
        return self.weight

    @abstractmethod
    def forward(self, inputs: LossInputs) -> Tensor:
        """Return the unweighted value of each shape, (B,)."""


def mean_of_points(values: Tensor) -> Tensor:
    """Return the mean over the points of each shape, (B,), of values (B, N)."""
    return torch.mean(values, dim=1)
