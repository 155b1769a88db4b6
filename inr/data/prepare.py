"""One shape from its source to the files of a data set."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from inr.data.layout import Layout, write_npz
from inr.shapes.composite import Composite, without_parts
from inr.shapes.mesh import check_outline, mesh_suffix, read_mesh, write_mesh
from inr.shapes.normalize import fit_bounds, fit_box, identity
from inr.shapes.points import nearest_distance, read_points
from inr.shapes.sampling import sample_sdf, sample_surface, seed_from_name, split_by_sign

Record = dict[str, Any]


@runtime_checkable
class Family(Protocol):
    """Make procedural shapes by name."""

    def names(self) -> list[str]:
        """Return all names."""
        ...

    def make(self, name: str) -> Composite:
        """Return a shape in its native frame."""
        ...


@dataclass(frozen=True)
class Recipe:
    """Say what is done to each shape; see conf/data for the settings."""

    dim: int
    kind: str
    normalize: str
    extent: float
    near_counts: Sequence[int]
    near_variances: Sequence[float]
    num_uniform: int
    num_surface: int
    seed: int


def find_files(source: Path, suffixes: Sequence[str]) -> tuple[dict[str, Path], dict[str, str]]:
    """Return the files under a folder by shape name, and those refused with the reason.

    A shape's name is its path under the folder without suffix, '/' as '_'.

    Args:
        source: a folder, or one file.
        suffixes: those that can be read.

    Raises:
        ValueError: if there is no such folder or file, or nothing in it that can be read.
    """
    readable = ", ".join(suffixes)
    if source.is_file():
        if source.suffix.lower() not in suffixes:
            raise ValueError(f"data.source={source} has none of the suffixes {readable}")
        return {source.stem: source}, {}
    if not source.is_dir():
        raise ValueError(
            f"data.source={source} does not exist; give the folder of your shapes, or one file"
        )
    paths = sorted(p for p in source.rglob("*") if p.suffix.lower() in suffixes)
    if not paths:
        raise ValueError(f"no shape ({readable}) under data.source={source}")
    found: dict[str, Path] = {}
    refused: dict[str, str] = {}
    for path in paths:
        relative = path.relative_to(source)
        name = "_".join(relative.with_suffix("").parts)
        if name in found:
            refused[relative.as_posix()] = (
                f"'{path}' would be named as '{found[name]}' is; rename one of them"
            )
        else:
            found[name] = path
    return found, refused


def prepare_shape(name: str, source: Path | Family, root: Path, recipe: Recipe) -> Record:
    """Normalise and sample one shape, and write its files; its samples come last.

    So a shape that has a sample file is whole. All draws are seeded by the shape's name.

    Args:
        name: of the shape.
        source: a file, or the family that makes it.
        root: the data set's folder.
        recipe: what to do.

    Returns:
        The shape's entry in manifest.json: status `ok`, or `refused` with the reason.
    """
    started = time.perf_counter()
    try:
        if not isinstance(source, Path):
            details = _write_shape(name, source.make(name), Layout(root), recipe)
        elif recipe.kind == "points":
            details = _write_cloud(name, source, Layout(root), recipe)
        else:
            mesh = read_mesh(source)
            if mesh.dim != recipe.dim:
                raise ValueError(f"it is {mesh.dim}-D, and data.dim={recipe.dim}")
            if mesh.dim == 2:
                check_outline(mesh)
            details = _write_shape(name, without_parts(mesh), Layout(root), recipe)
    except ValueError as error:
        details = {"status": "refused", "reason": str(error)}
    if isinstance(source, Path):
        details |= {"source": str(source), "digest": digest(source)}
    return details | {"seconds": round(time.perf_counter() - started, 3)}


def digest(path: Path) -> str | None:
    """Return a short hash of a file's content, None where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "blake2b").hexdigest()[:16]
    except OSError:
        return None


def _write_shape(name: str, native: Composite, layout: Layout, recipe: Recipe) -> Record:
    dim = native.mesh.dim
    boxed = recipe.normalize == "box"
    normalization = fit_box(native.mesh, recipe.extent) if boxed else identity(dim)
    shape = native.normalised(normalization)
    rng = seed_from_name(name, recipe.seed)
    samples, uniform = sample_sdf(
        shape.mesh, recipe.near_counts, recipe.near_variances, recipe.num_uniform, rng
    )
    points, normals = sample_surface(shape.mesh, recipe.num_surface, rng)
    pos, neg = split_by_sign(samples)
    if len(neg) == 0:
        raise ValueError("no sample lies inside: the mesh encloses no volume, or is too thin")
    for stale in (layout.unsigned(name), layout.surface(name)):  # of another kind of source
        stale.unlink(missing_ok=True)
    write_mesh(shape.mesh, layout.root / "meshes" / f"{name}{mesh_suffix(dim)}")
    normalization.save(layout.normalization(name))
    if shape.parts:
        _write_parts(name, shape, layout)
    surface = np.concatenate([points, normals], axis=1).astype(np.float32)
    write_npz(layout.surface(name), all=surface)
    write_npz(
        layout.uniform(name), **dict(zip(("pos", "neg"), split_by_sign(uniform), strict=True))
    )
    write_npz(layout.samples(name), pos=pos, neg=neg)
    return {
        "status": "ok",
        "reason": "",
        "vertices": len(shape.mesh.vertices),
        "faces": len(shape.mesh.faces),
        "closed": shape.mesh.is_closed(),
        "volume": shape.mesh.volume(),
        "positive": len(pos),
        "negative": len(neg),
    }


def _write_cloud(name: str, source: Path, layout: Layout, recipe: Recipe) -> Record:
    """Write a point cloud's surface points, and distances to it, which have no sign."""
    native, normals = read_points(source, recipe.dim)
    normalization = identity(recipe.dim)
    if recipe.normalize == "box":
        bounds = np.stack([native.min(axis=0), native.max(axis=0)])
        normalization = fit_bounds(bounds, recipe.extent)
    points = normalization.apply(native)
    rng = seed_from_name(name, recipe.seed)
    groups = [
        points[rng.integers(len(points), size=count)]
        + rng.normal(scale=np.sqrt(variance), size=(count, recipe.dim))
        for count, variance in zip(recipe.near_counts, recipe.near_variances, strict=True)
    ]
    groups.append(rng.uniform(-1.0, 1.0, size=(recipe.num_uniform, recipe.dim)))
    x = np.concatenate(groups).astype(np.float32)
    distance = nearest_distance(points, x.astype(np.float64))
    surface = points if normals is None else np.concatenate([points, normals], axis=1)
    if len(surface) > recipe.num_surface:
        surface = surface[np.sort(rng.permutation(len(surface))[: recipe.num_surface])]
    # what another kind of source left would be taken for this one's
    for stale in (layout.samples(name), layout.uniform(name), layout.mesh(name)):
        stale.unlink(missing_ok=True)
    layout.surface(name).unlink(missing_ok=True)
    normalization.save(layout.normalization(name))
    write_npz(layout.root / "samples" / name / "surface.npz", all=surface.astype(np.float32))
    unsigned = np.concatenate([x, distance[:, None]], axis=1).astype(np.float32)
    write_npz(layout.unsigned(name), all=unsigned)
    return {"status": "ok", "reason": "", "points": len(native), "normals": normals is not None}


def _write_parts(name: str, shape: Composite, layout: Layout) -> None:
    folder = layout.root / "parts"
    for number, part in enumerate(shape.parts):
        if part is not None:
            write_mesh(part, folder / "meshes" / name / f"part{number}{mesh_suffix(part.dim)}")
    parameters = folder / "parameters" / name
    parameters.mkdir(parents=True, exist_ok=True)
    np.save(parameters / "quaternions.npy", shape.quaternions)
    np.save(parameters / "translations.npy", shape.translations)
    np.save(parameters / "scales.npy", shape.scales)


def count_statuses(records: Mapping[str, Record]) -> dict[str, int]:
    """Return how many shapes are ok and how many refused."""
    statuses = [record["status"] for record in records.values()]
    return {status: statuses.count(status) for status in ("ok", "refused")}
