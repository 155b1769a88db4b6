"""Settings of a data set."""

from dataclasses import dataclass
from typing import Annotated, Literal

from inr.settings import AtLeast, Fraction, Positive, Role, Target

SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class Sampling:
    """Number and distribution of a shape's samples."""

    near_counts: Annotated[list[int], "samples near the surface, one count per noise level"]
    near_variances: Annotated[
        list[float], "variances of the Gaussian noise added to surface points, box units squared"
    ]
    num_uniform: Annotated[int, "samples drawn uniformly in the box"]
    num_surface: Annotated[int, "points on the surface, with normals"]
    edge_fraction: Annotated[
        float, Fraction(), "fraction of the near samples drawn around sharp edges"
    ]
    dtype: Annotated[Literal["float32", "float16"], "type of the stored samples"]


@dataclass(frozen=True)
class Splits:
    """Size of each split: a count, a fraction, or a file that lists its names."""

    train: int | float | str
    valid: int | float | str
    test: int | float | str
    folds: Annotated[int | None, "number of folds of a cross-validation; null for none"]
    fold: Annotated[int, AtLeast(0), "index of the test fold, from 0; the others train"]


@dataclass(frozen=True)
class Data:
    """A data set, and how `prepare` makes it."""

    dim: Annotated[int, Role.OF_SAMPLES, "D, dimension of space: 2 or 3"]
    kind: Annotated[Literal["solid", "points"], Role.OF_SAMPLES, "kind of shape in a file"]
    source: Annotated[str | None, Role.MOVABLE, "your own shapes: a folder, or one file"]
    root: Annotated[
        str | None, Role.MOVABLE, "folder of the prepared data set; null: under outputs/datasets"
    ]
    formats: Annotated[
        dict[str, Target], Role.OF_SAMPLES, "your own file formats: suffix to the class that reads"
    ]
    family: Annotated[Target | None, Role.OF_SAMPLES, "family of procedural shapes"]
    sign: Annotated[
        Literal["winding", "pseudonormal", "unsigned"], Role.ADOPTED, "how the sign is determined"
    ]
    repair: Annotated[bool, Role.ADOPTED, "repair meshes before sampling"]
    normalize: Annotated[
        Literal["box", "sphere", "none"], Role.ADOPTED, "bounding volume scaled to `extent`"
    ]
    extent: Annotated[
        float, Positive(), Role.ADOPTED, "longest half-extent after normalisation, box units"
    ]
    sampling: Annotated[Sampling, Role.ADOPTED]
    splits: Splits
    primitive: Annotated[
        Literal["cuboid", "cylinder"], Role.ADOPTED, "primitive fitted to each part for its pose"
    ]
    seed: Annotated[int, Role.ADOPTED, "seed of the samples and splits"]
