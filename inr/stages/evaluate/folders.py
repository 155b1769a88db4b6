"""Metrics of a folder of meshes from any source against ground truth, without a run."""

import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from inr.config.factories import build_protocol, build_renderer, build_set_metrics
from inr.config.job import Job
from inr.config.schema import Config
from inr.data.sources import find_files
from inr.metrics.eval_shape import Cloud, EvalShape, Surface
from inr.metrics.pair import Pair
from inr.metrics.protocol import Protocol
from inr.progress import show_progress
from inr.render.points import discs
from inr.render.views import cast_views
from inr.runs.directory import new_run_path
from inr.runs.ground_truth import LONGEST_EDGE, unit_frame
from inr.runs.pictures import draw_worst
from inr.shapes.formats.base import POINTS
from inr.shapes.formats.table import suffixes
from inr.shapes.mesh import Floats, Mesh, empty_mesh
from inr.shapes.normalize import Normalization, identity
from inr.shapes.points import read_points
from inr.stages.evaluate.generation import write_sets
from inr.stages.evaluate.mesh_folders import (
    ShapeFile,
    empty_shape,
    find_both,
    find_pairs,
    read_shape,
    to_box_of,
)
from inr.stages.evaluate.results import Row, measure_row, write_results

log = logging.getLogger(__name__)


def evaluate_folders(job: Job) -> None:
    """Evaluate the meshes of one folder against the shapes of the same names in another.

    Raises:
        ValueError: for wrong input, such as folders without a common name.
    """
    config = job.config
    if job.overrides("split"):
        raise ValueError(
            f"split goes with a run; with meshes={config.meshes} all meshes with a ground truth "
            "of the same name are evaluated: leave split out"
        )
    if build_set_metrics(config):
        _evaluate_sets(job)
        return
    meshes, ground_truths, dim = find_pairs(str(config.meshes), str(config.ground_truth))
    scans: Mapping[str, Path] = {}
    if config.scans is not None:
        scans, _ = find_files(Path(config.scans), suffixes(POINTS), leave_out=[], key="scans")
    protocol = build_protocol(config)
    folder = job.folder or new_run_path(f"evaluate_{protocol.name}")
    rows: list[Row] = []
    for name in show_progress(ground_truths, "evaluate", len(ground_truths)):
        if name in meshes:
            open_pair = partial(
                _open_pair, config, name, dim, meshes[name], ground_truths[name], scans.get(name)
            )
            rows.append(measure_row(name, protocol, open_pair, seconds=0.0, reason=""))
        else:
            reason = f"no mesh of this name in {config.meshes}"
            rows.append({"name": name, "status": "missing", "reason": reason, "seconds": 0.0})
    _, table = write_results(
        rows,
        protocol,
        folder,
        settings=config.eval,
        about={"meshes": config.meshes, "ground_truth": config.ground_truth, "scans": config.scans},
        title=f"{config.meshes} against {config.ground_truth}",
    )
    _draw_worst(config, meshes, ground_truths, dim, rows, protocol, folder / "worst.png")
    print(f"\n{table}\n\nfiles: {folder}", flush=True)


def _draw_worst(
    config: Config,
    meshes: Mapping[str, Path],
    ground_truths: Mapping[str, Path],
    dim: int,
    rows: list[Row],
    protocol: Protocol,
    path: Path,
) -> None:
    def read(name: str) -> tuple[Mesh, Mesh]:
        ground_truth = read_shape(ground_truths[name], dim, "", may_be_points=True)
        mesh = read_shape(meshes[name], dim, "", may_be_points=False).shape.mesh
        to_box = to_box_of(ground_truth, config.data.extent)
        shown = ground_truth.shape.mesh or discs(ground_truth.points, None)
        return to_box.apply_mesh(shown), to_box.apply_mesh(mesh or empty_mesh(dim))

    metric = protocol.ranking_metric
    is_higher_better = protocol.metrics[metric].higher_is_better
    draw_worst(rows, metric, is_higher_better, read, build_renderer(config), path)


def _evaluate_sets(job: Job) -> None:
    """Compare two folders as sets of shapes, each shape normalised by its own bounding box."""
    config = job.config
    meshes, ground_truths, dim = find_both(str(config.meshes), str(config.ground_truth))
    nothing = empty_shape(dim, "")

    def read(name: str, path: Path, what: str) -> EvalShape | None:
        found = read_shape(path, dim, what, may_be_points=what == "the ground truth")
        return (
            None if found.shape.is_empty else _move(config, name, nothing, found, None).ground_truth
        )

    generated = {name: read(name, path, "the mesh") for name, path in meshes.items()}
    references = {
        name: read(name, path, "the ground truth") for name, path in ground_truths.items()
    }
    folder = job.folder or new_run_path(f"evaluate_{config.eval.protocol}")
    _, table = write_sets(
        config,
        generated,
        {name: shape for name, shape in references.items() if shape is not None},
        folder,
        about={"meshes": config.meshes, "ground_truth": config.ground_truth},
        title=f"{config.meshes} against {config.ground_truth}, each normalised by its bounding box",
    )
    print(f"\n{table}\n\nfiles: {folder}", flush=True)


def _open_pair(
    config: Config,
    name: str,
    dim: int,
    mesh_path: Path,
    ground_truth_path: Path,
    scan_path: Path | None,
) -> Pair:
    ground_truth = read_shape(ground_truth_path, dim, "the ground truth", may_be_points=True)
    mesh = read_shape(mesh_path, dim, "the mesh", may_be_points=False)
    scan = None if scan_path is None else read_points(scan_path, dim)[0]
    return _move(config, name, mesh, ground_truth, scan)


def _move(
    config: Config, name: str, mesh: ShapeFile, ground_truth: ShapeFile, scan: Floats | None
) -> Pair:
    """Return the pair in the frame of measurement, given by the ground truth's bounding box."""
    to_box = to_box_of(ground_truth, config.data.extent)
    frame = config.eval.frame
    move, box = identity(to_box.rotation.shape[0]), to_box
    if frame == "box":
        move, box = to_box, move
    elif frame in LONGEST_EDGE:
        edge = unit_frame(ground_truth.points, frame).scale
        move = Normalization(to_box.translation, to_box.rotation, 1 / edge)
        box = Normalization(0 * to_box.translation, to_box.rotation, to_box.scale * edge)
    return Pair(
        reconstruction=_moved(mesh.shape, move),
        ground_truth=_moved(ground_truth.shape, move),
        name=name,
        num_points=config.eval.num_points,
        seed=config.eval.seed,
        box=box,
        scan=_scan(scan, ground_truth, move),
        note="; ".join(one.note for one in (ground_truth, mesh) if one.note),
        views=cast_views,
    )


def _scan(scan: Floats | None, ground_truth: ShapeFile, move: Normalization) -> Floats | None:
    """Return the scan in the frame of measurement; without one, a ground truth that is a cloud."""
    if scan is None and isinstance(ground_truth.shape, Cloud):
        scan = ground_truth.points
    return None if scan is None else move.apply(scan)


def _moved(shape: Surface | Cloud, move: Normalization) -> Surface | Cloud:
    if isinstance(shape, Cloud):
        return Cloud(move.apply(shape.points), shape.normals)  # no transform here rotates
    return Surface(Mesh(move.apply(shape.mesh.vertices), shape.mesh.faces))
