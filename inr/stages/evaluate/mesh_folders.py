"""Find, pair by name and read the shapes of two folders."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inr.data.sources import find_files
from inr.hints import shorten
from inr.metrics.eval_shape import Cloud, Surface
from inr.shapes.formats.base import OUTLINE, POINTS, SURFACE
from inr.shapes.formats.meshes import NoFacesError
from inr.shapes.formats.table import suffixes
from inr.shapes.mesh import Floats, empty_mesh, read_mesh
from inr.shapes.normalize import Normalization, fit_bounds
from inr.shapes.points import read_points
from inr.shapes.solids.orientation import orient_outward

log = logging.getLogger(__name__)

# suffixes that hold point clouds only; mesh files without faces are point clouds too
CLOUD_SUFFIXES = tuple(suffix for suffix in suffixes(POINTS) if suffix not in suffixes(SURFACE))


@dataclass(frozen=True)
class ShapeFile:
    """A shape read from a file, in the file's own frame.

    Args:
        shape: mesh or point cloud.
        points: (N, D), points with the bounding box of the shape.
        note: remark on repairs or defects, for the `reason` of the shape's row.
    """

    shape: Surface | Cloud
    points: Floats
    note: str


def find_pairs(meshes: str, ground_truth: str) -> tuple[dict[str, Path], dict[str, Path], int]:
    """Return the files of meshes and of ground truths, by name, and D.

    Two single files form a pair whatever their names are.

    Args:
        meshes: folder or file of the meshes.
        ground_truth: folder or file of the ground truth.

    Raises:
        ValueError: if a folder has no shape, or they have no name in common.
    """
    where, there = Path(meshes), Path(ground_truth)
    made, ground_truths, dim = find_both(meshes, ground_truth)
    if where.is_file() and there.is_file():
        (mesh,) = made.values()
        return dict.fromkeys(ground_truths, mesh), ground_truths, dim
    if not made.keys() & ground_truths.keys():
        lower = {name.lower() for name in made} & {name.lower() for name in ground_truths}
        hint = " (names are case-sensitive)" if lower else ""
        raise ValueError(
            f"no shape in meshes={where} has the name of one in ground_truth={there}: "
            f"{_some(made)} and {_some(ground_truths)}; a mesh and its ground truth need "
            f"the same name, suffixes aside{hint}"
        )
    others = [name for name in made if name not in ground_truths]
    if others:
        log.warning(
            "%d meshes have no ground truth of the same name and are left out: %s",
            len(others),
            _some(others),
        )
    return made, ground_truths, dim


def find_both(meshes: str, ground_truth: str) -> tuple[dict[str, Path], dict[str, Path], int]:
    """Return the files of both folders by name, and D, inferred from the suffixes of the meshes."""
    where, there = Path(meshes), Path(ground_truth)
    surfaces, outlines = suffixes(SURFACE), suffixes(OUTLINE)
    found, refused = find_files(where, surfaces + outlines, leave_out=[], key="meshes")
    # images beside meshes are not outlines
    solid = {n: path for n, path in found.items() if path.suffix.lower() in surfaces}
    dim, allowed = (3, surfaces + CLOUD_SUFFIXES) if solid else (2, outlines)
    ground_truths, also = find_files(there, allowed, leave_out=[], key="ground_truth")
    for name, reason in {**refused, **also}.items():
        log.warning("left out %s: %s", name, reason)
    return solid or dict(found), dict(ground_truths), dim


def to_box_of(shape: ShapeFile, extent: float) -> Normalization:
    """Return the transform of a shape's bounding box to the box [-1, 1]^D: see `fit_bounds`."""
    corners = [shape.points.min(axis=0), shape.points.max(axis=0)]
    return fit_bounds(np.stack(corners), extent)


def read_shape(path: Path, dim: int, what: str, *, may_be_points: bool) -> ShapeFile:
    """Read a shape; the faces of a mesh that is inside out are flipped.

    Args:
        path: path of the file.
        dim: D, dimension of space.
        what: name of the shape in notes.
        may_be_points: whether a point cloud is accepted.

    Raises:
        ValueError: if the file cannot be read, or holds a point cloud that is not accepted.
    """
    if may_be_points and path.suffix.lower() in CLOUD_SUFFIXES and dim > 2:
        return _cloud(path, dim)
    try:
        mesh = read_mesh(path)
    except NoFacesError as error:
        if may_be_points:
            return _cloud(path, dim)
        if error.num_points:
            raise ValueError(
                f"'{path}' holds {error.num_points} points and no faces; a ground truth may be a "
                "point cloud, but a reconstruction has to be a mesh"
            ) from error
        return empty_shape(dim, "the mesh has no faces")
    turned = False
    if mesh.volume() < 0:
        mesh, turned = orient_outward(mesh)
    notes = [f"{what} was inside out and its faces were flipped"] if turned else []
    if not mesh.is_closed():
        notes.append(
            f"{what} is not closed, so that its inside is uncertain: stage=prepare data.sign=auto "
            "puts the solid that it encloses into meshes/"
        )
    note = "; ".join(notes)
    return ShapeFile(Surface(mesh), mesh.vertices[mesh.used()], note)


def empty_shape(dim: int, note: str) -> ShapeFile:
    """Return a shape without a surface."""
    nothing = empty_mesh(dim)
    return ShapeFile(Surface(nothing), nothing.vertices, note)


def _cloud(path: Path, dim: int) -> ShapeFile:
    points, normals = read_points(path, dim)
    return ShapeFile(Cloud(points, normals), points, "")


def _some(names: Mapping[str, Path] | list[str]) -> str:
    return shorten([f"'{name}'" for name in names])
