"""Speed of signed distances, and of the sample store: draws, opening, memory, fraction of a step.

python -m benchmarks.data
python -m benchmarks.data --meshes a.ply b.obj --points 200000
python -m benchmarks.data --only distances --points 1000000 --device cuda   # and by NVIDIA Warp
"""

import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import igl
import numpy as np
import torch

from benchmarks.models import Step
from benchmarks.report import Row, medians, parser, report
from inr.config.compose import register_resolvers
from inr.data.layout import Layout
from inr.data.sample_cache import Entry, SampleCache, find_source
from inr.data.store import BatchSpec, SampleStore, open_store
from inr.data.workers import child_threads
from inr.shapes import warp
from inr.shapes.mesh import Floats, Mesh, read_mesh
from inr.shapes.normalize import fit_box
from inr.shapes.procedural.chairs import Chairs
from inr.shapes.sampling import sample_surface
from inr.shapes.sdf import signed_distance

SHAPES, DRAWN, STORED, RUNS = 16, 16384, 525000, 7
WIDE_SHAPES, WIDE_STORED, WIDE_DRAWS = 10000, 500000, 50
# of each process, so that handing over mesh and points does not count
QUERIES = 8
PROCESSES = {"one": 1, "two": 2}
CPU = torch.device("cpu")


def main() -> None:
    """Measure what the command line asks for."""
    arguments = parser(__doc__ or "")
    arguments.add_argument("--points", type=int, default=100000, help="signed distances a query")
    arguments.add_argument("--meshes", type=Path, nargs="+", help="default: a procedural chair")
    arguments.add_argument("--device", help="cuda: signed distances by NVIDIA Warp as well")
    arguments.add_argument("--only", choices=["distances", "store", "steps"])
    given = arguments.parse_args()
    if given.device is not None:
        try:
            warp.check_device(given.device)
        except ValueError as error:
            arguments.error(str(error))
    register_resolvers()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        if given.only in (None, "store"):  # first, while the process has allocated little
            rows += wide_store(Path(folder) / "wide")
            rows += drawing(Path(folder) / "draws")
        if given.only in (None, "steps"):
            rows += fraction_of_step(Path(folder) / "steps")
    if given.only in (None, "distances"):
        for name, mesh in meshes(given.meshes):
            rows += distances(name, mesh, given.points)
            if given.device is not None:
                rows += by_warp(name, mesh, given.points, given.device)
    report(rows, given.json)


def draws_of(samples: int, *, balanced: bool) -> BatchSpec:
    """Return draws of samples alone."""
    return BatchSpec(samples, balanced, surface=0, space=0, space_near=0.0, space_std=0.0)


def open_samples(layout: Layout, names: Sequence[str], dim: int) -> SampleStore:
    """Open the signed samples of some shapes, which have one channel."""
    return open_store(
        layout,
        names,
        dim=dim,
        num_channels=1,
        needs=frozenset({"signed"}),
        device=CPU,
        dtype="float32",
        fallback=layout.root / "elsewhere",
    )


def write_sparse(layout: Layout, num_shapes: int, num_samples: int) -> list[str]:
    """Write a data set of zeros whose sample cache is sparse, and whose files are one empty one."""
    names = [f"shape_{number:05d}" for number in range(num_shapes)]
    cache = SampleCache(layout.root / "packed", "samples", dim=3, width=4, dtype="float32")
    half = num_samples // 2
    layout.samples(names[0]).parent.mkdir(parents=True)
    layout.samples(names[0]).touch()
    source = find_source([layout.samples(names[0])])
    assert source is not None
    for number, name in enumerate(names):
        if number > 0:
            layout.samples(name).parent.symlink_to(names[0])
        cache.entries[name] = Entry(
            number * num_samples, half, num_samples - half, source.path.name, *source[1:], 0.0, 0.0
        )
    cache.num_rows = num_shapes * num_samples
    cache.folder.mkdir()
    with cache.path.open("wb") as file:
        file.truncate(cache.num_rows * cache.row_bytes)
    cache.save()
    return names


def anonymous_memory() -> int:
    """Return the bytes of this process's memory that are no file's (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("this system does not tell RssAnon")


def wide_store(root: Path) -> list[Row]:
    """Open many shapes, and draw from them all over; against a second and 2 GiB."""
    names = write_sparse(Layout(root), WIDE_SHAPES, WIDE_STORED)
    seconds, before = [], anonymous_memory()
    for _ in range(RUNS):
        started = time.perf_counter()
        store = open_samples(Layout(root), names, 3)
        seconds.append(time.perf_counter() - started)
    generator = torch.Generator().manual_seed(0)
    for _ in range(WIDE_DRAWS):
        index = torch.randint(WIDE_SHAPES, (SHAPES,), generator=generator)
        store.draw(index, draws_of(DRAWN, balanced=True), generator)
    taken = (anonymous_memory() - before) / 2**30
    name = f"{WIDE_SHAPES} shapes x {WIDE_STORED}"
    opened = statistics.median(seconds)
    return [
        _row(f"open {name}; at most", opened, 1.0, 1.0 / opened, "s"),
        _row(f"{WIDE_DRAWS} draws of {name}; at most", taken, 2.0, 2.0 / taken, "GiB anonymous"),
    ]


def write_shapes(layout: Layout, num_shapes: int, num_samples: int, dim: int) -> list[str]:
    """Write compressed random samples, two thirds of them outside."""
    names = [f"shape_{number:04d}" for number in range(num_shapes)]
    for number, name in enumerate(names):
        rng = np.random.default_rng(number)
        values = rng.uniform(-1, 1, (num_samples, dim + 1)).astype(np.float32)
        layout.samples(name).parent.mkdir(parents=True)
        pos, neg = np.split(values, [2 * num_samples // 3])
        np.savez_compressed(layout.samples(name), pos=pos, neg=neg)
    return names


def drawing(root: Path) -> list[Row]:
    """Draw a batch, against decoding each shape's file and permuting it."""
    layout = Layout(root)
    names = write_shapes(layout, SHAPES, STORED, 3)
    store = open_samples(layout, names, 3)
    generator = torch.Generator().manual_seed(0)

    def draw() -> None:
        index = torch.randperm(SHAPES, generator=generator)
        store.draw(index, draws_of(DRAWN, balanced=True), generator)

    def decode() -> None:
        batch = []
        for name in names:
            with np.load(layout.samples(name)) as file:
                for key in ("pos", "neg"):
                    rows = torch.from_numpy(file[key])
                    order = torch.randperm(len(rows), generator=generator)[: DRAWN // 2]
                    batch.append(rows[order])
        torch.stack(batch)

    taken = medians({"draw": draw, "decode": decode}, RUNS)
    name = f"draw {SHAPES} x {DRAWN} of {STORED}, against decoding"
    ratio = taken["decode"] / taken["draw"]
    return [_row(name, taken["draw"] * 1e3, taken["decode"] * 1e3, ratio, "ms")]


def fraction_of_step(root: Path) -> list[Row]:
    """Say what fraction of a step of deepsdf_small drawing takes, against 3 %."""
    rows = []
    for num_shapes, samples, dim in ((SHAPES, 128, 3), (125, 8, 2)):
        layout = Layout(root / f"{dim}")
        names = write_shapes(layout, num_shapes, 20000, dim)
        store = open_samples(layout, names, dim)
        generator = torch.Generator().manual_seed(0)
        index = torch.arange(num_shapes)
        latents = torch.randn(num_shapes, 64, requires_grad=True)
        step = Step("deepsdf_small", 128, torch.rand(num_shapes, samples, dim) * 2 - 1, latents)

        def draw(store=store, samples=samples, index=index, generator=generator) -> None:  # type: ignore[no-untyped-def]
            store.draw(index, draws_of(samples, balanced=False), generator)

        taken = medians({"draw": draw, "step": step}, 101)
        fraction = 100 * taken["draw"] / (taken["draw"] + taken["step"])
        name = f"{num_shapes} x {samples}, {dim}-D: drawing's share; at most"
        rows.append(_row(name, fraction, 3.0, 3.0 / fraction, "% of a step"))
    return rows


def meshes(paths: Sequence[Path] | None) -> Iterator[tuple[str, Mesh]]:
    """Yield the meshes asked for, in the box frame."""
    if paths is None:
        mesh = Chairs(num_shapes=1).make("chair_0000").mesh
        yield "chair", fit_box(mesh).apply_mesh(mesh)
        return
    for path in paths:
        mesh = read_mesh(path)
        yield path.stem, fit_box(mesh).apply_mesh(mesh)


def distances(name: str, mesh: Mesh, num_points: int) -> list[Row]:
    """Query signed distances near the surface, against one call of libigl's own recipe.

    Then with two processes of one thread each, against one such process.
    """
    points = near(mesh, num_points)

    def plain() -> None:
        igl.signed_distance(points, mesh.vertices, mesh.faces)

    taken = medians({"ours": lambda: signed_distance(mesh, points), "plain": plain}, RUNS)
    ours, reference = (num_points / taken[key] / 1e3 for key in ("ours", "plain"))
    size = f"{name}, {len(mesh.faces)} faces"
    rows = [_row(f"{size}: signed distance", ours, reference, ours / reference, "1000 points/s")]
    with workers(1) as one, workers(2) as two:
        both = medians(
            {
                "one": lambda: list(one.map(_query, [mesh], [points])),
                "two": lambda: list(two.map(_query, [mesh] * 2, [points] * 2)),
            },
            RUNS,
        )
    first, second = (k * QUERIES * num_points / both[key] / 1e3 for key, k in PROCESSES.items())
    title = f"{size}: two processes, against one"
    rows.append(_row(title, second, first, second / first, "1000 points/s"))
    return rows


def by_warp(name: str, mesh: Mesh, num_points: int, device: str) -> list[Row]:
    """Query the same by Warp, against our own on the CPU; and count the signs that are equal."""
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
        _row(
            f"{size}: by Warp, against the CPU", ours, reference, ours / reference, "1000 points/s"
        ),
        _row(f"{size}: equal signs by Warp", 100 * same, 99.99, 100 * same / 99.99, "% of points"),
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
    """Give processes of one thread each."""
    with child_threads(1), ProcessPoolExecutor(number, get_context("spawn")) as pool:
        yield pool


def _query(mesh: Mesh, points: Floats) -> float:
    return sum(float(signed_distance(mesh, points).sum()) for _ in range(QUERIES))


def _row(name: str, ours: float, reference: float, ratio: float, unit: str) -> Row:
    return Row(name, ours, reference, ratio, unit, "cpu", torch.get_num_threads(), RUNS)


if __name__ == "__main__":
    main()
