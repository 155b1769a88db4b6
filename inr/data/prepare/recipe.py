"""The settings by which each shape is prepared."""

from collections.abc import Sequence
from dataclasses import dataclass

from inr.data.prepare.inside import Soups
from inr.shapes.formats.base import Formats


@dataclass(frozen=True)
class Recipe:
    """Settings of the preparation of each shape, as in conf/data."""

    dim: int
    kind: str
    sign: str
    soups: Soups
    repair: bool
    normalize: str
    extent: float
    near_counts: Sequence[int]
    near_variances: Sequence[float]
    num_uniform: int
    num_surface: int
    edge_fraction: float
    dtype: str
    seed: int
    primitive: str
    device: str
    formats: Formats  # suffix to a user-defined format
