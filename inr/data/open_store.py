"""Open the samples of many shapes, by way of the sample cache."""

import hashlib
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from inr.data.batch import LABELS, SampleAttribute, sample_attributes, set_of
from inr.data.build_cache import Runs, open_sample_cache
from inr.data.layout import Layout
from inr.data.read import read_distances, read_surface_points
from inr.data.row_sampler import RowSampler
from inr.data.sample_cache import Source, find_source
from inr.data.store import SampleStore

log = logging.getLogger(__name__)


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
    opener = _RowOpener(layout, names, dim, device, dtype, folders)
    sets = {set_of(need) for need in needs}
    attributes = sample_attributes(needs, dim)
    samples = surface = None
    if "samples" in sets:
        signed = not needs.isdisjoint({"signed", LABELS})
        samples = opener.open_samples(num_channels, attributes, signed=signed)
    if sets & {"surface", "space"}:  # some space points are drawn around the surface
        surface = opener.open_surface(with_normals="normals" in needs)
    return SampleStore(
        names, dim=dim, device=device, samples=samples, surface=surface, attributes=attributes
    )


@dataclass(frozen=True)
class _RowOpener:
    """Arguments of `open_store` that are the same for each set of points."""

    layout: Layout
    names: Sequence[str]
    dim: int
    device: torch.device
    dtype: str
    folders: Sequence[Path]

    def open_samples(
        self, num_channels: int, attributes: Sequence[SampleAttribute], *, signed: bool
    ) -> RowSampler:
        def read(name: str) -> Runs:
            return read_distances(self.layout, name, self.dim, num_channels, signed, attributes)

        sources = _sample_sources(self.layout, self.names, attributes, signed, read)
        width = self.dim + num_channels + sum(attribute.columns for attribute in attributes)
        own = [attribute for attribute in attributes if attribute.name != LABELS]
        values = "distances and attributes" if own else "distances"
        return self._open(_kind_of(attributes), width, sources, read, values)

    def open_surface(self, *, with_normals: bool) -> RowSampler:
        width = 2 * self.dim if with_normals else self.dim

        def read(name: str) -> Runs:
            # if normals are not needed, some shapes may have them and others not
            array = read_surface_points(self.layout, name, self.dim, with_normals)[:, :width]
            return array, array[:0]

        sources = _sources(self.names, lambda name: [[self.layout.surface(name)]], read)
        return self._open("surface", width, sources, read, "normals")

    def _open(
        self,
        kind: str,
        width: int,
        sources: dict[str, Source],
        read: Callable[[str], Runs],
        values: str,
    ) -> RowSampler:
        cache = open_sample_cache(
            self.folders, kind, sources, read, dim=self.dim, width=width, dtype=self.dtype
        )
        errors = cache.rounding(self.names) if self.names else (0.0, 0.0)
        if errors != (0.0, 0.0):
            log.info(
                "%s are stored as %s: coordinates are off by up to %.2g, %s by up to %.2g",
                *(kind, self.dtype, errors[0], values, errors[1]),
            )
        return RowSampler.of_cache(cache, self.names, self.device)


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
