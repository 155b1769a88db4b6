"""Prepare the parts of a shape: from their source to their files in a data set."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from inr.data.journal import JournalEntry
from inr.data.layout import Layout, write_npz
from inr.data.parts.pose_files import load_poses, load_present, rotation_file
from inr.data.parts.read import check_in_box
from inr.data.parts.sources import PartFiles
from inr.data.prepare.inside import Soups, enclosed
from inr.files import replacing
from inr.shapes.composite import Composite
from inr.shapes.formats.base import NO_FORMATS, Formats
from inr.shapes.mesh import Floats, Mesh, mesh_suffix, read_sound, write_mesh
from inr.shapes.part_labels import least_part
from inr.shapes.poses import Poses, absent_poses, check_poses, rotation_matrices
from inr.shapes.primitives import Primitive, fit_primitive, primitive_mesh
from inr.shapes.solids.orientation import orient_outward
from inr.shapes.solids.repair import repair
from inr.shapes.solids.soundness import is_boundary

# a sample further than this outside of every part is in no part, box units
IN_NO_PART = 0.01
# a part with a smaller half-extent is flat, box units
FLAT = 1e-3


def read_composite(
    mesh: Mesh,
    files: PartFiles,
    mend: bool,
    formats: Formats = NO_FORMATS,
    *,
    soups: bool = False,
) -> Composite:
    """Return a shape with its parts, in its native frame.

    Args:
        mesh: the whole.
        files: files of the parts and, if given, of their poses.
        mend: repair the parts; their faces are oriented outward in any case.
        formats: suffix to a user-defined format.
        soups: read outlines that are open or cross themselves.

    Raises:
        ValueError: if a part or its pose cannot be read, a pose is invalid or does not match its
            mesh, or present.npy contradicts the meshes.
    """
    parts: list[Mesh | None] = [None] * files.num_parts
    for number, path in files.meshes.items():
        part = read_sound(path, formats, soups=soups)
        if part.dim != mesh.dim:
            raise ValueError(f"'{path}' is {part.dim}-D, and the whole is {mesh.dim}-D")
        solid = repair(part)[0] if mend else part
        parts[number] = solid if part.dim == 2 else orient_outward(solid)[0]
    if files.poses is None:
        return Composite(mesh, parts, None)
    present = np.array([part is not None for part in parts])
    _check_present(files, files.poses)
    where = f"'{files.poses}'"
    arrays = load_poses(files.poses, mesh.dim, len(present))
    poses = check_poses(*arrays, present, where=where, in_box=False)
    for number, given in enumerate(parts):
        if given is not None:
            _check_fits(given, poses, number, where)
    return Composite(mesh, parts, poses)


def _check_present(files: PartFiles, poses: Path) -> None:
    present, path = load_present(poses), poses / "present.npy"
    if present is None:
        return
    if len(present) != files.num_parts:
        raise ValueError(
            f"'{path}' has {len(present)} parts, and the shapes have {files.num_parts}; give it "
            "as many rows, false for absent parts"
        )
    for number, is_present in enumerate(present):
        if is_present and number not in files.meshes:
            raise ValueError(
                f"'{path}' says that part {number} is present, but it has no mesh; add "
                f"part{number} to the meshes, or set its row to false"
            )
        if not is_present and number in files.meshes:
            raise ValueError(
                f"'{path}' says that part {number} is absent, but it has the mesh "
                f"'{files.meshes[number]}'; set its row to true, or remove the mesh"
            )


def _check_fits(part: Mesh, poses: Poses, number: int, where: str) -> None:
    # compared in canonical space: for a thin oblique part, the centre of the native bounding box
    # may be many half-extents away along a thin axis
    turn = rotation_matrices(poses.rotations[number][None])[0]
    canonical = (part.vertices - poses.translations[number]) @ turn / poses.scales[number]
    middle = Mesh(canonical, part.faces).bounds.mean(axis=0)
    if np.abs(middle).max() > 2:
        raise ValueError(
            f"{where}: the pose of part {number} does not match its mesh, whose centre is at "
            f"{middle.round(2).tolist()} in the part's canonical box [-1, 1]^D; poses must be in "
            "the frame of the meshes; remove parts/parameters to have them fitted"
        )


def complete_poses(
    shape: Composite, primitive: str, files: PartFiles | None, soups: Soups | None = None
) -> Composite:
    """Return a shape with checked poses of its parts, fitted if it has none.

    Args:
        shape: shape in the box frame.
        primitive: cuboid | cylinder, the primitive to fit.
        files: files of the parts, for messages; None for parts of a family.
        soups: how parts that do not bound a solid are enclosed first; None to leave them open.

    Raises:
        ValueError: if a part leaves the box or has no extent, or its pose is invalid.
    """
    present = [(i, part) for i, part in enumerate(shape.parts) if part is not None]
    for number, part in present:
        check_in_box(part, _title(number, files))
    if soups is not None:
        present = [(number, _solid_of(part, soups)) for number, part in present]
        solids = dict(present)
        shape = replace(shape, parts=[solids.get(i) for i in range(len(shape.parts))])
    if shape.poses is not None:
        where = "its poses" if files is None else f"'{files.poses}'"
        return replace(shape, poses=check_poses(*shape.poses, where=where, in_box=True))
    poses = absent_poses(len(shape.parts), shape.mesh.dim)
    for number, part in present:
        fitted = fit_primitive(part, primitive, what=_title(number, files))
        poses.rotations[number] = fitted.rotation
        poses.translations[number] = fitted.translation
        poses.scales[number] = fitted.scale
        poses.present[number] = True
    return replace(shape, poses=poses)


def _solid_of(part: Mesh, soups: Soups) -> Mesh:
    """Return a part if it bounds a solid, else what it encloses; if that is nothing, the part."""
    if is_boundary(part):
        return part
    extent = float(np.ptp(part.bounds, axis=0).max())
    try:
        return enclosed(part, replace(soups, gap=min(soups.gap, extent / 2))).mesh
    except ValueError:
        return part


def _title(number: int, files: PartFiles | None) -> str:
    return f"part {number}" if files is None else f"part {number} ('{files.meshes[number]}')"


def write_parts(name: str, shape: Composite, layout: Layout, primitive: str) -> None:
    """Write the meshes and poses of a shape's parts, and the primitives that the poses describe."""
    assert shape.poses is not None
    rotations, translations, scales, present = shape.poses
    for number, part in enumerate(shape.parts):
        if part is None:
            continue
        write_mesh(part, layout.part_meshes(name) / f"part{number}{mesh_suffix(part.dim)}")
        form = Primitive(primitive, rotations[number], translations[number], scales[number])
        file = f"part{number}_{primitive}{'.npz' if part.dim == 2 else '.obj'}"
        write_mesh(primitive_mesh(form), layout.primitives(name) / file)
    arrays = {
        rotation_file(shape.mesh.dim): rotations,
        "translations.npy": translations,
        "scales.npy": scales,
        "present.npy": present,
    }
    for file, array in arrays.items():
        with replacing(layout.poses(name) / file) as temporary:
            np.save(temporary, array)


def write_labels(
    name: str, shape: Composite, layout: Layout, samples: Floats, num_uniform: int
) -> float:
    """Write the part that each sample belongs to, in the order of the sample files.

    Args:
        name: name of the shape.
        shape: shape in the box frame.
        layout: the data set.
        samples: (S, D + 1), samples as stored, uniform ones last.
        num_uniform: number of uniform samples.

    Returns:
        Fraction of the inner samples further than IN_NO_PART outside of every part; large if a part
        is missing.
    """
    labels, distances = least_part(samples[:, :-1].astype(np.float64), shape.parts)
    outside = samples[:, -1] >= 0
    for path, first in (
        (layout.labels(name), 0),
        (layout.uniform_labels(name), len(samples) - num_uniform),
    ):
        side, of = outside[first:], labels[first:]
        write_npz(path, pos=of[side], neg=of[~side])
    return float((distances[~outside] > IN_NO_PART).mean())


def check_parts(shape: Composite, in_no_part: float | None) -> JournalEntry:
    """Return the manifest's entry about a shape's parts.

    Args:
        shape: shape in the box frame, with poses.
        in_no_part: fraction that `write_labels` returned; None without labels.

    Returns:
        present: flags (P,); open: indices of the parts whose mesh is not closed; flat: indices of
        the parts with a half-extent below FLAT; in_no_part.
    """
    assert shape.poses is not None
    parts = enumerate(shape.parts)
    flat = shape.poses.present & (shape.poses.scales.min(axis=1) < FLAT)
    return {
        "present": shape.poses.present.tolist(),
        "open": [number for number, part in parts if part is not None and not part.is_closed()],
        "flat": np.flatnonzero(flat).tolist(),
        "in_no_part": in_no_part,
    }


def delete_parts(name: str, layout: Layout) -> None:
    """Delete the files of a shape's parts."""
    for folder in (
        layout.part_meshes(name),
        layout.primitives(name),
        layout.poses(name),
        layout.labels(name).parent,
    ):
        shutil.rmtree(folder, ignore_errors=True)
