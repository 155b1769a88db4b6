"""Speed of signed distances near the surface: one process, two processes, and NVIDIA Warp."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import igl
import numpy as np

from benchmarks.report import Row, cpu_row, medians
from inr.data.workers import limit_child_threads
from inr.shapes import warp
from inr.shapes.mesh import Floats, Mesh, read_mesh
from inr.shapes.normalize import fit_box
from inr.shapes.procedural.chairs import Chairs
from inr.shapes.sampling import sample_surface
from inr.shapes.sdf import signed_distance

RUNS = 7
# queries per process: many, so that the time to transfer mesh and points is negligible
QUERIES = 8
PROCESSES = {"one": 1, "two": 2}
measured = partial(cpu_row, runs=RUNS)


def meshes(paths: Sequence[Path] | None) -> Iterator[tuple[str, Mesh]]:
    """Yield the name and the mesh, in the box frame, of each file; by default, of a chair."""
    if paths is None:
        mesh = Chairs(num_shapes=1).make("chair_0000").mesh
        yield "chair", fit_box(mesh).apply_mesh(mesh)
        return
    for path in paths:
        mesh = read_mesh(path)
        yield path.stem, fit_box(mesh).apply_mesh(mesh)


def distances(name: str, mesh: Mesh, num_points: int) -> list[Row]:
    """Time signed distances near the surface, compared with one call of libigl's own function.

    Then two single-threaded processes, compared with one.
    """
    points = near(mesh, num_points)

    def plain() -> None:
        igl.signed_distance(points, mesh.vertices, mesh.faces)

    taken = medians({"ours": lambda: signed_distance(mesh, points), "plain": plain}, RUNS)
    ours, reference = (num_points / taken[key] / 1e3 for key in ("ours", "plain"))
    size = f"{name}, {len(mesh.faces)} faces"
    rows = [
        measured(f"{size}: signed distance", ours, reference, ours / reference, "1000 points/s")
    ]
    with workers(1) as one, workers(2) as two:
        both = medians(
            {
                "one": lambda: list(one.map(_query, [mesh], [points])),
                "two": lambda: list(two.map(_query, [mesh] * 2, [points] * 2)),
            },
            RUNS,
        )
    first, second = (k * QUERIES * num_points / both[key] / 1e3 for key, k in PROCESSES.items())
    title = f"{size}: two processes, compared with one"
    rows.append(measured(title, second, first, second / first, "1000 points/s"))
    return rows


def by_warp(name: str, mesh: Mesh, num_points: int, device: str) -> list[Row]:
    """Time signed distances with Warp, compared with the CPU, and count the equal signs."""
    points = near(mesh, num_points)
    found = signed_distance(mesh, points), warp.signed_distance(mesh, points, device=device)
    taken = medians(
        {
            "ours": lambda: warp.signed_distance(mesh, points, device=device),
            "cpu": lambda: signed_distance(mesh, points),
        },
        RUNS,
    )
    ours, reference = (num_points / taken[key] / 1e3 for key in ("ours", "cpu"))
    same = float(((found[0] < 0) == (found[1] < 0)).mean())
    size = f"{name}, {len(mesh.faces)} faces"
    rows = [
        measured(
            f"{size}: Warp, compared with the CPU",
            ours,
            reference,
            ours / reference,
            "1000 points/s",
        ),
        measured(
            f"{size}: equal signs with Warp", 100 * same, 99.99, 100 * same / 99.99, "% of points"
        ),
    ]
    return [replace(row, device=device) for row in rows]


def near(mesh: Mesh, num_points: int) -> Floats:
    """Draw points (N, D) near the surface."""
    rng = np.random.default_rng(0)
    surface, _ = sample_surface(mesh, num_points, rng)
    points: Floats = surface + rng.normal(scale=0.02, size=surface.shape)
    return points


@contextmanager
def workers(number: int) -> Iterator[ProcessPoolExecutor]:
    """Open a pool of single-threaded processes."""
    with limit_child_threads(1), ProcessPoolExecutor(number, get_context("spawn")) as pool:
        yield pool


def _query(mesh: Mesh, points: Floats) -> float:
    return sum(float(signed_distance(mesh, points).sum()) for _ in range(QUERIES))
