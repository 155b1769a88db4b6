"""Speed of making solids of triangle soups, by number of faces.

A ball, each face twice and 40 % of them turned; with point-cloud-utils installed, also its
make_mesh_watertight (Huang et al. 2018, "Robust Watertight Manifold Surface Generation").

python -m benchmarks.soups
python -m benchmarks.soups --meshes a.ply b.obj
"""

import resource
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
import trimesh

from benchmarks.report import Row, cpu_row, medians, parser, report
from inr.data.prepare.inside import Soups, enclosed
from inr.shapes.mesh import Mesh, read_mesh
from inr.shapes.normalize import fit_box
from inr.shapes.sampling import sample_sdf

# subdivisions of an icosahedron: 2,560, 40,960 and 655,360 faces with both copies
SUBDIVISIONS = (3, 5, 7)
RUNS = 3
NEAR = 250_000
measured = partial(cpu_row, runs=RUNS)


def main() -> None:
    """Run the benchmark."""
    arguments = parser("soups", __doc__)
    arguments.add_argument("--meshes", type=Path, nargs="+", help="default: balls")
    given = arguments.parse_args()
    if given.meshes is None:
        soups = {f"ball {n}": ball(n) for n in SUBDIVISIONS}
    else:
        soups = {path.stem: read_mesh(path) for path in given.meshes}
    report([row for name, soup in soups.items() for row in rows_of(name, soup)], given.json)


def ball(subdivisions: int) -> Mesh:
    """Return a ball of faces that stand twice, and of which 40 % are turned."""
    sphere = trimesh.creation.icosphere(subdivisions)
    faces = np.concatenate([sphere.faces, sphere.faces])
    turned = np.random.default_rng(0).random(len(faces)) < 0.4
    faces[turned] = faces[turned][:, ::-1]
    return Mesh(np.array(sphere.vertices), faces.astype(np.int64))


def rows_of(name: str, soup: Mesh) -> list[Row]:
    """Time one soup: its solid, and 525,000 samples of this."""
    mesh = fit_box(soup).apply_mesh(soup)
    settings = Soups(gap=0.03, thickness=0.02)
    solid = enclosed(mesh, settings).mesh

    def sample() -> None:
        sample_sdf(solid, [NEAR, NEAR], [0.005, 0.0005], NEAR // 10, np.random.default_rng(0))

    calls: dict[str, Callable[[], object]] = {
        "solid": lambda: enclosed(mesh, settings),
        "samples": sample,
    }
    try:
        watertight = import_module("point_cloud_utils").make_mesh_watertight
        calls["reference"] = lambda: watertight(mesh.vertices, mesh.faces, resolution=50_000)
    except ImportError:
        pass
    taken = medians(calls, RUNS)
    reference = taken.get("reference")
    ratio = None if reference is None else reference / taken["solid"]
    title = f"{name}, {len(mesh.faces):,} faces"
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return [
        measured(f"{title}: solid", taken["solid"], reference, ratio, "s"),
        measured(f"{title}: samples", taken["samples"], None, None, "s"),
        measured(f"{title}: peak memory so far", memory, None, None, "GiB"),
    ]


if __name__ == "__main__":
    main()
