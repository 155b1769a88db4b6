"""Metrics of a set of generated shapes against a set of reference shapes."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from inr.config.factories import build_set_metrics
from inr.config.schema import Config
from inr.data.layout import Layout, read_split
from inr.metrics.base import Conditions, MetricInfo
from inr.metrics.eval_shape import EvalShape, Surface
from inr.metrics.generation import pairwise_chamfer
from inr.metrics.sets import SetDistances, SetMetric, chamfer_distances
from inr.metrics.summary import format_table, write_csv, write_summary
from inr.progress import show_progress
from inr.runs.directory import Run, run_argument
from inr.runs.ground_truth import check_given, open_pair
from inr.runs.shape_folder import ShapeFolder
from inr.shapes.mesh import Floats, empty_mesh
from inr.stages.evaluate.results import Row

log = logging.getLogger(__name__)


def evaluate_generated(
    config: Config, run: Run, layout: Layout, *, label: str, split: str, epoch: int
) -> tuple[dict[str, Any], str]:
    """Compare the shapes generated from `sample.prior` with a split; return summary and table.

    Raises:
        ValueError: if stage=sample has not been run, or every generated shape is empty.
    """
    settings, prior = config.eval, config.sample.prior
    dim = config.data.dim
    shapes = ShapeFolder(run.samples(label, prior), dim)
    names = list(shapes.finished({}).shapes)
    if not names:
        raise ValueError(
            f"there are no new shapes of sample.prior={prior} at epoch {epoch}; run stage=sample "
            f"{run_argument(run.path)} sample.prior={prior}"
        )
    generated: dict[str, EvalShape | None] = {
        name: Surface(shapes.read_mesh(name)) if shapes.mesh(name).exists() else None
        for name in names
    }
    split_names = read_split(layout, split)
    if settings.ground_truth == "given":
        check_given(layout, split_names, dim)
    references = {
        name: open_pair(
            empty_mesh(dim),
            layout,
            name,
            ground_truth=settings.ground_truth,
            frame="box",
            num_points=settings.num_points,
            seed=settings.seed,
        ).ground_truth
        for name in show_progress(split_names, f"read {split}", len(split_names))
    }
    return write_sets(
        config,
        generated,
        references,
        run.evaluation(label, split, settings.protocol),
        about={
            "split": split,
            "epoch": epoch,
            "prior": prior,
            "ground_truth": settings.ground_truth,
        },
        title=f"{len(names)} generated shapes ({prior}) against the {split} split, epoch {epoch}",
    )


def write_sets(
    config: Config,
    generated: Mapping[str, EvalShape | None],
    references: Mapping[str, EvalShape],
    folder: Path,
    *,
    about: Mapping[str, Any],
    title: str,
) -> tuple[dict[str, Any], str]:
    """Measure, write per_shape.csv and summary.json, and return summary and table.

    Args:
        config: configuration, with the protocol in `eval`.
        generated: generated shapes by name; None for an empty one, which is counted but left out.
        references: reference shapes by name.
        folder: folder of the files.
        about: entries of summary.json that describe what was evaluated.
        title: description of what was evaluated, for the table.

    Raises:
        ValueError: if every generated shape is empty.
    """
    started = time.perf_counter()
    settings = config.eval
    if len(generated) != len(references):
        log.warning(
            "%d generated shapes against %d references: coverage and 1-NN accuracy assume sets of "
            "equal size (sample.num_shapes=%d makes them equal)",
            len(generated),
            len(references),
            len(references),
        )
    present = {name: shape for name, shape in generated.items() if shape is not None}
    if not present:
        raise ValueError(
            "every generated shape is empty; there is nothing to compare with the references"
        )
    distances, floor = _measure(present, references, settings.num_points, settings.seed)
    conditions = Conditions(settings.frame, settings.num_points, settings.empty)
    summary = {
        "num_shapes": len(generated),
        "num_references": len(references),
        "num_empty": len(generated) - len(present),
        "num_missing": 0,
        "num_failed": 0,
        "seconds": round(time.perf_counter() - started, 3),
        "metrics": {
            name: _entry(metric, metric.info(conditions), distances, floor)
            for name, metric in build_set_metrics(config).items()
        },
    }
    rows = _rows(generated, list(present), list(references), distances)
    write_csv(rows, folder / "per_shape.csv")
    about = {**about, "frame": settings.frame, "num_points": settings.num_points}
    write_summary(
        summary,
        folder / "summary.json",
        protocol=settings.protocol,
        about={**about, "seed": settings.seed},
    )
    log.info("nearest reference of each generated shape: %s", folder / "per_shape.csv")
    head = (
        f"{title}\n{settings.protocol} protocol: {settings.num_points} points per shape, "
        f"{settings.frame} frame, seed {settings.seed}"
    )
    return summary, f"{head}\n{format_table(summary)}"


def _measure(
    generated: Mapping[str, EvalShape],
    references: Mapping[str, EvalShape],
    num_points: int,
    seed: int,
) -> tuple[SetDistances, SetDistances]:
    """Return the distances of generated shapes and references, and those for the sampling floor.

    For the floor, the references drawn again take the place of the generated shapes.
    """

    def draw(shapes: Mapping[str, EvalShape], *, again: bool) -> list[Floats]:
        return [
            shape.draw(num_points, name, seed, again=again).points for name, shape in shapes.items()
        ]

    log.info("distances of %d generated shapes and %d references", len(generated), len(references))
    ground_truth = draw(references, again=False)
    distances = chamfer_distances(draw(generated, again=True), ground_truth)
    log.info("distances of the references to themselves, drawn again, for the sampling floor")
    anew = pairwise_chamfer(draw(references, again=True), ground_truth)
    return distances, replace(distances, generated_to_references=anew)


def _entry(
    metric: SetMetric, info: MetricInfo, distances: SetDistances, floor: SetDistances
) -> dict[str, Any]:
    """Return the summary entry of a metric; a set has one value, so its statistics are null."""
    none = dict.fromkeys(("median", "min", "max", "std"))
    return {
        "mean": metric.measure(distances),
        **none,
        "count": 1,
        "floor": metric.measure(floor) if metric.has_floor else None,
        "unit": info.unit,
        "definition": info.definition,
    }


def _rows(
    generated: Mapping[str, EvalShape | None],
    present: Sequence[str],
    references: Sequence[str],
    distances: SetDistances,
) -> list[Row]:
    nearest = distances.generated_to_references.argmin(axis=1)
    found = {
        name: {
            "nearest": references[column],
            "distance": float(distances.generated_to_references[row, column]),
            "status": "ok",
        }
        for row, (name, column) in enumerate(zip(present, nearest, strict=True))
    }
    return [{"name": name, **found.get(name, {"status": "empty"})} for name in generated]
