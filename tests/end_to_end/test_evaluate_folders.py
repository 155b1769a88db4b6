"""stage=evaluate meshes=<folder> ground_truth=<folder>: anybody's meshes, as a user gives them."""

from pathlib import Path

import numpy as np
import pytest
import trimesh

from tests.support.evaluation import RADIUS, Evaluation, sphere
from tests.support.pairs import rotation


def box() -> trimesh.Trimesh:
    made = trimesh.creation.box((4, 4, 40))
    made.apply_translation((30, 20, 10))
    return made


def turned(mesh: trimesh.Trimesh, degrees: float) -> trimesh.Trimesh:
    made, middle = mesh.copy(), mesh.bounds.mean(axis=0)
    made.vertices = (made.vertices - middle) @ rotation(3, degrees).T + middle
    return made


def test_copies_score_the_floor(evaluate: Evaluation) -> None:
    for name, mesh in (("a", sphere()), ("b", box())):
        mesh.export(f"ground_truth/{name}.ply")
        mesh.export(f"ours/{name}.obj", digits=17)
    assert evaluate("meshes=ours", "ground_truth=ground_truth") == 0
    assert evaluate.summary["meshes"] == "ours"
    assert evaluate.summary["ground_truth"] == "ground_truth"
    assert (evaluate.summary["num_shapes"], evaluate.summary["num_missing"]) == (2, 0)
    for name in "ab":
        assert evaluate.value(name, "iou") == pytest.approx(1, abs=0.03)
        for metric in ("accuracy", "chamfer_l1", "chamfer_l2", "hausdorff", "f_score"):
            floor = evaluate.value(name, metric + "_floor")
            assert evaluate.value(name, metric) == pytest.approx(floor, rel=0.05)
    assert "files: outputs" in evaluate.out


def test_turned_by_a_known_angle(evaluate: Evaluation) -> None:
    """A tower about its axis: what a square loses, and 45 degrees between its sides."""
    box().export("ground_truth/tower.ply")
    for degrees in (20.0, 45.0):
        turned(box(), degrees).export("ours/tower.ply")
        assert evaluate("meshes=ours", "ground_truth=ground_truth", "eval.frame=native") == 0
        s, c = np.sin(np.deg2rad(degrees)), np.cos(np.deg2rad(degrees))
        both = 1 - 2 * s * c / (1 + s + c) ** 2
        assert evaluate.value("tower", "iou") == pytest.approx(both / (2 - both), abs=0.03)
        if degrees == 45:
            assert evaluate.value("tower", "normal_consistency") == pytest.approx(0.707, abs=0.03)


@pytest.mark.parametrize("frame", ["box", "native", "unit_cube"])
def test_concentric_spheres_in_each_frame(frame: str, evaluate: Evaluation) -> None:
    sphere(1.2 * RADIUS).export("ours/a.ply")
    sphere().export("ground_truth/a.ply")
    assert evaluate("meshes=ours", "ground_truth=ground_truth", f"eval.frame={frame}") == 0
    radius = {"box": 0.9, "native": RADIUS, "unit_cube": 0.5}[frame]
    # so few points that the nearest is beside the nearest place
    assert evaluate.value("a", "chamfer_l1") == pytest.approx(0.2 * radius, rel=0.08)
    assert evaluate.value("a", "iou") == pytest.approx(1 / 1.2**3, abs=0.03)
    assert evaluate.summary["frame"] == frame


@pytest.mark.parametrize("name", ["occnet", "base_inr", "deepsdf", "srb"])
def test_under_other_protocols(name: str, evaluate: Evaluation) -> None:
    sphere(1.2 * RADIUS).export("ours/a.ply")
    sphere().export("ground_truth/a.ply")
    small = ("stage=evaluate", f"eval={name}", "eval.num_points=2000")
    small += {
        "occnet": ("eval.metrics.iou.num_points=20000",),
        "base_inr": ("eval.metrics.iou.resolution=24",),
        "deepsdf": ("eval.metrics.emd.num_points=20",),
        "srb": (),
    }[name]
    assert evaluate("meshes=ours", "ground_truth=ground_truth", small=small) == 0
    assert evaluate.folder.name.split("_", 1)[1].startswith(f"evaluate_{name}")
    known = {  # 0.2 radii of 0.5, 0.9 or 5
        "occnet": ("chamfer_l2", 0.1**2),
        "base_inr": ("chamfer_l2", 2e4 * 0.18**2),
        "deepsdf": ("chamfer_l2", 2e3),
        "srb": ("chamfer_l1", 1),
    }[name]
    assert evaluate.value("a", known[0]) == pytest.approx(known[1], rel=0.06)
    if name in ("occnet", "base_inr"):
        assert evaluate.value("a", "iou") == pytest.approx(1 / 1.2**3, abs=0.06)


def test_a_network_is_missed_by_name(evaluate: Evaluation) -> None:
    for folder in ("ours", "ground_truth"):
        sphere().export(f"{folder}/a.ply")
    small = ("stage=evaluate", "eval=vecset", "eval.num_points=200")
    assert evaluate("meshes=ours", "ground_truth=ground_truth", small=small) == 0
    assert evaluate.rows["a"]["iou"] == ""
    assert "only meshes are given" in evaluate.rows["a"]["reason"]
    assert "no iou for 1 of them" in evaluate.out


def test_names_decide_what_belongs_together(evaluate: Evaluation) -> None:
    sphere().export("ours/one.ply")
    sphere().export("ground_truth/other.ply")
    assert evaluate("meshes=ours", "ground_truth=ground_truth") == 2
    assert "'one' and 'other'; a mesh" in evaluate.err
    assert "need the same name, suffixes aside\n" in evaluate.err
    sphere().export("ground_truth/One.ply")
    assert evaluate("meshes=ours", "ground_truth=ground_truth") == 2
    assert "names are case-sensitive" in evaluate.err
    Path("ground_truth/One.ply").unlink()
    # but of two files it is clear
    assert evaluate("meshes=ours/one.ply", "ground_truth=ground_truth/other.ply") == 0
    assert evaluate.value("other", "iou") == 1


def test_missing_and_surplus_meshes(evaluate: Evaluation) -> None:
    for name in ("ours/a", "ours/c", "ground_truth/a", "ground_truth/b"):
        sphere().export(f"{name}.ply")
    assert evaluate("meshes=ours", "ground_truth=ground_truth") == 0
    assert "1 meshes have no ground truth of the same name and are left out: 'c'" in evaluate.err
    assert evaluate.summary["num_missing"] == 1
    assert {name: row["status"] for name, row in evaluate.rows.items()} == {
        "a": "ok",
        "b": "missing",
    }
    assert "no mesh of this name in ours" in evaluate.rows["b"]["reason"]
    assert evaluate.summary["metrics"]["chamfer_l1"]["count"] == 1


def test_bad_settings_and_missing_folders(evaluate: Evaluation) -> None:
    sphere().export("ground_truth/a.ply")
    assert evaluate("ground_truth=ground_truth") == 2
    assert "ground_truth=ground_truth needs meshes" in evaluate.err
    assert evaluate("meshes=ours") == 2
    assert "meshes=ours needs ground_truth" in evaluate.err
    assert evaluate("meshes=ours", "ground_truth=ground_truth") == 2
    assert "under meshes=ours" in evaluate.err
    assert evaluate("meshes=nowhere", "ground_truth=ground_truth") == 2
    assert "nowhere" in evaluate.err
    assert evaluate("meshes=ground_truth", "ground_truth=ours") == 2
    assert "under ground_truth=ours" in evaluate.err
    assert evaluate("meshes=ground_truth", "ground_truth=ground_truth", "run=latest") == 2
    assert "give one of them" in evaluate.err
    assert evaluate("meshes=ground_truth", "ground_truth=ground_truth", "split=train") == 2
    assert "split goes with a run" in evaluate.err
    assert evaluate("scans=ground truth") == 2
    assert "scans=ground truth goes with meshes" in evaluate.err
    assert evaluate("meshes=ground_truth", "ground_truth=ground_truth", "stage=train") == 2
    assert "goes with stage=evaluate" in evaluate.err


def test_the_note_on_an_open_mesh_says_what_helps(evaluate: Evaluation) -> None:
    open_box = box()
    open_box.update_faces(open_box.face_normals[:, 2] < 0.5)
    open_box.export("ground_truth/tower.ply")
    open_box.export("ours/tower.ply")
    assert evaluate("meshes=ours", "ground_truth=ground_truth") == 0
    note = evaluate.rows["tower"]["reason"]
    assert "is not closed, so that its inside is uncertain: stage=prepare data.sign=auto" in note
    assert "meshes/" in note
