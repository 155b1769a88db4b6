"""Every command in the README, at a tiny size, in the order that a reader meets them."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import trimesh

from inr.config.compose import group_choices
from tests.support.cli import TINY, inr
from tests.support.paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    shlex.split(line, comments=True)[3:]
    for block in re.findall(r"```bash\n(.*?)```", README, flags=re.DOTALL)
    for line in block.splitlines()
    if line.startswith("python -m inr")
]
LATER = ("device=", "logger=", "reconstruct.", "eval.", "renderer.")
OWN = ("single_shape", "point_cloud", "meshes")
PARTS = "partsdf"
NEAR = {"single_shape": 4, "point_cloud": 2}


def tiny(command: list[str]) -> list[str]:
    """Return settings that make a README command small without changing what it says."""
    if "--help" in command or "--cfg" in command:
        return []
    if "eval=occnet" in command:
        return ["logger=none", "eval.num_points=300", "eval.metrics.iou.num_points=300"]
    if any(argument.startswith("meshes=") for argument in command):
        return ["eval.num_points=300", "eval.metrics.iou.resolution=16", "renderer.solid.size=32"]
    if "run=latest" in command:
        asked = {argument.partition("=")[0] for argument in command}
        small = [s for s in TINY if s.startswith(LATER) and s.partition("=")[0] not in asked]
        return small if "stage=sample" not in command else [*small, "sample.num_shapes=2"]
    said = dict(argument.partition("=")[::2] for argument in command)
    settings = {key: value for key, _, value in (s.partition("=") for s in TINY)}
    settings["data.splits.valid"] = "0"
    experiment = said.get("experiment", "")
    if experiment in NEAR:
        alone = ("latent.", "model.", "data.splits.")
        settings = {k: v for k, v in settings.items() if not k.startswith(alone)}
        counts = ",".join(["300"] * NEAR[experiment])
        settings |= {"data.sampling.near_counts": f"[{counts}]", "model.hidden_dim": "16"}
        settings |= {"train.surface_per_shape": "32", "train.space_per_shape": "32"}
    if experiment in OWN or said.get("data") in OWN:
        settings.pop("data.family.num_shapes")
    if experiment == PARTS:  # epochs enough for a surface, which the latent of its section moves
        settings.pop("model.skip_layers")
        settings |= {"train.epochs": "60", "train.validate_every": "0"}
        said.pop("train.epochs", None)  # thousands; the last of two counts
    settings.pop("experiment")
    return [f"{key}={value}" for key, value in settings.items() if key not in said]


@pytest.fixture
def own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files that a reader has: meshes, an airfoil, a scan."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_meshes").mkdir()
    for number in range(3):
        box = trimesh.creation.box((1, 1, 0.3 + 0.1 * number))
        box.export(tmp_path / "my_meshes" / f"box_{number}.stl")
        (tmp_path / "their_meshes").mkdir(exist_ok=True)
        box.export(tmp_path / "their_meshes" / f"box_{number}.ply")
        write_lamp(tmp_path / "my_lamps", f"lamp_{number}", height=1 + 0.2 * number)
    ball = trimesh.creation.icosphere(subdivisions=2)
    ball.export(tmp_path / "bunny.ply")
    angle = np.linspace(0, 2 * np.pi, 41)
    np.savetxt(tmp_path / "airfoil.dat", np.stack([np.cos(angle), 0.1 * np.sin(angle)], axis=1))
    cloud = np.concatenate([ball.vertices, ball.vertex_normals], axis=1)
    rows = "".join(" ".join(f"{value:.6f}" for value in row) + "\n" for row in cloud)
    names = "".join(f"property float {name}\n" for name in ("x", "y", "z", "nx", "ny", "nz"))
    header = f"ply\nformat ascii 1.0\nelement vertex {len(cloud)}\n{names}end_header\n"
    (tmp_path / "scan.ply").write_text(header + rows)
    return tmp_path


def write_lamp(folder: Path, name: str, height: float) -> None:
    """Write a lamp of two parts, which touch."""
    foot = trimesh.creation.box((1, 0.5, 1))
    pole = trimesh.creation.box((0.4, height, 0.4))
    pole.apply_translation((0, 0.25 + height / 2, 0))
    parts = folder / "parts" / name
    parts.mkdir(parents=True)
    for number, part in enumerate((foot, pole)):
        part.export(parts / f"part{number}.obj")
    trimesh.boolean.union([foot, pole]).export(folder / f"{name}.obj")


def test_every_command_of_the_readme(own_files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(COMMANDS) >= 15
    assert "@@" not in README
    for command in COMMANDS:
        assert inr(monkeypatch, *command, *tiny(command)) == 0, command
    for block in re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL):
        exec(compile(block, "README.md", "exec"), {})


def test_the_table_of_groups_is_complete() -> None:
    for group, choices in group_choices().items():
        (row,) = re.findall(rf"^\| `{re.escape(group)}` \| (.*?) \|", README, flags=re.MULTILINE)
        assert sorted(re.findall(r"`(.*?)`", row)) == choices, group
