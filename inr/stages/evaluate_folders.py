"""Metrics of anybody's meshes against the truth, without a run."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inr.data.sources import find_files
from inr.metrics.pair import Cloud, Pair, Side, Surface
from inr.render.views import cast_views
from inr.run import new_run_path
from inr.schema import Config
from inr.shapes.mesh import (
    MESH_SUFFIXES,
    OUTLINE_SUFFIXES,
    Floats,
    Mesh,
    empty_mesh,
    read_mesh,
)
from inr.shapes.normalize import Normalization, fit_bounds, identity
from inr.shapes.orient import orient_outward
from inr.shapes.points import read_points
from inr.shapes.surfaces import NoFacesError
from inr.stages.assemble import build_protocol, build_set_metrics
from inr.stages.command import Command
from inr.stages.evaluate_sets import write_sets
from inr.stages.progress import show_progress
from inr.stages.results import Row, measure_row, write_results
from inr.stages.truth import unit_cube

log = logging.getLogger(__name__)

# files of points, beside meshes that have no faces
CLOUD_SUFFIXES = (".xyz", ".txt", ".npy")
MOST_NAMED = 5


@dataclass(frozen=True)
class _Read:
    """Hold what a file is, in its own frame, and what had to be done to it.

    Args:
        side: the shape.
        points: (N, D), that its bounding box is of.
        note: for the row's reason.
    """

    side: Surface | Cloud
    points: Floats
    note: str


def evaluate_folders(command: Command) -> None:
    """Evaluate the meshes of one folder against those of the same names in another.

    Raises:
        ValueError: for wrong input, no common name among it.
    """
    config = command.config
    if build_set_metrics(config):
        _evaluate_sets(command)
        return
    meshes, truths, dim = find_pairs(config)
    scans: Mapping[str, Path] = {}
    if config.scans is not None:
        suffixes = (".ply", *CLOUD_SUFFIXES)
        scans, _ = find_files(Path(config.scans), suffixes, leave_out=[], key="scans")
    protocol = build_protocol(config)
    folder = command.folder or new_run_path(f"evaluate_{protocol.name}")
    rows: list[Row] = []
    num_clouds = 0
    for name in show_progress(truths, "evaluate", len(truths)):
        if name not in meshes:
            reason = f"no mesh of this name in {config.meshes}"
            rows.append({"name": name, "status": "missing", "reason": reason, "seconds": 0.0})
            continue
        notes: list[str] = []
        opened: list[Pair] = []

        def pair(name: str = name, notes: list[str] = notes, opened: list[Pair] = opened) -> Pair:
            truth = _read(truths[name], dim, "the truth", may_be_points=True)
            mesh = _read(meshes[name], dim, "the mesh", may_be_points=False)
            notes += [one.note for one in (truth, mesh) if one.note]
            scan = read_points(scans[name], dim)[0] if name in scans else None
            opened.append(_move(config, name, mesh, truth, scan))
            return opened[0]

        row = measure_row(name, protocol, pair, seconds=0.0, reason="")
        num_clouds += bool(opened) and opened[0].truth.mesh is None
        row["reason"] = "; ".join([*notes, *([row["reason"]] if row["reason"] else [])])
        rows.append(row)
    if num_clouds == len(truths):
        protocol = build_protocol(config, of_clouds=True)
    _, table = write_results(
        rows,
        protocol,
        folder,
        seed=config.eval.seed,
        about={"meshes": config.meshes, "truth": config.truth, "scans": config.scans},
        title=f"{config.meshes} against {config.truth}",
        dataset=config.eval.dataset,
    )
    print(f"\n{table}\n\nfiles: {folder}", flush=True)


def _evaluate_sets(command: Command) -> None:
    """Hold all of one folder against all of another, each in the frame of its own bounding box."""
    config = command.config
    meshes, truths, dim = _find_both(config)
    nothing = _Read(Surface(empty_mesh(dim)), empty_mesh(dim).vertices, "")

    def read(name: str, path: Path, what: str) -> Side | None:
        found = _read(path, dim, what, may_be_points=what == "the truth")
        return None if found.side.is_empty else _move(config, name, nothing, found, None).truth

    samples = {name: read(name, path, "the mesh") for name, path in meshes.items()}
    references = {name: read(name, path, "the truth") for name, path in truths.items()}
    folder = command.folder or new_run_path(f"evaluate_{config.eval.protocol}")
    _, table = write_sets(
        config,
        samples,
        {name: side for name, side in references.items() if side is not None},
        folder,
        about={"meshes": config.meshes, "truth": config.truth},
        title=f"{config.meshes} against {config.truth}",
    )
    print(f"\n{table}\n\nfiles: {folder}", flush=True)


def find_pairs(config: Config) -> tuple[dict[str, Path], dict[str, Path], int]:
    """Return the files of meshes and of truths by name, and D.

    Two single files belong together whatever their names are.

    Raises:
        ValueError: if a folder has none, or they have no name in common.
    """
    where, there = Path(str(config.meshes)), Path(str(config.truth))
    meshes, truths, dim = _find_both(config)
    if where.is_file() and there.is_file():
        (mesh,) = meshes.values()
        return dict.fromkeys(truths, mesh), truths, dim
    if not meshes.keys() & truths.keys():
        raise ValueError(
            f"no shape in meshes={where} has the name of one in truth={there}: {_some(meshes)} "
            f"there, {_some(truths)} here; a mesh and its truth need the same name, suffixes aside"
        )
    others = [name for name in meshes if name not in truths]
    if others:
        log.warning(
            "%d meshes have no truth of their name and are left out: %s", len(others), _some(others)
        )
    return meshes, truths, dim


def _find_both(config: Config) -> tuple[dict[str, Path], dict[str, Path], int]:
    """Return the files of both folders by name, and D, which the suffixes of the meshes tell."""
    assert config.meshes is not None and config.truth is not None
    where, there = Path(config.meshes), Path(config.truth)
    every = (*MESH_SUFFIXES, *OUTLINE_SUFFIXES)
    meshes, refused = find_files(where, every, leave_out=[], key="meshes")
    dims = {2 if path.suffix.lower() in OUTLINE_SUFFIXES else 3 for path in meshes.values()}
    if len(dims) > 1:
        raise ValueError(f"meshes={where} holds 2-D and 3-D shapes; evaluate them one by one")
    dim = dims.pop()
    suffixes = OUTLINE_SUFFIXES if dim == 2 else (*MESH_SUFFIXES, *CLOUD_SUFFIXES)
    truths, also = find_files(there, suffixes, leave_out=[], key="truth")
    for name, reason in {**refused, **also}.items():
        log.warning("left out %s: %s", name, reason)
    return dict(meshes), dict(truths), dim


def _some(names: Mapping[str, Path] | list[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in list(names)[:MOST_NAMED])
    return shown + (", ..." if len(names) > MOST_NAMED else "")


def _read(path: Path, dim: int, what: str, *, may_be_points: bool) -> _Read:
    """Read a shape; one that encloses a negative volume is inside out, and turned."""
    if may_be_points and path.suffix.lower() in CLOUD_SUFFIXES and dim > 2:
        return _cloud(path, dim)
    try:
        mesh = read_mesh(path)
    except NoFacesError:
        if may_be_points:
            return _cloud(path, dim)
        return _Read(Surface(empty_mesh(dim)), empty_mesh(dim).vertices, "the mesh has no faces")
    turned = False
    if mesh.volume() < 0:
        mesh, turned = orient_outward(mesh)
    note = f"{what} was inside out and its faces were turned" if turned else ""
    return _Read(Surface(mesh), mesh.vertices[mesh.used()], note)


def _cloud(path: Path, dim: int) -> _Read:
    points, normals = read_points(path, dim)
    return _Read(Cloud(points, normals), points, "")


def _move(config: Config, name: str, mesh: _Read, truth: _Read, scan: Floats | None) -> Pair:
    """Return both in the frame of measurement, which the truth's bounding box decides."""
    corners = [truth.points.min(axis=0), truth.points.max(axis=0)]
    to_box = fit_bounds(np.stack(corners), config.data.extent)
    frame = config.eval.frame
    move, box = identity(to_box.rotation.shape[0]), to_box
    if frame == "box":
        move, box = to_box, move
    elif frame == "unit_cube":
        edge = unit_cube(truth.points).scale
        move = Normalization(to_box.translation, to_box.rotation, 1 / edge)
        box = Normalization(0 * to_box.translation, to_box.rotation, to_box.scale * edge)
    return Pair(
        reconstruction=_moved(mesh.side, move),
        truth=_moved(truth.side, move),
        name=name,
        num_points=config.eval.num_points,
        seed=config.eval.seed,
        box=box,
        scan=_scan(scan, truth, move),
        views=cast_views,
    )


def _scan(scan: Floats | None, truth: _Read, move: Normalization) -> Floats | None:
    """Return the points that were reconstructed from: the scan's, or those that the truth is."""
    if scan is None and isinstance(truth.side, Cloud):
        scan = truth.points
    return None if scan is None else move.apply(scan)


def _moved(side: Surface | Cloud, move: Normalization) -> Surface | Cloud:
    if isinstance(side, Cloud):
        return Cloud(move.apply(side.points), side.normals)  # none of the moves turns
    return Surface(Mesh(move.apply(side.mesh.vertices), side.mesh.faces))
