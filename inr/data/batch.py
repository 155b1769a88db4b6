"""The points of a training step, and the words in which a loss says which of them it needs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from torch import Tensor

from inr.hints import nearest

# the sets of points that a batch may have
SETS = ("samples", "surface", "space")

# The words of `Loss.needs`, and what each of them gives a term. Beside them, `samples.<field>` is
# a field of the user's own, stored for each sample: see SampleField.
NEEDS: Mapping[str, str] = MappingProxyType(
    {
        "samples": "points with distances, the field there and its target",
        "signed": "samples whose distances have a sign, which those of a point cloud lack",
        "labels": "the part that each sample belongs to",
        "parts": "the distance of each part at the samples, as the decoder gives it",
        "samples.gradient": "the field's gradient at the samples",
        "surface": "points on the surface, and the field there",
        "normals": "the outward unit normal of each surface point",
        "surface.gradient": "the field's gradient on the surface",
        "space": "points anywhere in the box, and the field there",
        "space.gradient": "the field's gradient in space",
    }
)
_SET_OF = {"signed": "samples", "labels": "samples", "parts": "samples", "normals": "surface"}

LABELS = "labels"
# what lies in samples/<name> already, and words that have a meaning of their own
_TAKEN = {"deepsdf", "uniform", "unsigned", "surface", "gradient", *_SET_OF}


@dataclass(frozen=True)
class SampleField:
    """Values that are stored for each sample beside its distance: a confidence, a colour.

    A loss names it in its needs. `samples.confidence` is one number a sample, (B, N) in a batch;
    `samples.colour:3` is (B, N, 3), and `samples.flow:D` as wide as space, (B, N, D). The values
    lie in samples/<shape>/<name>.npz of the data set, in rows that match those of the samples:
    arrays `pos` (n,) or (n, W) and `neg` (m,) or (m, W) beside deepsdf.npz; one array `all` beside
    the unsigned.npz of a point cloud. Nothing makes that file but the user, with a script of a few
    lines, say:

        with np.load("samples/chair/deepsdf.npz") as samples:
            values = {side: np.exp(-abs(samples[side][:, -1])) for side in ("pos", "neg")}
        np.savez("samples/chair/confidence.npz", **values)

    Prepare the samples anew, and it has to be made anew as well. Values are kept as
    data.sampling.dtype says. Part labels are such a field too, with a file and a type of their own.

    Args:
        name: of the field and its file.
        width: W in a batch; None for one number a sample, without an axis of its own.
    """

    name: str
    width: int | None

    @property
    def columns(self) -> int:
        """Return how many numbers are stored for each sample."""
        return 1 if self.width is None else self.width

    def unpack(self, rows: Tensor) -> Tensor:
        """Return stored columns (B, N, columns) as a batch has them."""
        values = rows[..., 0] if self.width is None else rows
        return values.long() if self.name == LABELS else values


def set_of(need: str) -> str:
    """Return the set of points that a need is about."""
    return _SET_OF.get(need, need.partition(".")[0])


def sample_fields(needs: Iterable[str], dim: int) -> list[SampleField]:
    """Return what is stored for each sample beside its distance, sorted by name.

    Args:
        needs: of a loss, part labels among them or not.
        dim: D.

    Raises:
        ValueError: if one field is needed in two widths.
    """
    found: dict[str, SampleField] = {}
    for need in sorted(needs):
        if need == LABELS:
            field = SampleField(LABELS, None)
        elif need.startswith("samples.") and need not in NEEDS:
            name, _, width = need.removeprefix("samples.").partition(":")
            field = SampleField(name, None if not width else dim if width == "D" else int(width))
        else:
            continue
        if found.setdefault(field.name, field) != field:
            raise ValueError(
                f"the terms of the loss need the field '{field.name}' of the samples in two widths"
            )
    return list(found.values())


def field_name(need: str) -> str | None:
    """Return the name of the user's own field that a need is, None for any word of NEEDS."""
    if need in NEEDS or not need.startswith("samples."):
        return None
    return need.removeprefix("samples.").partition(":")[0]


def check_need(need: str) -> None:
    """Raise ValueError if a need is neither a word of NEEDS nor the name of a field."""
    if need in NEEDS:
        return
    name = field_name(need)
    if name is None:
        raise ValueError(
            f"'{need}' is nothing that a loss can need: {nearest(need, NEEDS)} (a field of your "
            "own, stored for each sample, is samples.<field>)"
        )
    width = need.removeprefix("samples.").removeprefix(name)
    is_width = width in ("", ":D") or (width[1:].isdecimal() and int(width[1:]) > 0)
    if not name.isidentifier() or not is_width:
        raise ValueError(
            f"'{need}' names no field of the samples: write samples.confidence for one number a "
            "sample, samples.colour:3 for three, samples.flow:D for as many as space has axes"
        )
    if name in _TAKEN:
        hint = f", and '{name}' alone is a need of its own" if name in NEEDS else ""
        raise ValueError(f"'{need}': no field of your own may be named '{name}'{hint}")


class Samples(NamedTuple):
    """Points whose distance is known.

    Args:
        points: (B, N, D).
        targets: (B, N, C); channel 0 is the distance in box units, negative inside.
    """

    points: Tensor
    targets: Tensor


class SurfacePoints(NamedTuple):
    """Points on the surface.

    Args:
        points: (B, M, D).
        normals: (B, M, D), outward and of unit length; None where they are not known.
    """

    points: Tensor
    normals: Tensor | None


class Batch(NamedTuple):
    """Points of B shapes; a set that no loss term needs is None.

    Args:
        samples: points with distances.
        surface: points on the surface.
        space: (B, K, D), points anywhere, of which nothing is known.
        labels: (B, N) int64, the part that each of `samples` belongs to.
        fields: the user's own fields of `samples` by name, (B, N) or (B, N, W); see SampleField.
    """

    samples: Samples | None
    surface: SurfacePoints | None
    space: Tensor | None
    labels: Tensor | None = None
    fields: Mapping[str, Tensor] = MappingProxyType({})

    def split(self, size: int) -> list["Batch"]:
        """Return batches of so many shapes, the last one of those that are left."""
        sets = [self.samples and self.samples.points, self.surface and self.surface.points]
        count = max(len(points) for points in [*sets, self.space] if points is not None)
        return [self._part(slice(start, start + size)) for start in range(0, count, size)]

    def _part(self, part: slice) -> "Batch":
        samples, surface, space, labels, fields = self
        normals = None if surface is None or surface.normals is None else surface.normals[part]
        return Batch(
            None if samples is None else Samples(samples.points[part], samples.targets[part]),
            None if surface is None else SurfacePoints(surface.points[part], normals),
            None if space is None else space[part],
            None if labels is None else labels[part],
            {name: values[part] for name, values in fields.items()},
        )
