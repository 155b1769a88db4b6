"""Approximate SDF samples from observed surface points, for reconstruction without distances.

Follows the shape completion of DeepSDF (Park et al., CVPR 2019, section 6.3): a point displaced
from the surface along the normal has about that displacement as its signed distance.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from inr.data.layout import Layout
from inr.data.read import read_surface_points
from inr.data.row_sampler import RowSampler
from inr.data.store import SampleStore
from inr.seeding import seed_from_name
from inr.shapes.mesh import Floats

# width of a cell of the occlusion test, in mean spacings of the points
CELL_SPACINGS = 3.0


def open_observed(
    layout: Layout,
    names: Sequence[str],
    *,
    dim: int,
    num_channels: int,
    view: Sequence[float] | None,
    offset: float,
    seed: int,
    device: torch.device,
) -> SampleStore:
    """Open the observation of some shapes: surface points with normals, and samples around them.

    Args:
        layout: the data set; only surface points are read.
        names: the shapes.
        dim: D, dimension of space.
        num_channels: C, which must be 1: other channels are not observed.
        view: direction towards the viewer, (D,), to keep only points visible from there; None to
            keep all.
        offset: standard deviation of the displacement of the samples, box units.
        seed: seed, combined with each shape's name.
        device: device of the batches.

    Raises:
        ValueError: if a shape has no surface points with normals, or none is visible.
    """
    if num_channels != 1:
        raise ValueError(
            f"model.num_channels={num_channels}: reconstruct.observe=surface|partial observes only "
            "the first channel; use reconstruct.observe=sdf"
        )
    samples, surfaces = [], []
    for name in names:
        surface = read_surface_points(layout, name, dim, with_normals=False)
        if surface.shape[1] == dim:
            raise ValueError(
                f"'{name}' has no normals, which reconstruct.observe=surface|partial needs"
            )
        if view is not None:
            seen = visible(surface[:, :dim], surface[:, dim:], view)
            if not seen.any():
                raise ValueError(f"no surface point of '{name}' is visible from {list(view)}")
            surface = surface[seen]
        rng = seed_from_name(name, seed + 2)
        samples.append(offset_samples(surface[:, :dim], surface[:, dim:], offset, rng))
        surfaces.append(surface)
    return SampleStore(
        names,
        dim=dim,
        device=device,
        samples=RowSampler.of_arrays(names, samples, device),
        surface=RowSampler.of_arrays(names, [(array, array[:0]) for array in surfaces], device),
    )


def offset_samples(
    points: Floats, normals: Floats, offset: float, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return one sample outside and one inside for each surface point, (n, D + 1) each.

    Args:
        points: (n, D), surface points.
        normals: (n, D), outward unit normals.
        offset: standard deviation s; distances are |d| with d from N(0, s^2).
        rng: generator of the distances.
    """
    distance = np.abs(rng.normal(scale=offset, size=(2, len(points), 1)))
    outer = np.concatenate([points + distance[0] * normals, distance[0]], axis=1)
    inner = np.concatenate([points - distance[1] * normals, -distance[1]], axis=1)
    return outer.astype(np.float32), inner.astype(np.float32)


def visible(points: Floats, normals: Floats, view: Sequence[float]) -> NDArray[np.bool_]:
    """Return which surface points are visible in an orthographic view, (n,) bool.

    A point is visible if its normal faces the viewer, and no other point in its cell of the image
    plane is clearly in front of it.

    Args:
        points: (n, D), surface points; dense enough to leave no gaps between them.
        normals: (n, D), outward unit normals.
        view: direction towards the viewer, (D,).
    """
    towards = np.asarray(view, dtype=np.float64)
    towards = towards / np.linalg.norm(towards)
    dim = len(towards)
    # complete the view direction to an orthonormal basis
    basis = np.linalg.qr(np.column_stack([towards, np.eye(dim)]))[0][:, 1:dim]
    depth = points @ towards
    plane = points @ basis
    extent = float(np.ptp(plane, axis=0).max()) or 1.0
    cell = CELL_SPACINGS * extent * len(points) ** (-1 / max(1, dim - 1))
    cells = np.floor((plane - plane.min(axis=0)) / cell).astype(np.int64)
    key = np.ravel_multi_index(tuple(cells.T), tuple(cells.max(axis=0) + 1))
    front = np.full(int(key.max()) + 1, -math.inf)
    np.maximum.at(front, key, depth)
    # depth range of the surface itself within a cell: its slope, bounded at grazing angles
    facing = (normals @ towards).clip(0, 1)
    slope = np.sqrt(1 - facing**2) / facing.clip(min=0.1)
    return (facing > 0) & (depth >= front[key] - cell * (1 + math.sqrt(dim - 1) * slope))
