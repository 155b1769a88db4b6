"""What evaluation says of shapes made of parts."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from inr.data.layout import Layout, read_split
from inr.data.parts.read import part_mesh, read_parts
from inr.shapes.mesh import Mesh, read_mesh, write_mesh
from inr.shapes.normalize import Normalization
from tests.support.cli import inr, only_run
from tests.support.runs import layout_in

EVALUATE = ["stage=evaluate", "run=latest", "split=test", "eval.num_points=300", "overwrite=true"]
PARTS = ["eval=parts", "eval.metrics.iou.resolution=16", "eval.metrics.part_iou.resolution=32"]
TINY_DEFAULT = ["eval.metrics.iou.resolution=16"]


def take_ground_truth(folder: Path) -> tuple[Path, str, Layout]:
    """Put the ground truth where reconstruct put its own, and return that folder and the shape."""
    run, layout = only_run(folder), layout_in(folder)
    (name,) = read_split(layout, "test")
    made = run / "reconstruction" / "epoch_000020" / "test"
    write_mesh(read_mesh(layout.mesh(name)), made / "meshes" / f"{name}.ply")
    shutil.rmtree(made / "parts", ignore_errors=True)
    for number, part in enumerate(read_parts(layout, name)):
        if part is not None:
            write_mesh(part, made / "parts" / name / f"part{number}.ply")
    record = json.loads((made / "shapes.json").read_text())
    record[name] |= {"status": "ok", "reason": ""}
    (made / "shapes.json").write_text(json.dumps(record))
    return made, name, layout


def measured(folder: Path, protocol: str = "parts") -> dict[str, str]:
    """Return the row of the one test shape, of the default protocol for ''."""
    (path,) = only_run(folder).glob(f"evaluation/*/test/{protocol}/per_shape.csv")
    (row,) = csv.DictReader(path.read_text().splitlines())
    return row


@pytest.mark.parametrize("frame", ["box", "native"])
def test_the_ground_truth_has_its_own_parts(parts_copy, monkeypatch, frame) -> None:
    take_ground_truth(parts_copy)
    assert inr(monkeypatch, *EVALUATE, *PARTS, f"eval.frame={frame}") == 0
    row = measured(parts_copy)
    assert row["status"] == "ok"
    for metric in ("iou", "part_iou", "image_consistency"):
        assert float(row[metric]) == pytest.approx(1, abs=1e-6), metric


def test_a_part_that_moved_scores_as_low_in_either_frame(parts_copy, monkeypatch) -> None:
    made, name, layout = take_ground_truth(parts_copy)
    path = made / "parts" / name / "part0.ply"
    part = read_mesh(path)
    write_mesh(Mesh(part.vertices + np.array([0.0, -0.2, 0.0]), part.faces), path)
    # a native frame that is far from the box's
    far = Normalization(np.array([3.0, -2.0, 1.0]), np.eye(3), 0.02)
    far.save(layout.normalization(name))
    found = []
    for frame in ("box", "native"):
        assert inr(monkeypatch, *EVALUATE, *PARTS, f"eval.frame={frame}") == 0
        row = measured(parts_copy)
        assert float(row["iou"]) == pytest.approx(1, abs=1e-6)
        found.append(float(row["part_iou"]))
    assert 0.2 < found[0] < 0.95
    assert found[1] == pytest.approx(found[0], abs=0.01)


def test_parts_of_the_ground_truth_that_changed_are_measured_anew(parts_copy, monkeypatch) -> None:
    _, name, layout = take_ground_truth(parts_copy)
    again = [s for s in EVALUATE if s != "overwrite=true"]
    assert inr(monkeypatch, *again, *PARTS) == 0
    assert float(measured(parts_copy)["part_iou"]) == pytest.approx(1, abs=1e-6)
    path = part_mesh(layout, name, 0)
    part = read_mesh(path)
    write_mesh(Mesh(part.vertices + np.array([0.0, -0.2, 0.0]), part.faces), path)
    assert inr(monkeypatch, *again, *PARTS) == 0
    assert float(measured(parts_copy)["part_iou"]) < 0.95


def test_parts_that_are_exchanged_score_lower(parts_copy, monkeypatch) -> None:
    made, name, _ = take_ground_truth(parts_copy)
    one, other, third = (made / "parts" / name / f"part{k}.ply" for k in (2, 3, 4))
    for source, target in ((one, third), (other, one), (third, other)):
        source.rename(target)
    assert inr(monkeypatch, *EVALUATE, *PARTS) == 0
    row = measured(parts_copy)
    assert float(row["part_iou"]) < 0.8 and float(row["iou"]) == 1
    matched = ("eval.metrics.part_iou.matched=true",)
    assert inr(monkeypatch, *EVALUATE, *PARTS, *matched) == 0
    assert float(measured(parts_copy)["part_iou"]) > 0.8


@pytest.mark.parametrize("what", ["part0", "present.npy"])
def test_broken_parts_cost_the_parts_number_alone(parts_copy, monkeypatch, what) -> None:
    _, name, layout = take_ground_truth(parts_copy)
    path = part_mesh(layout, name, 0) if what == "part0" else layout.poses(name) / what
    path.write_bytes(b"no mesh, and no array")
    assert inr(monkeypatch, *EVALUATE, *TINY_DEFAULT) == 0
    assert measured(parts_copy, "")["status"] == "ok"
    assert inr(monkeypatch, *EVALUATE, *PARTS) == 0
    row = measured(parts_copy)
    assert row["status"] == "ok" and float(row["iou"]) == 1
    assert what in row["reason"] and row["part_iou"] in ("", "nan")
