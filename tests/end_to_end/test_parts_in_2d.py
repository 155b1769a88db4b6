"""Outlines made of parts at a tiny size, from files to an edit."""

import json
from pathlib import Path

import numpy as np
import pytest

from inr.data.layout import Layout, read_split
from inr.data.parts.read import read_poses
from inr.models.parts.poses import pose_dim
from inr.shapes.mesh import Mesh, read_mesh, write_mesh
from tests.support.cli import TINY_PARTS, inr, only_run
from tests.support.meshes import square

OWN = ("data.family", "data.splits", "split")
TINY_OUTLINES = [
    *(s for s in TINY_PARTS if not s.startswith((*OWN, "train.epochs", "train.validate_every"))),
    *("data=outlines", "data.source=tees", "data.root=made", "latent.num_parts=2"),
    *("data.splits.train=2", "data.splits.test=1", "split=[train,test]"),
    *("train.epochs=100", "train.validate_every=0", "latent.dim=2"),
]


def write_tees(folder: Path) -> None:
    """Write three T of a bar and a stem of unlike heights, which touch."""
    for number, height in enumerate((4.0, 5.0, 6.0)):
        corners = [(1, 0), (1, height), (3, height), (3, height + 2)]
        corners += [(-x, y) for x, y in corners[::-1]]
        loop = np.stack([np.arange(8), np.roll(np.arange(8), -1)], axis=1)
        write_mesh(Mesh(np.array(corners, float), loop), folder / "meshes" / f"t{number}.npz")
        parts = folder / "parts" / "meshes" / f"t{number}"
        write_mesh(square((0, height + 1), (3, 1)), parts / "part0.npz")
        write_mesh(square((0, height / 2), (1, height / 2)), parts / "part1.npz")


def test_outlines_of_parts_from_files_to_an_edit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_tees(tmp_path / "tees")
    assert inr(monkeypatch, "stage=all", *TINY_OUTLINES) == 0
    run, layout = only_run(tmp_path), Layout(Path("made"))
    for split in ("train", "test"):
        (made,) = run.glob(f"reconstruction/*/{split}")
        for name in read_split(layout, split):
            assert json.loads((made / "shapes.json").read_text())[name]["status"] == "ok"
            latent = np.load(made / "latents" / f"{name}.npy")
            assert latent.shape == (2, 2 + pose_dim(2))
            with np.load(made / "poses" / f"{name}.npz") as poses:
                sizes = {key: poses[key].shape for key in poses.files}
                np.testing.assert_array_equal(poses["angles"], latent[:, 2])
                if split == "train":
                    given = read_poses(layout, name, 2, num_parts=2)
                    np.testing.assert_allclose(poses["angles"], given.rotations[:, 0], atol=1e-6)
                    np.testing.assert_allclose(poses["scales"], given.scales, rtol=1e-5)
            pairs = {"translations": (2, 2), "scales": (2, 2)}
            assert sizes == {"angles": (2,), **pairs, "present": (2,)}
            for part in range(2):
                assert read_mesh(made / "parts" / name / f"part{part}.npz").is_closed()
        (summary,) = run.glob(f"evaluation/*/{split}/summary.json")
        assert json.loads(summary.read_text())["metrics"]["iou"]["mean"] > 0.3
    name = read_split(layout, "train")[0]
    scale = ("edit.operation=scale", "edit.part=1", "edit.factor=[1,0.5]", "eval.resolution=48")
    assert inr(monkeypatch, "stage=edit", "run=latest", f"shape={name}", *scale) == 0
    (made,) = run.glob("edits/*/*")
    (after,) = (path.stem for path in (made / "latents").glob("*_scale_*.npy"))
    latents = [np.load(made / "latents" / f"{one}.npy") for one in (name, after)]
    wanted = latents[0].copy()
    wanted[1, -2] /= 2
    np.testing.assert_allclose(latents[1], wanted, rtol=1e-6)
    # the network sees the pose, so that the form may change a bit with it
    stems = [read_mesh(made / "parts" / one / "part1.npz").bounds for one in (name, after)]
    width, height = np.ptp(stems[1], axis=0) / np.ptp(stems[0], axis=0)
    assert height < 0.7 < 0.85 < width
    bars = [read_mesh(made / "parts" / one / "part0.npz").vertices for one in (name, after)]
    np.testing.assert_array_equal(*bars)
