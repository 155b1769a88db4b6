"""Loss terms, named and weighted: each gives one value per shape.

A term takes the field at the points that it needs, and returns (B,). The training loss is the mean
over shapes. The loss for fitting latents is the sum, so that the result of a shape does not depend
on the others of its batch. A new term is a subclass of Loss and an entry in conf/loss.
"""

from inr.data.batch import NEEDS, Batch, Samples, SurfacePoints
from inr.losses.base import (
    FieldSamples,
    Loss,
    LossInputs,
    TrainProgress,
    mean_of_points,
)
from inr.losses.distances import L1, L2, BinaryCrossEntropy, Channels, ClampedL1, SignAgnostic
from inr.losses.hard_samples import Curriculum, HardSamples, LinearHardSamples
from inr.losses.parts import Intersection, PartDistance
from inr.losses.regularisers import LatentRegularisation, WeightDecay
from inr.losses.surface import Eikonal, HotSpot, NormalAlignment, OffSurface, SurfaceDistance
from inr.losses.weighted_sum import Losses

__all__ = [
    "L1",
    "L2",
    "NEEDS",
    "Batch",
    "BinaryCrossEntropy",
    "Channels",
    "ClampedL1",
    "Curriculum",
    "Eikonal",
    "FieldSamples",
    "HardSamples",
    "HotSpot",
    "Intersection",
    "LatentRegularisation",
    "LinearHardSamples",
    "Loss",
    "LossInputs",
    "Losses",
    "NormalAlignment",
    "OffSurface",
    "PartDistance",
    "Samples",
    "SignAgnostic",
    "SurfaceDistance",
    "SurfacePoints",
    "TrainProgress",
    "WeightDecay",
    "mean_of_points",
]
