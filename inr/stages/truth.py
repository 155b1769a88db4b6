"""What a data set holds to measure a shape against: its mesh, or its points."""

import logging

import numpy as np

from inr.data.deepsdf_layout import read_normalization
from inr.data.layout import Layout
from inr.data.read import read_surface
from inr.metrics.protocol import evaluate_against_points, evaluate_pair
from inr.render.points import discs
from inr.shapes.mesh import Mesh, empty_mesh, read_mesh
from inr.shapes.normalize import identity

log = logging.getLogger(__name__)


def has_only_points(layout: Layout, name: str) -> bool:
    """Return whether a shape has no mesh with an inside to be measured against."""
    has_sign = layout.samples(name).exists() or not layout.unsigned(name).exists()
    return not (has_sign and layout.mesh(name).exists())


def truth_mesh(layout: Layout, name: str, dim: int) -> Mesh:
    """Return a shape's mesh, to be drawn: of a point cloud, discs.

    Empty where there is neither, or where it cannot be read: a picture must not end a run.
    """
    path = layout.mesh(name)
    try:
        if path.exists():
            return read_mesh(path)
        if not layout.surface(name).exists():
            return empty_mesh(dim)
        surface = read_surface(layout, name, dim, with_normals=False)
    except ValueError as error:
        log.warning("%s is drawn without its truth: %s", name, error)
        return empty_mesh(dim)
    return discs(surface[:, :dim], surface[:, dim:] if surface.shape[1] > dim else None)


def measure(
    mesh: Mesh,
    layout: Layout,
    name: str,
    *,
    frame: str,
    num_points: int,
    iou_resolution: int,
    f_score_threshold: float,
    seed: int,
) -> dict[str, float]:
    """Measure a reconstruction against a shape of the data set; see inr.metrics.protocol.

    Args:
        mesh: the reconstruction, in the box frame.
        layout: the data set.
        name: of the shape.
        frame: `box`, or `native` to undo the transform of `prepare` on both first.
        num_points: and the rest: see `evaluate_pair`.
        iou_resolution: likewise.
        f_score_threshold: in the units of the frame.
        seed: likewise.

    Raises:
        ValueError: if the shape cannot be read, or has no inside.
    """
    dim = mesh.dim
    moved = identity(dim)
    if frame == "native":
        moved = read_normalization(layout.normalization(name))
    mesh = moved.undo_mesh(mesh)
    if has_only_points(layout, name):
        surface = read_surface(layout, name, dim, with_normals=False).astype(np.float64)
        has_normals = surface.shape[1] > dim
        return evaluate_against_points(
            mesh,
            moved.undo(surface[:, :dim]),
            surface[:, dim:] @ moved.rotation if has_normals else None,
            name=name,
            num_points=num_points,
            f_score_threshold=f_score_threshold,
            seed=seed,
        )
    return evaluate_pair(
        mesh,
        moved.undo_mesh(read_mesh(layout.mesh(name))),
        name=name,
        num_points=num_points,
        iou_resolution=iou_resolution,
        f_score_threshold=f_score_threshold,
        seed=seed,
    )
