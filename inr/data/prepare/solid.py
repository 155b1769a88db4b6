"""Prepare a solid: a mesh, an outline, a triangle soup or a procedural shape."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from inr.data.journal import JournalEntry
from inr.data.layout import Layout, write_npz
from inr.data.parts.prepare import (
    check_parts,
    complete_poses,
    read_composite,
    write_labels,
    write_parts,
)
from inr.data.parts.sources import PartFiles
from inr.data.prepare.inside import SOUP_SIGNS, enclosed, orient
from inr.data.prepare.recipe import Recipe
from inr.data.sources import Family
from inr.seeding import seed_from_name
from inr.shapes.composite import Composite, without_parts
from inr.shapes.mesh import Floats, Mesh, mesh_suffix, read_sound, write_mesh
from inr.shapes.normalize import Normalization, fit_box, fit_sphere, identity
from inr.shapes.sampling import sample_sdf, sample_surface, split_by_sign
from inr.shapes.selfcheck import check_samples
from inr.shapes.signature import signature
from inr.shapes.solids.checks import check_mesh
from inr.shapes.solids.enclosure import Enclosure
from inr.shapes.solids.repair import repair


@dataclass(frozen=True)
class _Solid:
    """A shape ready to be sampled, in the box frame.

    Args:
        shape: the solid with its parts; for a soup, what it encloses.
        given: the mesh as it came.
        sign: how its inside was found, one of those of `data.sign` but `auto`.
        enclosure: how the solid of a soup came about; None for other shapes.
    """

    shape: Composite
    given: Mesh
    sign: str
    enclosure: Enclosure | None

    @property
    def is_signed(self) -> bool:
        """Return whether it has an inside."""
        return self.sign != "unsigned"


def prepare_solid(
    name: str, source: Path | Family, layout: Layout, recipe: Recipe, parts: PartFiles | None
) -> JournalEntry:
    """Normalise and sample a solid, write its files, and return its entry in manifest.json.

    Raises:
        ValueError: if it cannot be read, or has no inside.
    """
    native = _read(name, source, recipe, parts)
    is_procedural = bool(native.parts) and not isinstance(source, Path)
    if is_procedural:  # closed by construction; its parts may overlap
        sign = "winding" if recipe.sign == "auto" else recipe.sign
        repaired, changes = native, list[str]()
    else:
        repaired, sign, changes = _repair(native, recipe)
    normalization = _normalization(repaired.mesh, recipe)
    shape = repaired.normalised(normalization)
    enclosure = None
    if sign == "outside":
        enclosure = enclosed(shape.mesh, recipe.soups)
        shape = replace(shape, mesh=enclosure.mesh)
    if shape.parts:
        # the open parts that a closed mesh is cut into are solid by their winding number
        are_soups = sign == "outside" or (recipe.sign == "auto" and shape.mesh.dim == 2)
        soups = recipe.soups if are_soups else None
        shape = complete_poses(shape, recipe.primitive, parts, soups)
    solid = _Solid(shape, normalization.apply_mesh(native.mesh), sign, enclosure)
    details = _sample(name, solid, layout, recipe)
    normalization.save(layout.normalization(name))
    return {**details, "changes": changes}


def _repair(native: Composite, recipe: Recipe) -> tuple[Composite, str, list[str]]:
    """Return a shape repaired and oriented, how its inside is found, and a list of the changes."""
    changes: list[str] = []
    if recipe.repair:
        mesh, changes = repair(native.mesh)
        native = replace(native, mesh=mesh)
    oriented, sign, more = orient(native, recipe.sign)
    return oriented, sign, [*changes, *more]


def _read(name: str, source: Path | Family, recipe: Recipe, parts: PartFiles | None) -> Composite:
    if not isinstance(source, Path):
        return source.make(name)
    soups = recipe.sign in SOUP_SIGNS
    mesh = read_sound(source, recipe.formats, soups=soups)
    if mesh.dim != recipe.dim:
        raise ValueError(f"it is {mesh.dim}-D, and data.dim={recipe.dim}")
    if parts is None:
        return without_parts(mesh)
    return read_composite(mesh, parts, recipe.repair, recipe.formats, soups=soups)


def _sample(name: str, solid: _Solid, layout: Layout, recipe: Recipe) -> JournalEntry:
    """Draw and write the samples of a solid, the signed distances last."""
    mesh = solid.shape.mesh
    rng = seed_from_name(name, recipe.seed)
    drawn = sample_sdf(
        mesh,
        recipe.near_counts,
        recipe.near_variances,
        recipe.num_uniform,
        rng,
        edge_fraction=recipe.edge_fraction,
        sign="winding" if solid.enclosure is not None else solid.sign,
        dtype=np.dtype(recipe.dtype),
        device=recipe.device,
    )
    check = check_samples(mesh, drawn.samples, signed=solid.is_signed)
    # lossless for the points, which were rounded to this dtype before computing distances
    samples, uniform = (s.astype(recipe.dtype) for s in drawn[:2])
    points, normals = sample_surface(mesh, recipe.num_surface, rng)
    pos, neg = split_by_sign(samples)
    if solid.is_signed and len(neg) == 0:
        raise ValueError("no sample lies inside: the mesh encloses no volume, or is too thin")
    _write_meshes(name, solid, layout)
    of_parts = _write_parts(name, solid, samples, layout, recipe)
    surface = np.concatenate([points, normals], axis=1).astype(np.float32)
    write_npz(layout.surface(name), all=surface)
    if solid.is_signed:
        outer, inner = split_by_sign(uniform)
        write_npz(layout.uniform(name), pos=outer, neg=inner)
        write_npz(layout.samples(name), pos=pos, neg=neg)
    else:
        write_npz(layout.unsigned(name), all=samples)
    return {
        "status": "ok",
        "reason": "",
        **check_mesh(solid.given).as_dict(),  # before repair
        "sign": solid.sign,
        **({} if solid.enclosure is None else {"enclosure": solid.enclosure.summary()}),
        "ambiguous": drawn.ambiguity,
        "positive": len(pos),
        "negative": len(neg),
        "self_check": check._asdict(),
        "signature": list(signature(mesh)),
        **of_parts,
    }


def _write_meshes(name: str, solid: _Solid, layout: Layout) -> None:
    suffix = mesh_suffix(solid.given.dim)
    write_mesh(solid.shape.mesh, layout.root / "meshes" / f"{name}{suffix}")
    if solid.enclosure is not None:
        write_mesh(solid.given, layout.given_mesh(name, suffix))
        write_mesh(solid.enclosure.visible, layout.visible_mesh(name, suffix))


def _write_parts(
    name: str, solid: _Solid, samples: Floats, layout: Layout, recipe: Recipe
) -> JournalEntry:
    if not solid.shape.parts:
        return {}
    write_parts(name, solid.shape, layout, recipe.primitive)
    in_no_part = None
    if solid.is_signed:
        in_no_part = write_labels(name, solid.shape, layout, samples, recipe.num_uniform)
    return {"part_checks": check_parts(solid.shape, in_no_part)}


def _normalization(mesh: Mesh, recipe: Recipe) -> Normalization:
    if recipe.normalize == "none":
        return identity(mesh.dim)
    return (fit_sphere if recipe.normalize == "sphere" else fit_box)(mesh, recipe.extent)
