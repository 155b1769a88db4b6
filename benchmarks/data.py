"""Speed of signed distances and of the sample store.

For the store: time to open it, time per batch, memory, and fraction of a training step.

python -m benchmarks.data
python -m benchmarks.data --meshes a.ply b.obj --points 200000
python -m benchmarks.data --only distances --points 1000000 --device cuda   # also with NVIDIA Warp
"""

import statistics
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch

from benchmarks.models import Step
from benchmarks.report import Row, cpu_row, medians, parser, report
from benchmarks.signed_distances import by_warp, distances, meshes
from inr.config.compose import register_resolvers
from inr.data.batch import BatchSpec
from inr.data.layout import Layout
from inr.data.open_store import open_store
from inr.data.sample_cache import Entry, SampleCache, find_source
from inr.data.store import SampleStore
from inr.shapes import warp

# shapes per batch, samples drawn and stored per shape, and runs
SHAPES, DRAWN, STORED, RUNS = 16, 16384, 525000, 7
# shapes and stored samples per shape of a large data set, and batches drawn from it
WIDE_SHAPES, WIDE_STORED, WIDE_DRAWS = 10000, 500000, 50
STEPS = 101  # more runs, since a step is short
CPU = torch.device("cpu")
measured = partial(cpu_row, runs=RUNS)


def main() -> None:
    """Run the benchmarks selected on the command line."""
    arguments = parser("data", __doc__)
    arguments.add_argument("--points", type=int, default=100000, help="points per query")
    arguments.add_argument("--meshes", type=Path, nargs="+", help="default: a procedural chair")
    arguments.add_argument("--device", help="cuda: also signed distances with NVIDIA Warp")
    arguments.add_argument(
        "--only", choices=["distances", "store", "steps"], help="run only this benchmark"
    )
    given = arguments.parse_args()
    if given.device is not None:
        try:
            warp.check_device(given.device)
        except ValueError as error:
            arguments.error(str(error))
    register_resolvers()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        if given.only in (None, "store"):  # first, while the process uses little memory
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


def batch_spec(samples: int, *, balanced: bool) -> BatchSpec:
    """Return a specification of batches with only signed samples."""
    return BatchSpec(samples, balanced, surface=0, space=0, space_near=0.0, space_std=0.0)


def open_samples(layout: Layout, names: Sequence[str], dim: int) -> SampleStore:
    """Open the signed samples of some shapes with one channel."""
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
    """Write a data set whose sample cache is a sparse file, and whose sources are empty."""
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
    """Return the bytes of this process's resident memory not backed by files (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/self/status has no RssAnon on this system")


def wide_store(root: Path) -> list[Row]:
    """Measure opening and drawing from a store of many shapes, compared with 1 s and 2 GiB."""
    names = write_sparse(Layout(root), WIDE_SHAPES, WIDE_STORED)
    seconds, before = [], anonymous_memory()
    for _ in range(RUNS):
        started = time.perf_counter()
        store = open_samples(Layout(root), names, 3)
        seconds.append(time.perf_counter() - started)
    generator = torch.Generator().manual_seed(0)
    for _ in range(WIDE_DRAWS):
        index = torch.randint(WIDE_SHAPES, (SHAPES,), generator=generator)
        store.draw(index, batch_spec(DRAWN, balanced=True), generator)
    taken = (anonymous_memory() - before) / 2**30
    name = f"{WIDE_SHAPES} shapes x {WIDE_STORED}"
    opened = statistics.median(seconds)
    return [
        measured(f"open {name}; at most", opened, 1.0, 1.0 / opened, "s"),
        measured(
            f"{WIDE_DRAWS} draws of {name}; at most", taken, 2.0, 2.0 / taken, "GiB anonymous"
        ),
    ]


def write_shapes(layout: Layout, num_shapes: int, num_samples: int, dim: int) -> list[str]:
    """Write compressed files of random samples, two thirds of them outside."""
    names = [f"shape_{number:04d}" for number in range(num_shapes)]
    for number, name in enumerate(names):
        rng = np.random.default_rng(number)
        values = rng.uniform(-1, 1, (num_samples, dim + 1)).astype(np.float32)
        layout.samples(name).parent.mkdir(parents=True)
        pos, neg = np.split(values, [2 * num_samples // 3])
        np.savez_compressed(layout.samples(name), pos=pos, neg=neg)
    return names


def drawing(root: Path) -> list[Row]:
    """Time drawing a batch, compared with decoding each shape's file and permuting its samples."""
    layout = Layout(root)
    names = write_shapes(layout, SHAPES, STORED, 3)
    store = open_samples(layout, names, 3)
    generator = torch.Generator().manual_seed(0)

    def draw() -> None:
        index = torch.randperm(SHAPES, generator=generator)
        store.draw(index, batch_spec(DRAWN, balanced=True), generator)

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
    name = f"draw {SHAPES} x {DRAWN} of {STORED}, compared with decoding"
    ratio = taken["decode"] / taken["draw"]
    return [measured(name, taken["draw"] * 1e3, taken["decode"] * 1e3, ratio, "ms")]


def fraction_of_step(root: Path) -> list[Row]:
    """Time drawing as a fraction of a training step of deepsdf_small, compared with 3 %."""
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
            store.draw(index, batch_spec(samples, balanced=False), generator)

        taken = medians({"draw": draw, "step": step}, STEPS)
        fraction = 100 * taken["draw"] / (taken["draw"] + taken["step"])
        name = f"{num_shapes} x {samples}, {dim}-D: time fraction of drawing; at most"
        ratio = 3.0 / fraction
        rows.append(cpu_row(name, fraction, 3.0, ratio, "% of a step", runs=STEPS))
    return rows


if __name__ == "__main__":
    main()
