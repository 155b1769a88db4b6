"""What lies in the folder of a run, and what a test puts in its place."""

import json
from pathlib import Path

from inr.data.layout import Layout
from inr.shapes.mesh import Mesh, read_mesh, write_mesh

SPLITS = ("train", "valid", "test")


def layout_in(folder: Path) -> Layout:
    """Return the one data set under folder/outputs."""
    (path,) = folder.glob("outputs/datasets/*/splits/test.json")
    return Layout(path.parents[1])


def names_in(layout: Layout) -> dict[str, list[str]]:
    """Return the names of each split."""
    return {split: json.loads(layout.split(split).read_text()) for split in SPLITS}


def put_ground_truth_in_place(run: Path, split: str, scale: float = 1.0) -> None:
    """Make the ground truth, of another size, what a run under ./outputs reconstructed."""
    (root,) = Path("outputs").glob("datasets/*")
    made = run / "reconstruction" / "epoch_000004" / split / "shapes.json"
    shapes = json.loads(made.read_text())
    for name, entry in shapes.items():
        ground_truth = read_mesh(Layout(root).mesh(name))
        mesh = Mesh(ground_truth.vertices * scale, ground_truth.faces)
        path = made.parent / "meshes" / f"{name}.ply"
        path.parent.mkdir(exist_ok=True)
        write_mesh(mesh, path)
        entry |= {"status": "ok", "reason": ""}
    made.write_text(json.dumps(shapes))
