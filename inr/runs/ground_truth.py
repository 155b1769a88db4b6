"""The ground truth of shapes in a data set: a mesh or surface points."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from inr.data.deepsdf_layout import read_normalization
from inr.data.layout import Layout, read_manifest
from inr.data.parts.read import count_parts, read_parts
from inr.data.read import read_surface_points
from inr.metrics.eval_shape import Cloud, Surface
from inr.metrics.pair import FieldEvaluator, Pair, Parts
from inr.metrics.settings import GroundTruth
from inr.render.points import discs
from inr.render.views import cast_views
from inr.shapes.mesh import Floats, Mesh, empty_mesh, mesh_suffix, read_mesh, read_soup
from inr.shapes.normalize import Normalization, identity

log = logging.getLogger(__name__)

# longest edge of the ground truth's bounding box, by frame
LONGEST_EDGE = {"unit_cube": 1, "unit_box": 2}

OPEN = (
    "the ground truth is the visible part of a triangle soup, an open surface without an inside; "
    "add eval.ground_truth=solid"
)


def has_only_points(layout: Layout, name: str) -> bool:
    """Return whether the ground truth of a shape is a point cloud, not a mesh with an inside."""
    has_sign = layout.samples(name).exists() or not layout.unsigned(name).exists()
    return not (has_sign and layout.mesh(name).exists())


def ground_truth_stamp(layout: Layout, name: str, dim: int, ground_truth: GroundTruth) -> list[int]:
    """Return sizes and times of the ground truth files of a shape, to notice that they change."""
    if has_only_points(layout, name):
        path = layout.surface(name)
    else:
        path = _given(layout, name, dim, ground_truth) or layout.mesh(name)
    parts = sorted(layout.part_meshes(name).glob("*"))
    found = [
        one.stat() for one in (path, layout.poses(name) / "present.npy", *parts) if one.exists()
    ]
    return [number for status in found for number in (status.st_size, status.st_mtime_ns)]


def _given(layout: Layout, name: str, dim: int, ground_truth: GroundTruth) -> Path | None:
    """Return the file of the visible part of a soup; None for other shapes, and for the solid."""
    path = layout.visible_mesh(name, mesh_suffix(dim))
    return path if ground_truth == "given" and path.exists() else None


def check_given(layout: Layout, names: Sequence[str], dim: int) -> None:
    """Check that the visible part of every soup is there.

    Raises:
        ValueError: if one is missing, which would be measured against its solid.
    """
    shapes = read_manifest(layout)["shapes"] if layout.manifest.exists() else {}
    for name in names:
        path = layout.visible_mesh(name, mesh_suffix(dim))
        if shapes.get(name, {}).get("sign") == "outside" and not path.exists():
            raise ValueError(
                f"eval.ground_truth=given needs '{path}', which is missing; restore it, or add "
                "eval.ground_truth=solid"
            )


def ground_truth_mesh(
    layout: Layout, name: str, dim: int, ground_truth: GroundTruth = "solid"
) -> Mesh:
    """Return the ground truth mesh of a shape for a picture; a point cloud is drawn as discs.

    It is empty if there is neither, or if it cannot be read: a picture must not end a run.
    """
    given, path = _given(layout, name, dim, ground_truth), layout.mesh(name)
    try:
        if given is not None:
            return read_soup(given)
        if path.exists():
            return read_mesh(path)
        if not layout.surface(name).exists():
            return empty_mesh(dim)
        surface = read_surface_points(layout, name, dim, with_normals=False)
    except ValueError as error:
        log.warning("%s is drawn without its ground truth: %s", name, error)
        return empty_mesh(dim)
    return discs(surface[:, :dim], surface[:, dim:] if surface.shape[1] > dim else None)


def open_pair(
    mesh: Mesh,
    layout: Layout,
    name: str,
    *,
    ground_truth: GroundTruth,
    frame: str,
    num_points: int,
    seed: int,
    evaluator: FieldEvaluator | None = None,
    parts: Callable[[], Parts] | None = None,
) -> Pair:
    """Return a reconstruction and its ground truth as a pair for metrics.

    Args:
        mesh: reconstruction, in the box frame.
        layout: layout of the data set.
        name: name of the shape.
        ground_truth: surface of a soup that is the ground truth, see inr.metrics.settings.Eval.
        frame: frame of measurement, likewise.
        num_points: number of points drawn on each of the two surfaces.
        seed: seed of all draws.
        evaluator: field of the network, for metrics that need it.
        parts: function that reads the parts of the reconstruction, in the box frame; None if it
            has none: it is then divided by the parts of the ground truth, if there are any.

    Raises:
        ValueError: if the shape cannot be read.
    """
    dim = mesh.dim
    points: Floats
    normals: Floats | None = None
    if only_points := has_only_points(layout, name):
        surface = read_surface_points(layout, name, dim, with_normals=False).astype(np.float64)
        points = surface[:, :dim]
        normals = surface[:, dim:] if surface.shape[1] > dim else None
    else:
        given = _given(layout, name, dim, ground_truth)
        surface_mesh = read_mesh(layout.mesh(name)) if given is None else read_soup(given)
        points = surface_mesh.vertices[surface_mesh.used()]
    box = identity(dim)
    if frame == "native":
        box = read_normalization(layout.normalization(name))
    elif frame in LONGEST_EDGE:
        box = unit_frame(points, frame)
    cloud = box.undo(points)
    shape: Surface | Cloud = (
        Cloud(cloud, None if normals is None else normals @ box.rotation)
        if only_points
        else Surface(box.undo_mesh(surface_mesh), "" if given is None else OPEN)
    )
    return Pair(
        reconstruction=Surface(box.undo_mesh(mesh)),
        ground_truth=shape,
        name=name,
        num_points=num_points,
        seed=seed,
        box=box,
        evaluator=evaluator,
        scan=cloud if only_points else None,
        parts=partial(_parts, layout, name, parts, box),
        views=cast_views,
    )


def _parts(
    layout: Layout, name: str, parts: Callable[[], Parts] | None, box: Normalization
) -> tuple[Parts, Parts] | None:
    """Return the parts of reconstruction and ground truth in the frame of measurement, or None."""
    if count_parts(layout, name) == 0:
        return None
    ground_truth = read_parts(layout, name)
    given = ground_truth if parts is None else parts()
    moved = [
        [None if m is None else box.undo_mesh(m) for m in parts_of]
        for parts_of in (given, ground_truth)
    ]
    return moved[0], moved[1]


def unit_frame(points: Floats, frame: str) -> Normalization:
    """Return the scaling from a unit frame to the frame of the points; the origin is fixed.

    Args:
        points: (N, D), whose bounding box has longest edge 1 (unit_cube) or 2 (unit_box) in the
            unit frame.
        frame: name of the unit frame, one of LONGEST_EDGE.
    """
    longest = float(np.ptp(points, axis=0).max())
    dim = points.shape[1]
    scale = longest / LONGEST_EDGE[frame]
    return Normalization(np.zeros(dim), np.eye(dim), scale if scale > 0 else 1.0)


def has_ground_truth(layout: Layout, name: str) -> bool:
    """Return whether the data set has a mesh or surface points of a shape."""
    return layout.mesh(name).exists() or layout.surface(name).exists()


def warn_missing_ground_truth(layout: Layout, names: Sequence[str], consequence: str) -> set[str]:
    """Warn of shapes without ground truth, naming the files that are missing; return the shapes.

    Args:
        layout: layout of the data set.
        names: names of the shapes to check.
        consequence: consequence for these shapes, for the message.
    """
    without = [name for name in names if not has_ground_truth(layout, name)]
    if without:
        log.warning(
            "%d of %d shapes have no ground truth, neither a mesh nor surface points (%s "
            "first): %s; metrics need %s, in the box frame, or %s",
            len(without),
            len(names),
            without[0],
            consequence,
            layout.mesh(without[0]),
            layout.surface(without[0]),
        )
    return set(without)
