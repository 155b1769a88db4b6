"""The pages of the documentation: their blocks of code, their commands at tiny settings."""

import re
import shlex
from pathlib import Path

import numpy as np
import trimesh
import yaml

from tests.support.cli import TINY
from tests.support.paths import ROOT
from tests.support.trees import write_trees

DOCS = ROOT / "docs"
CONTRIBUTING = DOCS / "contributing.md"
LATER = ("device=", "logger=", "reconstruct.", "eval.", "renderer.")
OWN = ("single_shape", "point_cloud", "meshes", "triangles")
PARTS = "partsdf"
MOST_EPOCHS = 100
NEAR = {"single_shape": 4, "point_cloud": 2}


def pages() -> list[Path]:
    """Return the pages in the order of the site; its first is the README."""
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    outside = {"index.md": ROOT / "README.md", "changelog.md": ROOT / "CHANGELOG.md"}
    return [outside.get(name, DOCS / name) for entry in nav for name in entry.values()]


def blocks(page: Path | str, language: str) -> list[str]:
    """Return the blocks of code of a page, or of its text."""
    text = page if isinstance(page, str) else page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def lines(block: str) -> list[list[str]]:
    """Return the lines of a block of commands, split into words, without comments."""
    return [words for line in block.splitlines() if (words := shlex.split(line, comments=True))]


def arguments(words: list[str]) -> list[str] | None:
    """Return the arguments of a command that starts the program, None for another."""
    for start in (["python", "-m", "inr"], ["inr"]):
        if words[: len(start)] == start:
            return words[len(start) :]
    return None


def tiny(command: list[str]) -> list[str]:
    """Return settings that make a command small without changing what it says."""
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
    if "resume" in said:
        return ["device=cpu"]
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
    if int(said.get("train.epochs", 0)) > MOST_EPOCHS:
        said.pop("train.epochs")  # the last of two counts
    if experiment == PARTS:
        settings.pop("model.skip_layers")
        if said.get("loss") is None:  # enough for a surface, which an edit changes
            settings["train.epochs"] = "60"
    if said.get("model") == "fourier_net":
        settings.pop("model.skip_layers")
    last = said.get("train.epochs", settings["train.epochs"])
    settings["train.render_every"] = last
    settings["train.validate_every"] = "0" if experiment == PARTS else last
    settings.pop("experiment")
    return [f"{key}={value}" for key, value in settings.items() if key not in said]


def write_own_files(folder: Path) -> None:
    """Write what a reader has: meshes, an airfoil, a scan, shapes of parts, collections."""
    write_trees(folder)
    for name in ("my_meshes", "their_meshes", "my_triangles"):
        (folder / name).mkdir()
    for number in range(3):
        box = trimesh.creation.box((1, 1, 0.3 + 0.1 * number))
        box.export(folder / "my_meshes" / f"box_{number}.stl")
        box.export(folder / "their_meshes" / f"box_{number}.ply")
        np.savetxt(folder / "my_triangles" / f"box_{number}.tri", box.triangles.reshape(-1, 9))
        write_lamp(folder / "my_lamps", f"lamp_{number}", height=1 + 0.2 * number)
    ball = trimesh.creation.icosphere(subdivisions=2)
    ball.export(folder / "bunny.ply")
    angle = np.linspace(0, 2 * np.pi, 41)
    np.savetxt(folder / "airfoil.dat", np.stack([np.cos(angle), 0.1 * np.sin(angle)], axis=1))
    cloud = np.concatenate([ball.vertices, ball.vertex_normals], axis=1)
    rows = "".join(" ".join(f"{value:.6f}" for value in row) + "\n" for row in cloud)
    names = "".join(f"property float {name}\n" for name in ("x", "y", "z", "nx", "ny", "nz"))
    header = f"ply\nformat ascii 1.0\nelement vertex {len(cloud)}\n{names}end_header\n"
    (folder / "scan.ply").write_text(header + rows)


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
