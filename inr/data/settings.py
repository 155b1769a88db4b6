"""Settings of a data set."""

from dataclasses import dataclass
from typing import Annotated, Literal

from inr.data.prepare.inside import DataSign
from inr.settings import AtLeast, Fraction, Positive, Range, Role, Target
from inr.shapes.primitives import Kind

SPLITS = ("train", "valid", "test")
# size of a split that lies in a folder of its name
FOLDER = "folder"


class SplitSize(Range):
    """A count from 0, or a fraction from 0.0 to 1.0."""

    def mistake(self, value: float | str) -> str | None:
        """Return what is wrong with a size; None if it is in range, or names a file."""
        if isinstance(value, str) or (value >= 0 and not (isinstance(value, float) and value > 1)):
            return None
        return "it must be a count, or a fraction from 0.0 to 1.0"


@dataclass(frozen=True)
class Sampling:
    """Number and distribution of the samples of a shape."""

    near_counts: Annotated[list[int], "near-surface samples per shape, one count for each variance"]
    near_variances: Annotated[
        list[float], "variances of the Gaussian noise on surface points, box units squared"
    ]
    num_uniform: Annotated[int, AtLeast(0), "samples uniform in the box"]
    num_surface: Annotated[int, AtLeast(0), "points on the surface, with normals"]
    edge_fraction: Annotated[
        float, Fraction(), "fraction of the near samples that start from sharp edges"
    ]
    dtype: Annotated[Literal["float32", "float16"], "type of the stored samples"]


@dataclass(frozen=True)
class Splits:
    """Size of each split: a count, a fraction, a file with a list of names, or `folder`."""

    train: Annotated[
        int | float | str,
        SplitSize(),
        "its size, a file that lists its names (or a pattern of several), or `folder`: the shapes "
        "in folders of its name",
    ]
    valid: Annotated[int | float | str, SplitSize(), "likewise"]
    test: Annotated[int | float | str, SplitSize(), "likewise"]
    folds: Annotated[
        int | None, "number of folds of all shapes: one is the test split, the others train"
    ]
    fold: Annotated[int, AtLeast(0), "number of the test fold, from 0"]


@dataclass(frozen=True)
class Data:
    """Settings of a data set, and of how `prepare` makes it."""

    dim: Annotated[int, Role.AFFECTS_SAMPLES, "D, dimension of space: 2 or 3"]
    kind: Annotated[
        Literal["solid", "points"],
        Role.AFFECTS_SAMPLES,
        "solids (meshes, outlines, masks) or point clouds",
    ]
    source: Annotated[str | None, Role.OVERRIDABLE, "your own shapes: a folder, or one file"]
    name: Annotated[
        str | None,
        Role.AFFECTS_SAMPLES,
        Role.OVERRIDABLE,
        "what shapes are named by: `shapenet`, `modelnet`, `objaverse`, or a pattern of the end of "
        "their path, such as `{class}/{id}/mesh`; null: the whole path in `data.source`",
    ]
    classes: Annotated[
        list[str] | str | None,
        Role.OVERRIDABLE,
        "classes that are prepared, of a `data.name` with {class}; null: all",
    ]
    root: Annotated[
        str | None,
        Role.OVERRIDABLE,
        "folder of the prepared data set; null: under outputs/datasets",
    ]
    formats: Annotated[
        dict[str, Target],
        Role.AFFECTS_SAMPLES,
        "your own file formats: suffix to the class that reads it",
    ]
    family: Annotated[Target | None, Role.AFFECTS_SAMPLES, "procedural shapes"]
    sign: Annotated[
        DataSign,
        Role.FROM_MANIFEST,
        "how inside and outside are told apart",
    ]
    gap: Annotated[
        float,
        AtLeast(0),
        Role.FROM_MANIFEST,
        "soups: width below which gaps are closed, box units; 0 closes none",
    ]
    thickness: Annotated[
        float | None,
        AtLeast(0),
        Role.FROM_MANIFEST,
        "soups: thickness of the shells that sheets become, box units; null: the larger of 0.02 "
        "and 2.5 cells of `eval.resolution`; 0: no shells",
    ]
    repair: Annotated[bool, Role.FROM_MANIFEST, "repair meshes before they are sampled"]
    normalize: Annotated[
        Literal["box", "sphere", "none"], Role.FROM_MANIFEST, "what a shape is scaled to fit"
    ]
    extent: Annotated[
        float, Positive(), Role.FROM_MANIFEST, "longest half-extent after normalisation, box units"
    ]
    sampling: Annotated[Sampling, Role.FROM_MANIFEST]
    splits: Splits
    primitive: Annotated[
        Kind,
        Role.FROM_MANIFEST,
        "primitive fitted to each part, which gives its pose",
    ]
    seed: Annotated[int, Role.FROM_MANIFEST, "seed of samples and splits"]
