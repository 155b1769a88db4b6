"""Settings of a data set."""

from dataclasses import dataclass
from typing import Annotated, Literal

from inr.settings import AtLeast, Fraction, Positive, Role, Target

SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class Sampling:
    """Number and place of a shape's samples."""

    near_counts: Annotated[list[int], "samples near the surface, one count a noise level"]
    near_variances: Annotated[
        list[float], "of the Gaussian noise added to surface points, box units squared"
    ]
    num_uniform: Annotated[int, "samples in the box"]
    num_surface: Annotated[int, "points on the surface, with normals"]
    edge_fraction: Annotated[float, Fraction(), "of the near samples, from sharp edges"]
    dtype: Annotated[Literal["float32", "float16"], "of the stored samples"]


@dataclass(frozen=True)
class Splits:
    """Size of each split: a count, a fraction, or a file that lists names."""

    train: int | float | str
    valid: int | float | str
    test: int | float | str
    folds: Annotated[int | None, "folds of all shapes: one tests, the others train"]
    fold: Annotated[int, AtLeast(0), "which fold tests, from 0"]


@dataclass(frozen=True)
class Data:
    """A data set, and how `prepare` makes it."""

    dim: Annotated[int, Role.OF_SAMPLES, "D, of space: 2 or 3"]
    kind: Annotated[Literal["solid", "points"], Role.OF_SAMPLES, "what a file holds"]
    source: Annotated[str | None, Role.MOVABLE, "your own shapes: a folder, or one file"]
    root: Annotated[str | None, Role.MOVABLE, "the prepared data set; null: under outputs/datasets"]
    formats: Annotated[
        dict[str, Target], Role.OF_SAMPLES, "your own file formats: a suffix, and what reads it"
    ]
    family: Annotated[Target | None, Role.OF_SAMPLES, "procedural shapes"]
    sign: Annotated[
        Literal["winding", "pseudonormal", "unsigned"], Role.ADOPTED, "how inside is decided"
    ]
    repair: Annotated[bool, Role.ADOPTED, "mend meshes before they are sampled"]
    normalize: Annotated[
        Literal["box", "sphere", "none"], Role.ADOPTED, "what a shape is scaled to"
    ]
    extent: Annotated[
        float, Positive(), Role.ADOPTED, "longest half-extent after normalisation, box units"
    ]
    sampling: Annotated[Sampling, Role.ADOPTED]
    splits: Splits
    primitive: Annotated[
        Literal["cuboid", "cylinder"], Role.ADOPTED, "fitted to each part, for its pose"
    ]
    seed: Annotated[int, Role.ADOPTED, "of samples and splits"]
