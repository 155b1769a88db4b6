"""Samples of many shapes, and random batches of them on one device."""

import hashlib
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from inr.data.batch import Batch, Samples, Surface, set_of
from inr.data.build_cache import Runs, open_sample_cache
from inr.data.layout import Layout
from inr.data.read import read_distances, read_labelled, read_surface
from inr.data.row_sampler import Generators, RowSampler, normal, uniform
from inr.data.sample_cache import Source, find_source

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BatchSpec:
    """Say what a step draws for each shape, of the sets that its loss needs.

    Args:
        samples: points with distances.
        sign_balanced: half of them outside, half inside (all on one side where the other has
            none); else uniformly from all.
        surface: points on the surface.
        space: points anywhere, of which nothing is known.
        space_near: fraction of those that are surface points displaced by Gaussian noise; the
            others are uniform in the box [-1, 1]^D.
        space_std: standard deviation of that noise, box units.
    """

    samples: int
    sign_balanced: bool
    surface: int
    space: int
    space_near: float
    space_std: float


class SampleStore:
    """Hold the samples of some shapes.

    Args:
        names: the shapes, in the order of their index.
        dim: D.
        device: where batches go.
        samples: outer and inner samples, rows of D + C, or None.
        surface: surface points, rows of D, or with normals of 2 D; no second run; or None.
        labelled: whether rows of `samples` end in one more column, the number of a part.
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        dim: int,
        device: torch.device,
        samples: RowSampler | None,
        surface: RowSampler | None,
        labelled: bool = False,
    ) -> None:
        self.names = list(names)
        self.dim = dim
        self.device = device
        self.samples = samples
        self.surface = surface
        self.labelled = labelled

    @property
    def draws_on(self) -> torch.device:
        """Return where indices and generators had best be: that of all rows, else the CPU."""
        sets = [rows for rows in (self.samples, self.surface) if rows is not None]
        there = all(rows.draws_on == self.device for rows in sets)
        return self.device if there else torch.device("cpu")

    def draw(self, index: Tensor, draws: BatchSpec, generator: Generators) -> Batch:
        """Draw of each set that the store holds.

        Args:
            index: (B,) shapes, on the generator's device.
            draws: how many, and how.
            generator: one for all, or one a shape, so that a shape's draws depend on it alone.
                It may be on any device; one that is not on `draws_on` makes the CPU wait.
        """
        samples = surface = space = labels = None
        dim = self.dim
        if self.samples is not None:
            rows = self.samples.draw(index, draws.samples, generator, balanced=draws.sign_balanced)
            if self.labelled:
                rows, labels = rows[..., :-1], rows[..., -1].long()
            samples = Samples(rows[..., :dim], rows[..., dim:])
        if self.surface is not None:
            rows = self.surface.draw(index, draws.surface, generator, balanced=False)
            surface = Surface(rows[..., :dim], rows[..., dim:] if rows.shape[-1] > dim else None)
            space = self._space(index, draws, generator)
        return Batch(samples, surface, space, labels)

    def _space(self, index: Tensor, draws: BatchSpec, generator: Generators) -> Tensor:
        assert self.surface is not None
        near = round(draws.space_near * draws.space)
        box = self._move(2 * uniform(index, (draws.space - near, self.dim), generator) - 1)
        if near == 0:
            return box
        around = self.surface.draw(index, near, generator, balanced=False)[..., : self.dim]
        noise = self._move(normal(index, (near, self.dim), generator))
        return torch.cat([box, around + draws.space_std * noise], dim=1)

    def _move(self, values: Tensor) -> Tensor:
        return values.to(self.device, non_blocking=True)


def open_store(
    layout: Layout,
    names: Sequence[str],
    *,
    dim: int,
    num_channels: int,
    needs: frozenset[str],
    device: torch.device,
    dtype: str,
    fallback: Path,
) -> SampleStore:
    """Open what a loss needs of some shapes; what is not packed yet is packed first.

    Packs are in <root>/packed. A data set whose folder cannot be written has them in a folder of
    its own under `fallback`.

    Args:
        layout: the data set.
        names: the shapes.
        dim: D, that the samples have to be of.
        num_channels: C, that they have to have.
        needs: see inr.losses.
        device: where batches go.
        dtype: as which samples are stored, float32 or float16; the log states the error of that.
        fallback: a folder that can be written.

    Raises:
        ValueError: if a shape lacks a set, a file is not of its form, or packs cannot be written.
    """
    root = layout.root.resolve()
    mark = hashlib.blake2b(str(root).encode(), digest_size=4).hexdigest()
    folders = [layout.root / "packed", fallback / f"{root.name}_{mark}"]

    def rows(
        kind: str, width: int, sources: dict[str, Source], read: Callable[[str], Runs]
    ) -> RowSampler:
        pack = open_sample_cache(folders, kind, sources, read, dim=dim, width=width, dtype=dtype)
        if names and pack.rounding(names) != (0.0, 0.0):
            points, values = pack.rounding(names)
            log.info(
                "%s are stored as %s: coordinates are off by up to %.2g, %s by up to %.2g",
                kind,
                dtype,
                points,
                "normals" if kind == "surface" else "distances",
                values,
            )
        return RowSampler.of_pack(pack, names, device)

    samples = surface = None
    sets = {set_of(need) for need in needs}
    if "labels" in needs:

        def labelled(name: str) -> Runs:
            return read_labelled(layout, name, dim, num_channels)

        sources = _labelled_sources(layout, names, labelled)
        samples = rows("labelled", dim + num_channels + 1, sources, labelled)
    elif "samples" in sets:
        signed = "signed" in needs

        def sample_paths(name: str) -> list[Path]:
            path = layout.samples(name)
            return [path] if signed else [path, layout.unsigned(name)]

        def distances(name: str) -> Runs:
            return read_distances(layout, name, dim, num_channels, signed)

        sources = _sources(names, sample_paths, distances)
        samples = rows("samples", dim + num_channels, sources, distances)
    if sets & {"surface", "space"}:  # part of space is drawn around the surface
        with_normals = "normals" in needs
        width = 2 * dim if with_normals else dim

        def points(name: str) -> Runs:
            # where normals are not needed, some shapes may have them and others not
            array = read_surface(layout, name, dim, with_normals)[:, :width]
            return array, array[:0]

        sources = _sources(names, lambda name: [layout.surface(name)], points)
        surface = rows("surface", width, sources, points)
    return SampleStore(
        names,
        dim=dim,
        device=device,
        samples=samples,
        surface=surface,
        labelled="labels" in needs,
    )


def _sources(
    names: Iterable[str], paths: Callable[[str], list[Path]], read: Callable[[str], Runs]
) -> dict[str, Source]:
    """Return each shape's file; one that has none is read, which says what is missing."""
    sources = {}
    for name in names:
        source = find_source(paths(name))
        if source is None:
            read(name)
            raise ValueError(f"'{paths(name)[0]}' does not exist")
        sources[name] = source
    return sources


def _labelled_sources(
    layout: Layout, names: Iterable[str], read: Callable[[str], Runs]
) -> dict[str, Source]:
    """Return each shape's file of samples, with what tells a change of its labels too.

    Labels are checked against present.npy, where there is one, so that its change counts as well.
    """
    names = list(names)
    samples = _sources(names, lambda name: [layout.samples(name)], read)
    labels = _sources(names, lambda name: [layout.labels(name)], read)
    sources = {}
    for name in names:
        present = find_source([layout.poses(name) / "present.npy"])
        states = [samples[name], labels[name], *([] if present is None else [present])]
        size, time = (
            sum(state.size for state in states),
            sum(state.mtime_ns for state in states),
        )
        sources[name] = Source(samples[name].path, size, time)
    return sources
