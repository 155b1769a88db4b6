"""Meshes that are empty, open or inside out, point clouds, scans and contours, from files."""

from pathlib import Path

import numpy as np
import pytest
import trimesh

from inr.shapes.mesh import write_mesh
from tests.support.evaluation import SMALL, Evaluation, sphere
from tests.support.pairs import ball, cube, turn


def open_sphere() -> trimesh.Trimesh:
    whole = sphere()
    return trimesh.Trimesh(whole.vertices, whole.faces[whole.triangles_center[:, 2] < 11])


def test_an_empty_file_counts_as_empty(evaluate: Evaluation) -> None:
    sphere().export("ground_truth/a.ply")
    header = "ply\nformat ascii 1.0\nelement vertex 0\nproperty float x\nproperty float y\n"
    header += "property float z\nelement face 0\nproperty list uchar int vertex_indices\n"
    Path("ours/a.ply").write_text(header + "end_header\n")
    assert evaluate("meshes=ours", "ground_truth=ground_truth") == 0
    row = evaluate.rows["a"]
    assert (row["status"], row["iou"], row["f_score"]) == ("empty", "0.0", "0.0")
    assert row["chamfer_l1"] == "" and float(row["chamfer_l1_floor"]) > 0
    assert evaluate.summary["num_empty"] == 1
    small = ("stage=evaluate", "eval=occnet", "eval.num_points=300")
    assert evaluate("meshes=ours", "ground_truth=ground_truth", small=small) == 0
    assert evaluate.value("a", "chamfer_l1") == pytest.approx(np.sqrt(3))
    assert evaluate.value("a", "chamfer_l2") == pytest.approx(3)
    assert evaluate.value("a", "normal_consistency") == -1


def test_a_broken_file_fails_alone(evaluate: Evaluation) -> None:
    for name in "ab":
        sphere().export(f"ground_truth/{name}.ply")
        sphere().export(f"ours/{name}.ply")
    Path("ours/b.ply").write_bytes(b"ply\nnonsense")
    assert evaluate("meshes=ours", "ground_truth=ground_truth") == 0
    assert evaluate.rows["b"]["status"] == "failed"
    assert "b.ply" in evaluate.rows["b"]["reason"]
    assert evaluate.rows["a"]["status"] == "ok"
    assert evaluate.summary["num_failed"] == 1


@pytest.mark.parametrize("side", ["ours", "ground_truth"])
def test_what_is_inside_out_is_turned_and_said(side: str, evaluate: Evaluation) -> None:
    for folder in ("ours", "ground_truth"):
        mesh = sphere()
        if folder == side:
            mesh.invert()
        mesh.export(f"{folder}/a.ply")
    assert evaluate("meshes=ours", "ground_truth=ground_truth") == 0
    what = "the mesh" if side == "ours" else "the ground truth"
    assert evaluate.rows["a"]["reason"] == f"{what} was inside out and its faces were flipped"
    assert evaluate.value("a", "iou") == 1


def test_open_meshes(evaluate: Evaluation) -> None:
    sphere().export("ground_truth/a.ply")
    open_sphere().export("ours/a.ply")
    assert evaluate("meshes=ours", "ground_truth=ground_truth") == 0
    row = evaluate.rows["a"]
    assert row["status"] == "ok"
    assert 0.3 < float(row["iou"]) < 0.9
    assert float(row["completeness"]) > 3 * float(row["accuracy"])
    # a sheet has no inside, and still has distances
    plane = trimesh.Trimesh([[0, 0, 0], [9, 0, 0], [9, 9, 0], [0, 9, 0]], [[0, 1, 2], [0, 2, 3]])
    plane.export("ground_truth/a.ply")
    assert evaluate("meshes=ours", "ground_truth=ground_truth") == 0
    row = evaluate.rows["a"]
    assert row["iou"] == "" and float(row["chamfer_l1"]) > 0
    assert "iou: ground truth has no inside" in row["reason"]
    assert "no iou for 1 of them (a: ground truth has no inside" in evaluate.out


@pytest.mark.parametrize("has_normals", [True, False])
def test_points_as_ground_truth(has_normals: bool, evaluate: Evaluation) -> None:
    sphere(6.0).export("ours/a.ply")
    ground_truth = sphere(5.0)
    points, face = trimesh.sample.sample_surface(ground_truth, 4000, seed=0)
    table = np.concatenate([points, ground_truth.face_normals[face]], axis=1)
    np.savetxt("ground_truth/a.xyz", table if has_normals else table[:, :3])
    assert evaluate("meshes=ours", "ground_truth=ground_truth", "eval.frame=native") == 0
    row = evaluate.rows["a"]
    assert float(row["accuracy"]) == pytest.approx(1, rel=0.08)
    assert row["iou"] == "" and "iou: the ground truth is a point cloud" in row["reason"]
    assert (row["normal_consistency"] != "") == has_normals
    assert "at most as many of the cloud" in evaluate.summary["metrics"]["accuracy"]["definition"]
    # it is the scan as well
    small = ("stage=evaluate", "eval=srb", "eval.num_points=4000")
    assert evaluate("meshes=ours", "ground_truth=ground_truth", small=small) == 0
    assert evaluate.value("a", "scan_to_reconstruction") == pytest.approx(1, rel=0.03)


def test_a_scan_beside_the_ground_truth(evaluate: Evaluation) -> None:
    Path("scans").mkdir()
    for name in "ab":
        sphere(6.0).export(f"ours/{name}.ply")
        sphere(5.0).export(f"ground_truth/{name}.ply")
    points, _ = trimesh.sample.sample_surface(sphere(5.5), 500, seed=0)
    np.savetxt("scans/a.xyz", points)
    small = ("stage=evaluate", "eval=srb", "eval.num_points=8000", "scans=scans")
    assert evaluate("meshes=ours", "ground_truth=ground_truth", small=small) == 0
    assert evaluate.value("a", "scan_to_reconstruction") == pytest.approx(0.5, rel=0.05)
    assert evaluate.value("a", "chamfer_l1") == pytest.approx(1, rel=0.05)
    assert evaluate.rows["b"]["scan_to_reconstruction"] == ""
    assert evaluate.summary["metrics"]["scan_to_reconstruction"]["count"] == 1
    assert evaluate.summary["scans"] == "scans"


def test_contours_in_2d(evaluate: Evaluation) -> None:
    for name, mesh in (("disc", ball(6.0, 2)), ("square", turn(cube(2, 2.0), 45.0))):
        write_mesh(mesh, Path(f"ours/{name}.npz"))
    write_mesh(ball(5.0, 2), Path("ground_truth/disc.npz"))
    write_mesh(cube(2, 2.0), Path("ground_truth/square.npz"))
    assert evaluate("meshes=ours", "ground_truth=ground_truth", "eval.frame=native") == 0
    assert evaluate.value("disc", "chamfer_l1") == pytest.approx(1, rel=0.01)
    assert evaluate.value("disc", "iou") == pytest.approx(25 / 36, abs=0.03)
    assert evaluate.value("square", "iou") == pytest.approx(np.sqrt(0.5), abs=0.03)
    assert evaluate.value("square", "normal_consistency") == pytest.approx(np.sqrt(0.5))
    sphere().export("ours/solid.ply")  # what lies beside meshes are pictures of them
    assert evaluate("meshes=ours", "ground_truth=ground_truth", small=SMALL) == 2
    assert (
        "no shape (.obj, .ply" in evaluate.err and "under ground_truth=ground_truth" in evaluate.err
    )
