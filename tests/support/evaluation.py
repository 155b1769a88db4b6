"""stage=evaluate of folders of meshes: what is run, and what is read of its result."""

import csv
import json
from pathlib import Path

import pytest
import trimesh

from tests.support.cli import inr

SMALL = ("stage=evaluate", "eval.num_points=1000", "eval.metrics.iou.resolution=32")
RADIUS = 5.0


class Evaluation:
    """Run the stage in a folder of its own, and read what it left."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch, self.capsys = monkeypatch, capsys
        self.out = self.err = ""

    def __call__(self, *arguments: str, small: tuple[str, ...] = SMALL) -> int:
        before = set(Path("outputs").glob("*/*"))
        code = inr(self.monkeypatch, *small, *arguments)
        self.out, self.err = self.capsys.readouterr()
        made = set(Path("outputs").glob("*/*")) - before
        assert len(made) == (code == 0)
        if code == 0:
            (self.folder,) = made
            self.summary = json.loads((self.folder / "summary.json").read_text())
            with (self.folder / "per_shape.csv").open(newline="") as file:
                self.rows = {row["name"]: row for row in csv.DictReader(file)}
        return code

    def value(self, name: str, metric: str) -> float:
        return float(self.rows[name][metric])


def sphere(radius: float = RADIUS) -> trimesh.Trimesh:
    made = trimesh.creation.icosphere(subdivisions=3, radius=radius)
    made.apply_translation((30, 20, 10))
    return made
