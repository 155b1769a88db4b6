"""Prepare one shape: from its source to its files in a data set."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from inr.data.journal import JournalEntry
from inr.data.layout import Layout, write_npz
from inr.data.parts.prepare import (
    check_parts,
    complete_poses,
    delete_parts,
    read_composite,
    write_labels,
    write_parts,
)
from inr.data.parts.sources import PartFiles
from inr.data.solid import OF_SOUPS, Soups, enclosed, orient
from inr.data.sources import Family, fingerprint
from inr.seeding import seed_from_name
from inr.shapes.composite import Composite, without_parts
from inr.shapes.formats.base import Formats
from inr.shapes.mesh import (
    Floats,
    Mesh,
    check_outline,
    merge_equal,
    mesh_suffix,
    read_mesh,
    write_mesh,
)
from inr.shapes.normalize import (
    Normalization,
    fit_ball,
    fit_bounds,
    fit_box,
    fit_sphere,
    identity,
)
from inr.shapes.points import nearest_distance, read_points
from inr.shapes.polygon import UnsoundOutlineError
from inr.shapes.sampling import sample_sdf, sample_surface, split_by_sign
from inr.shapes.selfcheck import check_samples
from inr.shapes.signature import signature
from inr.shapes.solids.checks import check_mesh
from inr.shapes.solids.repair import repair


@dataclass(frozen=True)
class Recipe:
    """Settings of the preparation of each shape, as in conf/data."""

    dim: int
    kind: str
    sign: str
    soups: Soups
    repair: bool
    normalize: str
    extent: float
    near_counts: Sequence[int]
    near_variances: Sequence[float]
    num_uniform: int
    num_surface: int
    edge_fraction: float
    dtype: str
    seed: int
    primitive: str
    device: str
    formats: Formats  # suffix to a user-defined format


def prepare_shape(
    name: str,
    source: Path | Family,
    root: Path,
    recipe: Recipe,
    parts: PartFiles | None = None,
) -> JournalEntry:
    """Normalise and sample one shape, and write its files.

    The samples are written last, so that a shape with a sample file is complete. All random draws
    are seeded by the shape's name.

    Args:
        name: name of the shape.
        source: file of the shape, or the procedural family that generates it.
        root: folder of the data set.
        recipe: settings of the preparation.
        parts: files of its parts; None for a shape without parts or of a family.

    Returns:
        The shape's entry in manifest.json: status `ok`, or `refused` with the reason.

    Raises:
        OSError: if the data set cannot be written.
    """
    started = time.perf_counter()
    layout = Layout(root)
    delete_shape(layout, name)  # files of an earlier call must not be taken for those of this one
    try:
        if recipe.kind == "points" and isinstance(source, Path):
            details = _write_cloud(name, source, layout, recipe)
        else:
            native = _read(name, source, recipe, parts)
            is_procedural = bool(native.parts) and not isinstance(source, Path)
            changes: list[str] = []
            repaired, sign = native, recipe.sign
            if is_procedural:
                sign = "winding" if sign == "auto" else sign
            else:
                if recipe.repair:
                    mesh, changes = repair(native.mesh)
                    repaired = replace(native, mesh=mesh)
                repaired, sign, more = orient(repaired, sign)
                changes = [*changes, *more]
            details = _write_shape(name, native.mesh, repaired, sign, layout, recipe, parts)
            details["changes"] = changes
    except ValueError as error:
        details = {"status": "refused", "reason": str(error)}
    if parts is not None:
        details["parts"] = parts.fingerprints()
    seconds = round(time.perf_counter() - started, 3)
    return {**details, **fingerprint(source), "seconds": seconds}


def _read(name: str, source: Path | Family, recipe: Recipe, parts: PartFiles | None) -> Composite:
    if not isinstance(source, Path):
        return source.make(name)
    mesh = _read_mesh(source, recipe)
    if mesh.dim != recipe.dim:
        raise ValueError(f"it is {mesh.dim}-D, and data.dim={recipe.dim}")
    if parts is None:
        return without_parts(mesh)
    return read_composite(mesh, parts, recipe.repair, recipe.formats)


def _read_mesh(source: Path, recipe: Recipe) -> Mesh:
    try:
        mesh = read_mesh(source, recipe.formats)
        if mesh.dim == 2:
            check_outline(mesh)
    except UnsoundOutlineError as error:
        if recipe.sign not in OF_SOUPS:
            raise
        return merge_equal(Mesh(error.vertices, error.edges))
    return mesh


def _write_shape(
    name: str,
    original: Mesh,
    repaired: Composite,
    sign: str,
    layout: Layout,
    recipe: Recipe,
    parts: PartFiles | None,
) -> JournalEntry:
    normalization = _normalization(repaired.mesh, recipe)
    shape = repaired.normalised(normalization)
    if shape.parts:
        shape = complete_poses(shape, recipe.primitive, parts)
    mesh, enclosure = shape.mesh, None
    if sign == "outside":
        enclosure = enclosed(mesh, recipe.soups)
        mesh = enclosure.mesh
        shape = replace(shape, mesh=mesh)
    is_signed = sign != "unsigned"
    rng = seed_from_name(name, recipe.seed)
    near_and_uniform = sample_sdf(
        mesh,
        recipe.near_counts,
        recipe.near_variances,
        recipe.num_uniform,
        rng,
        edge_fraction=recipe.edge_fraction,
        sign="winding" if sign == "outside" else sign,
        dtype=np.dtype(recipe.dtype),
        device=recipe.device,
    )
    check = check_samples(mesh, near_and_uniform.samples, signed=is_signed)
    # lossless for the points, which were rounded to this dtype before computing distances
    samples, uniform = (s.astype(recipe.dtype) for s in near_and_uniform[:2])
    points, normals = sample_surface(mesh, recipe.num_surface, rng)
    pos, neg = split_by_sign(samples)
    if is_signed and len(neg) == 0:
        raise ValueError("no sample lies inside: the mesh encloses no volume, or is too thin")
    suffix = mesh_suffix(mesh.dim)
    write_mesh(mesh, layout.root / "meshes" / f"{name}{suffix}")
    if enclosure is not None:
        write_mesh(normalization.apply_mesh(original), layout.given_mesh(name, suffix))
        write_mesh(enclosure.visible, layout.visible_mesh(name, suffix))
    normalization.save(layout.normalization(name))
    of_parts: JournalEntry = {}
    if shape.parts:
        write_parts(name, shape, layout, recipe.primitive)
        in_no_part = None
        if is_signed:
            in_no_part = write_labels(name, shape, layout, samples, recipe.num_uniform)
        of_parts = {"part_checks": check_parts(shape, in_no_part)}
    surface = np.concatenate([points, normals], axis=1).astype(np.float32)
    write_npz(layout.surface(name), all=surface)
    if is_signed:
        write_npz(
            layout.uniform(name), **dict(zip(("pos", "neg"), split_by_sign(uniform), strict=True))
        )
        write_npz(layout.samples(name), pos=pos, neg=neg)
    else:
        write_npz(layout.unsigned(name), all=samples)
    return {
        "status": "ok",
        "reason": "",
        **check_mesh(normalization.apply_mesh(original)).as_dict(),  # before repair
        "sign": sign,
        **({} if enclosure is None else {"enclosure": enclosure.summary()}),
        "ambiguous": near_and_uniform.ambiguity,
        "positive": len(pos),
        "negative": len(neg),
        "self_check": check._asdict(),
        "signature": list(signature(mesh)),
        **of_parts,
    }


def _normalization(mesh: Mesh, recipe: Recipe) -> Normalization:
    if recipe.normalize == "none":
        return identity(mesh.dim)
    return (fit_sphere if recipe.normalize == "sphere" else fit_box)(mesh, recipe.extent)


def delete_shape(layout: Layout, name: str) -> None:
    """Delete all files of a shape, including those of another kind of source or of sign."""
    for stale in (layout.samples(name), layout.uniform(name), layout.unsigned(name)):
        stale.unlink(missing_ok=True)
    for _ in (".npy", ".npz"):
        layout.surface(name).unlink(missing_ok=True)
    layout.mesh(name).unlink(missing_ok=True)
    for suffix in (".ply", ".npz"):
        layout.given_mesh(name, suffix).unlink(missing_ok=True)
        layout.visible_mesh(name, suffix).unlink(missing_ok=True)
    delete_parts(name, layout)
    layout.normalization(name).unlink(missing_ok=True)
    with suppress(OSError):  # not empty: the user's own files stay
        layout.samples(name).parent.rmdir()


def _write_cloud(name: str, source: Path, layout: Layout, recipe: Recipe) -> JournalEntry:
    """Write the surface points of a point cloud, and samples with unsigned distances to it."""
    native, normals = read_points(source, recipe.dim, recipe.formats)
    normalization = _fit_points(native, recipe)
    points = normalization.apply(native)
    rng = seed_from_name(name, recipe.seed)
    groups = [
        points[rng.integers(len(points), size=count)]
        + rng.normal(scale=np.sqrt(variance), size=(count, recipe.dim))
        for count, variance in zip(recipe.near_counts, recipe.near_variances, strict=True)
    ]
    groups.append(rng.uniform(-1.0, 1.0, size=(recipe.num_uniform, recipe.dim)))
    x = np.concatenate(groups).astype(recipe.dtype)
    distance = nearest_distance(points, x.astype(np.float64))
    surface = points if normals is None else np.concatenate([points, normals], axis=1)
    if len(surface) > recipe.num_surface:
        surface = surface[np.sort(rng.permutation(len(surface))[: recipe.num_surface])]
    normalization.save(layout.normalization(name))
    write_npz(layout.root / "samples" / name / "surface.npz", all=surface.astype(np.float32))
    unsigned = np.concatenate([x, distance[:, None]], axis=1).astype(recipe.dtype)
    write_npz(layout.unsigned(name), all=unsigned)
    return {"status": "ok", "reason": "", "points": len(native), "normals": normals is not None}


def _fit_points(points: Floats, recipe: Recipe) -> Normalization:
    if recipe.normalize == "none":
        return identity(recipe.dim)
    bounds = np.stack([points.min(axis=0), points.max(axis=0)])
    if recipe.normalize == "box":
        return fit_bounds(bounds, recipe.extent)
    return fit_ball(points, recipe.extent)
