"""One shape, outlines, masks, point clouds, occupancy, channels: each through the command line."""

import json
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from inr.data.layout import Layout, write_npz
from inr.shapes.mesh import read_mesh
from tests.support.cli import TINY, inr, only_run

SMALL = [
    setting
    for setting in TINY
    if not setting.startswith(("experiment", "data.family", "data.splits", "latent", "model"))
    and "near_counts" not in setting
]
SHAPE = [*SMALL, "train.surface_per_shape=32", "train.space_per_shape=32"]
DECODER = ["model.hidden_dim=16", "model.num_layers=2"]
NEAR = "data.sampling.near_counts=[500,500,500,500]"
POINTS_NEAR = "data.sampling.near_counts=[500,500]"


def evaluated(folder: Path) -> dict:
    (summary,) = only_run(folder).glob("evaluation/*/train/summary.json")
    return json.loads(summary.read_text())


def write_mask(path: Path) -> None:
    y, x = np.mgrid[0:60, 0:80]
    mask = ((x - 40) ** 2 + (y - 30) ** 2 < 25**2) & ((x - 40) ** 2 + (y - 25) ** 2 > 8**2)
    Image.fromarray((mask * 255).astype(np.uint8)).save(path)


def write_airfoil(path: Path, thickness: float = 0.12) -> None:
    x = (1 + np.cos(np.linspace(0, 2 * np.pi, 81))) / 2
    y = np.sin(np.linspace(0, 2 * np.pi, 81)) * thickness / 2
    rows = [f" {a:.6f} {b:.6f}" for a, b in zip(x, y, strict=True)]
    path.write_text("\n".join(["an ellipse", *rows]))


@pytest.mark.parametrize(("name", "dim"), [("a.dat", 2), ("b.png", 2), ("c.stl", 3)])
def test_one_shape_of_any_kind(name, dim, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / name
    if name == "a.dat":
        write_airfoil(path)
    elif name == "b.png":
        write_mask(path)
    else:
        trimesh.creation.icosphere(subdivisions=2).export(path)
    command = ["stage=all", "experiment=single_shape", f"data.source={name}", "model=siren", NEAR]
    assert inr(monkeypatch, *command, *SHAPE, *DECODER) == 0
    run = only_run(tmp_path)
    assert evaluated(tmp_path)["num_shapes"] == 1
    made = next(run.glob("reconstruction/*/train/shapes.json"))
    assert list(json.loads(made.read_text())) == [path.stem]
    assert (run / "renders" / "reconstruction_epoch_000004_train.png").stat().st_size > 0
    (meshes,) = tmp_path.glob("outputs/datasets/*/meshes")
    assert read_mesh(next(meshes.iterdir())).dim == dim
    # the data set is found again, and the split is the run's own
    for stage in ("reconstruct", "evaluate"):
        later = [f"stage={stage}", "run=latest", "overwrite=true", "logger=none"]
        assert inr(monkeypatch, *later) == 0
    assert [path.name for path in run.glob("evaluation/*/*")] == ["train"]


def test_a_file_that_changed_is_not_taken_for_the_old_one(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_airfoil(tmp_path / "a.dat")
    command = [
        "experiment=single_shape",
        "data.source=a.dat",
        "model=siren",
        NEAR,
        *SHAPE,
        *DECODER,
    ]
    assert inr(monkeypatch, "stage=prepare", *command) == 0
    write_airfoil(tmp_path / "a.dat", thickness=0.2)
    assert inr(monkeypatch, "stage=train", *command) == 2
    assert "was made from 'a.dat' before that file changed" in capsys.readouterr().err


def test_one_shape_that_is_none(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bow_tie.npy").touch()
    np.save(tmp_path / "bow_tie.npy", np.array([[0, 0], [1, 1], [1, 0], [0, 1.0]]))
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "black.png")
    reasons = {"bow_tie.npy": "cross", "black.png": "black.png': the mask", "a.doc": "suffix"}
    for name, reason in reasons.items():
        command = ["stage=prepare", "experiment=single_shape", f"data.source={name}"]
        assert inr(monkeypatch, *command, "data.sign=winding") == 2
        assert reason in capsys.readouterr().err


@pytest.mark.parametrize("with_normals", [True, False])
def test_a_point_cloud(with_normals, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    normals = np.random.default_rng(0).normal(size=(400, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    cloud = 5 + 2 * normals
    np.save("cloud.npy", np.concatenate([cloud, normals], axis=1) if with_normals else cloud)
    loss = "igr" if with_normals else "hotspot"
    command = ["experiment=single_shape", "data=points", "data.source=cloud.npy", "model=igr"]
    command += [f"loss={loss}", *SHAPE, *DECODER, POINTS_NEAR, "model.skip_layers=[1]"]
    assert inr(monkeypatch, "stage=all", *command) == 0
    metrics = evaluated(tmp_path)["metrics"]
    assert metrics["iou"]["mean"] is None
    assert metrics["accuracy_floor"]["mean"] > 0
    assert (metrics["normal_consistency_floor"]["mean"] is not None) == with_normals
    (surface,) = tmp_path.glob("outputs/datasets/*/samples/cloud/surface.npz")
    points = np.load(surface)["all"]
    assert points.shape == (400, 6 if with_normals else 3)
    assert np.abs(points[:, :3]).max() == pytest.approx(0.9, abs=1e-5)
    capsys.readouterr()
    wrong = [setting.replace(f"loss={loss}", "loss=l1") for setting in command]
    assert inr(monkeypatch, "stage=train", *wrong) == 2
    assert "'cloud' has no signed distances" in capsys.readouterr().err
    if not with_normals:
        wrong = [setting.replace(f"loss={loss}", "loss=igr") for setting in command]
        assert inr(monkeypatch, "stage=train", *wrong) == 2
        assert "'cloud' has no normals" in capsys.readouterr().err
        assert inr(monkeypatch, "stage=train", *wrong, "~loss.normals") == 0


def test_occupancy(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trimesh.creation.icosphere(subdivisions=2, radius=0.5).export("ball.ply")
    command = ["experiment=single_shape", "data.source=ball.ply", NEAR, *SHAPE]
    learning = ["model=deepsdf_small", "train.epochs=150", "optimizer.lr=1e-2", "seed=1"]
    learning += ["train.validate_every=75", "train.render_every=150"]
    occupancy = ["model.output=occupancy", "loss=occupancy", "train.samples_per_shape=400"]
    learning += [*DECODER, "model.skip_layers=[]"]
    assert inr(monkeypatch, "stage=all", *command, *learning, *occupancy) == 0
    assert evaluated(tmp_path)["metrics"]["iou"]["mean"] > 0.8


def test_a_field_with_colour(tmp_path, monkeypatch, capsys):
    """Users bring their own targets in the columns after the distance."""
    monkeypatch.chdir(tmp_path)
    layout, rng = Layout(tmp_path / "coloured"), np.random.default_rng(0)
    points = rng.uniform(-1, 1, (2000, 2))
    distance = np.linalg.norm(points, axis=1, keepdims=True) - 0.6
    samples = np.concatenate([points, distance, 0 * points + 0.25, points[:, :1]], axis=1)
    outside = distance[:, 0] >= 0
    write_npz(layout.samples("disc"), pos=samples[outside], neg=samples[~outside])
    layout.split("train").parent.mkdir()
    layout.split("train").write_text('["disc"]')
    command = ["stage=train", "data=outlines", "data.root=coloured", "latent=none", "model=siren"]
    command += ["loss=l1", "model.num_channels=4", *SHAPE, POINTS_NEAR, *DECODER]
    command += ["train.validate_every=0"]
    term = "+loss.colour={_target_: inr.losses.Channels, weight: 1.0, power: 2}"
    assert inr(monkeypatch, *command, term, "train.epochs=3") == 0
    lines = (only_run(tmp_path) / "metrics.jsonl").read_text().splitlines()
    assert any("train/colour" in line for line in lines)
    capsys.readouterr()
    assert inr(monkeypatch, *[c for c in command if "num_channels" not in c]) == 2
    assert "model.num_channels=1 need" in capsys.readouterr().err
