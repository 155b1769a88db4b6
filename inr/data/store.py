"""Store of the samples of many shapes, and random batches of them on one device."""

import hashlib
import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from inr.data.batch import (
    LABELS,
    Batch,
    BatchSpec,
    SampleAttribute,
    Samples,
    SurfacePoints,
    sample_attributes,
    set_of,
)
from inr.data.build_cache import Runs, open_sample_cache
from inr.data.layout import Layout
from inr.data.read import read_distances, read_surface_points
from inr.data.row_sampler import Generators, RowSampler, normal, uniform
from inr.data.sample_cache import Source, find_source

log = logging.getLogger(__name__)


class SampleStore:
    """Samples of some shapes, from which batches are drawn.

    Args:
        names: the shapes, in index order.
        dim: D, dimension of space.
        device: device of the batches.
        samples: outer and inner samples (two runs), rows of D + C columns and those of
            `attributes`; None if not needed.
        surface: surface points (one run), rows of D columns, or 2 D with normals; None if not
            needed.
        attributes: attributes stored for each sample beside its distance.
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        dim: int,
        device: torch.device,
        samples: RowSampler | None,
        surface: RowSampler | None,
        attributes: Sequence[SampleAttribute] = (),
    ) -> None:
        self.names = list(names)
        self.dim = dim
        self.device = device
        self.samples = samples
        self.surface = surface
        self.attributes = tuple(attributes)

    @property
    def generator_device(self) -> torch.device:
        """Return the best device for indices and generators: that of all rows, else the CPU."""
        sets = [rows for rows in (self.samples, self.surface) if rows is not None]
        there = all(rows.generator_device == self.device for rows in sets)
        return self.device if there else torch.device("cpu")

    def draw(self, index: Tensor, spec: BatchSpec, generator: Generators) -> Batch:
        """Draw a batch with points of each set that the store has.

        Args:
            index: (B,), shapes of the batch, on the generator's device.
            spec: number of points of each set.
            generator: one generator for all shapes, or one per shape, so that the draws of a shape
                do not depend on the others. Any device; other than `generator_device`, it causes a
                synchronisation.
        """
        samples = surface = space = None
        values: dict[str, Tensor] = {}
        dim = self.dim
        if self.samples is not None:
            rows = self.samples.draw(index, spec.samples, generator, balanced=spec.sign_balanced)
            end = rows.shape[-1] - sum(attribute.columns for attribute in self.attributes)
            samples = Samples(rows[..., :dim], rows[..., dim:end])
            for attribute in self.attributes:
                values[attribute.name] = attribute.unpack(rows[..., end : end + attribute.columns])
                end += attribute.columns
        if self.surface is not None:
            rows = self.surface.draw(index, spec.surface, generator, balanced=False)
            normals = rows[..., dim:] if rows.shape[-1] > dim else None
            surface = SurfacePoints(rows[..., :dim], normals)
            space = self._space(index, spec, generator)
        labels = values.pop(LABELS, None)
        return Batch(samples, surface, space, labels, values)

    def _space(self, index: Tensor, spec: BatchSpec, generator: Generators) -> Tensor:
        assert self.surface is not None
        near = round(spec.space_near * spec.space)
        box = self._move(2 * uniform(index, (spec.space - near, self.dim), generator) - 1)
        if near == 0:
            return box
        around = self.surface.draw(index, near, generator, balanced=False)[..., : self.dim]
        noise = self._move(normal(index, (near, self.dim), generator))
        return torch.cat([box, around + spec.space_std * noise], dim=1)

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
    """Open the sets of points that a loss needs, after adding missing shapes to the sample cache.

    The cache is in <root>/packed; if the data set is read-only, in a folder of its own under
    `fallback`.

    Args:
        layout: the data set.
        names: the shapes.
        dim: D, required dimension of the samples.
        num_channels: C, required number of channels of the samples.
        needs: needs of the loss, see inr.data.batch.NEEDS.
        device: device of the batches.
        dtype: type of the cached samples, float32 or float16; the rounding error is logged.
        fallback: a writable folder.

    Raises:
        ValueError: if a shape lacks a set or an attribute, a file is malformed, or the cache cannot
            be written.
    """
    root = layout.root.resolve()
    mark = hashlib.blake2b(str(root).encode(), digest_size=4).hexdigest()
    folders = [layout.root / "packed", fallback / f"{root.name}_{mark}"]

    def rows(
        kind: str, width: int, sources: dict[str, Source], read: Callable[[str], Runs], values: str
    ) -> RowSampler:
        cache = open_sample_cache(folders, kind, sources, read, dim=dim, width=width, dtype=dtype)
        errors = cache.rounding(names) if names else (0.0, 0.0)
        if errors != (0.0, 0.0):
            log.info(
                "%s are stored as %s: coordinates are off by up to %.2g, %s by up to %.2g",
                *(kind, dtype, errors[0], values, errors[1]),
            )
        return RowSampler.of_cache(cache, names, device)

    samples = surface = None
    sets = {set_of(need) for need in needs}
    attributes = sample_attributes(needs, dim)
    if "samples" in sets:
        signed = not needs.isdisjoint({"signed", LABELS})

        def distances(name: str) -> Runs:
            return read_distances(layout, name, dim, num_channels, signed, attributes)

        sources = _sample_sources(layout, names, attributes, signed, distances)
        width = dim + num_channels + sum(attribute.columns for attribute in attributes)
        own = [attribute for attribute in attributes if attribute.name != LABELS]
        values = "distances and attributes" if own else "distances"
        samples = rows(_kind_of(attributes), width, sources, distances, values)
    if sets & {"surface", "space"}:  # some space points are drawn around the surface
        with_normals = "normals" in needs
        width = 2 * dim if with_normals else dim

        def points(name: str) -> Runs:
            # if normals are not needed, some shapes may have them and others not
            array = read_surface_points(layout, name, dim, with_normals)[:, :width]
            return array, array[:0]

        sources = _sources(names, lambda name: [[layout.surface(name)]], points)
        surface = rows("surface", width, sources, points, "normals")
    return SampleStore(
        names, dim=dim, device=device, samples=samples, surface=surface, attributes=attributes
    )


def _kind_of(attributes: Sequence[SampleAttribute]) -> str:
    """Return the name, in the sample cache, of rows with some attributes."""
    if [attribute.name for attribute in attributes] == [LABELS]:
        return "labelled"
    return "+".join(
        ["samples", *(f"{attribute.name}-{attribute.columns}" for attribute in attributes)]
    )


def _sample_sources(
    layout: Layout,
    names: Iterable[str],
    attributes: Sequence[SampleAttribute],
    signed: bool,
    read: Callable[[str], Runs],
) -> dict[str, Source]:
    """Return the state of each shape's samples, so that a change of its attributes is noticed too.

    Labels are checked against present.npy if there is one, so its changes count as well.
    """
    own = [attribute.name for attribute in attributes if attribute.name != LABELS]
    labelled = len(own) < len(attributes)

    def paths(name: str) -> list[list[Path]]:
        samples = [layout.samples(name), *([] if signed else [layout.unsigned(name)])]
        beside = [layout.sample_attribute(name, attribute) for attribute in own]
        if labelled:
            present = layout.poses(name) / "present.npy"
            beside += [layout.labels(name), *([present] if present.exists() else [])]
        return [samples, *([path] for path in beside)]

    return _sources(names, paths, read)


def _sources(
    names: Iterable[str], paths: Callable[[str], list[list[Path]]], read: Callable[[str], Runs]
) -> dict[str, Source]:
    """Return the state of each shape's source files; if one is missing, `read` reports it.

    Args:
        names: the shapes.
        paths: returns the files that a shape's rows are read from, main one first, each as a list
            of alternative paths. A change of any of them counts as a change of the source.
        read: reads the rows of a shape.
    """
    sources = {}
    for name in names:
        found = [find_source(places) for places in paths(name)]
        states = [source for source in found if source is not None]
        if len(states) < len(found):
            read(name)
            raise ValueError(f"a file of the samples of '{name}' does not exist")
        size, time = sum(s.size for s in states), sum(s.mtime_ns for s in states)
        sources[name] = Source(states[0].path, size, time)
    return sources
