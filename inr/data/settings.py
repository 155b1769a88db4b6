"""Settings of a data set."""

from dataclasses import dataclass

from inr.settings import Target

SPLITS = ("train", "valid", "test")
KINDS = ("solid", "points")
SIGNS = ("winding", "pseudonormal", "unsigned")
NORMALIZE = ("box", "sphere", "none")
PRIMITIVES = ("cuboid", "cylinder")
DTYPES = ("float32", "float16")


@dataclass(frozen=True)
class Sampling:
    """Say how many samples a shape gets, and where."""

    near_counts: list[int]  # near-surface samples, one count a noise level
    near_variances: list[float]  # of the Gaussian noise added to surface points, box units squared
    num_uniform: int  # in the box
    num_surface: int  # on the surface, with normals
    edge_fraction: float  # of the near-surface samples, from sharp edges
    dtype: str  # float32 | float16: of the stored samples


@dataclass(frozen=True)
class Splits:
    """Give the size of each split: a count, a fraction, or a file that lists names."""

    train: int | float | str
    valid: int | float | str
    test: int | float | str
    folds: int | None  # deal all shapes into so many, test on one and train on the others
    fold: int  # which, from 0


@dataclass(frozen=True)
class Data:
    """Name a data set and how `prepare` makes it."""

    dim: int  # of space, 2 or 3
    kind: str  # solid | points
    source: str | None  # the user's own shapes: a folder, or one file
    root: str | None  # the prepared data set; null: under outputs/datasets
    formats: dict[str, Target]  # of the user's own files: a suffix, and the Format that reads it
    family: Target | None  # procedural shapes
    sign: str  # winding | pseudonormal | unsigned
    repair: bool  # mend meshes before they are sampled
    normalize: str  # box | sphere | none
    extent: float  # longest half-extent after normalisation
    sampling: Sampling
    splits: Splits
    primitive: str  # cuboid | cylinder: fitted to each part, for its pose
    seed: int
