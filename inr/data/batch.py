"""The points of a training step, and the names by which a loss requests them."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from torch import Tensor

from inr.hints import nearest

# sets of points in a batch
SETS = ("samples", "surface", "space")

# Entries of `Loss.needs`, and what each provides to a loss term. In addition,
# `samples.<attribute>` is a user-defined attribute of the samples: see SampleAttribute.
NEEDS: Mapping[str, str] = MappingProxyType(
    {
        "samples": "points with distances: the predicted field and its target",
        "signed": "signed distances of the samples; point clouds have unsigned ones",
        "labels": "the part that each sample belongs to",
        "parts": "the decoder's distance to each part at the samples",
        "samples.gradient": "the field's gradient at the samples",
        "surface": "points on the surface, and the field there",
        "normals": "the outward unit normal of each surface point",
        "surface.gradient": "the field's gradient on the surface",
        "space": "off-surface points, without ground truth, and the field there",
        "space.gradient": "the field's gradient at the off-surface points",
    }
)
_SET_OF = {"signed": "samples", "labels": "samples", "parts": "samples", "normals": "surface"}

LABELS = "labels"
# names of other files in samples/<shape>, and of other needs
_RESERVED = {"deepsdf", "uniform", "unsigned", "surface", "gradient", *_SET_OF}


@dataclass(frozen=True)
class SampleAttribute:
    """User-defined values stored for each sample beside its distance: a confidence, a colour.

    A loss names it in its needs: `samples.confidence` is one number per sample, (B, N) in a batch;
    `samples.colour:3` is (B, N, 3); `samples.flow:D` is (B, N, D), D the dimension of space. The
    values are in samples/<shape>/<name>.npz of the data set, one row for each row of the samples:
    arrays `pos` (n,) or (n, W) and `neg` (m,) or (m, W) beside deepsdf.npz; one array `all` beside
    the unsigned.npz of a point cloud. The user writes that file, for example:

        with np.load("samples/chair/deepsdf.npz") as samples:
            values = {side: np.exp(-abs(samples[side][:, -1])) for side in ("pos", "neg")}
        np.savez("samples/chair/confidence.npz", **values)

    When the samples are prepared again, it must be written again, as their rows change. Values are
    stored in data.sampling.dtype. Part labels are such an attribute too, with their own file and
    type.

    Args:
        name: name of the attribute and of its file.
        width: W; None for one number per sample, without a last axis.
    """

    name: str
    width: int | None

    @property
    def columns(self) -> int:
        """Return the number of values stored for each sample."""
        return 1 if self.width is None else self.width

    def unpack(self, rows: Tensor) -> Tensor:
        """Return stored columns (B, N, columns) as the values of a batch, (B, N) or (B, N, W)."""
        values = rows[..., 0] if self.width is None else rows
        return values.long() if self.name == LABELS else values


def set_of(need: str) -> str:
    """Return the set of points that a need refers to, one of SETS."""
    return _SET_OF.get(need, need.partition(".")[0])


def sample_attributes(needs: Iterable[str], dim: int) -> list[SampleAttribute]:
    """Return the attributes (part labels included) that some needs request, sorted by name.

    Args:
        needs: needs of a loss.
        dim: D, dimension of space.

    Raises:
        ValueError: if one attribute is needed in two widths.
    """
    found: dict[str, SampleAttribute] = {}
    for need in sorted(needs):
        if need == LABELS:
            attribute = SampleAttribute(LABELS, None)
        elif need.startswith("samples.") and need not in NEEDS:
            name, _, width = need.removeprefix("samples.").partition(":")
            attribute = SampleAttribute(
                name, None if not width else dim if width == "D" else int(width)
            )
        else:
            continue
        if found.setdefault(attribute.name, attribute) != attribute:
            raise ValueError(
                f"the terms of the loss need the attribute '{attribute.name}' of the samples in "
                "two widths"
            )
    return list(found.values())


def attribute_name(need: str) -> str | None:
    """Return the name of the user-defined attribute that a need requests; None for any of NEEDS."""
    if need in NEEDS or not need.startswith("samples."):
        return None
    return need.removeprefix("samples.").partition(":")[0]


def check_needs(needs: object, where: str) -> None:
    """Raise ValueError unless the needs of a loss, named by `where`, are a set of valid ones."""
    if not isinstance(needs, Set):
        raise ValueError(
            f"{where}: needs is {needs!r}; it has to be a set, for example "
            "frozenset({'samples', 'signed'})"
        )
    for need in sorted(needs):
        try:
            check_need(need)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from error


def check_need(need: str) -> None:
    """Raise ValueError if a need is neither one of NEEDS nor a valid `samples.<attribute>`."""
    if need in NEEDS:
        return
    name = attribute_name(need)
    if name is None:
        raise ValueError(
            f"'{need}' is not something a loss can need: {nearest(need, NEEDS)} (an attribute of "
            "your own, stored for each sample, is samples.<attribute>)"
        )
    width = need.removeprefix("samples.").removeprefix(name)
    is_width = width in ("", ":D") or (width[1:].isdecimal() and int(width[1:]) > 0)
    if not name.isidentifier() or not is_width:
        raise ValueError(
            f"'{need}' is not a valid attribute of the samples: write samples.confidence for one "
            "number per sample, samples.colour:3 for three, samples.flow:D for data.dim of them"
        )
    if name in _RESERVED:
        hint = f", and '{name}' alone is a need of its own" if name in NEEDS else ""
        raise ValueError(f"'{need}': no attribute of your own may be named '{name}'{hint}")


class Samples(NamedTuple):
    """Points with known distances.

    Args:
        points: (B, N, D), coordinates in the box frame.
        targets: (B, N, C), target values; channel 0 is the distance in box units, negative inside.
    """

    points: Tensor
    targets: Tensor


class SurfacePoints(NamedTuple):
    """Points on the surface.

    Args:
        points: (B, M, D), coordinates in the box frame.
        normals: (B, M, D), outward unit normals; None if unknown.
    """

    points: Tensor
    normals: Tensor | None


class Batch(NamedTuple):
    """Points of B shapes; a set that no loss term needs is None.

    Args:
        samples: points with distances.
        surface: points on the surface.
        space: (B, K, D), off-surface points, without ground truth.
        labels: (B, N) int64, the part that each of `samples` belongs to.
        attributes: user-defined attributes of `samples` by name, (B, N) or (B, N, W); see
            SampleAttribute.
    """

    samples: Samples | None
    surface: SurfacePoints | None
    space: Tensor | None
    labels: Tensor | None = None
    attributes: Mapping[str, Tensor] = MappingProxyType({})

    def split(self, size: int) -> list["Batch"]:
        """Split into batches of `size` shapes; the last one may be smaller."""
        sets = [self.samples and self.samples.points, self.surface and self.surface.points]
        count = max(len(points) for points in [*sets, self.space] if points is not None)
        return [self._part(slice(start, start + size)) for start in range(0, count, size)]

    def _part(self, part: slice) -> "Batch":
        samples, surface, space, labels, attributes = self
        normals = None if surface is None or surface.normals is None else surface.normals[part]
        return Batch(
            None if samples is None else Samples(samples.points[part], samples.targets[part]),
            None if surface is None else SurfacePoints(surface.points[part], normals),
            None if space is None else space[part],
            None if labels is None else labels[part],
            {name: values[part] for name, values in attributes.items()},
        )


@dataclass(frozen=True)
class BatchSpec:
    """Number of points per shape in a batch, for each set that the loss needs.

    Args:
        samples: number of points with distances.
        sign_balanced: draw half of the samples outside and half inside (all from one side if the
            other has none); else uniformly from all.
        surface: number of points on the surface.
        space: number of off-surface points, without ground truth.
        space_near: fraction of the off-surface points that are surface points with Gaussian noise;
            the others are uniform in the box [-1, 1]^D.
        space_std: standard deviation of that noise, box units.
    """

    samples: int
    sign_balanced: bool
    surface: int
    space: int
    space_near: float
    space_std: float
