"""A plain install, not an editable one, run from a folder that is not the project's."""

import tomllib
from pathlib import Path

from tests.support.cli import TINY
from tests.support.install import run
from tests.support.paths import ROOT

# beside the papers' numbers, which stand in a file of inr/metrics
EVALUATE = ["stage=evaluate", "run=latest", "eval=deepsdf", "eval.num_points=300", "device=cpu"]
EVALUATE += ["logger=none", "eval.dataset=shapenet_v2_chair_deepsdf_test"]


def commands(programs: Path) -> list[list[str]]:
    """Return the ways to start the program: as a module, and by the console scripts' names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    scripts = [[str(programs / name)] for name in project.get("scripts", {})]
    return [[str(programs / "python"), "-m", "inr"], *scripts]


def test_the_install_is_the_one_that_is_imported(plain_install: Path, tmp_path: Path) -> None:
    ask = "import inr.config.compose as c; print(c.__file__, c.CONF)"
    for place in run([str(plain_install / "python"), "-c", ask], tmp_path).split():
        assert Path(place).is_relative_to(plain_install.parent), place


def test_all_stages_run_from_another_directory(plain_install: Path, tmp_path: Path) -> None:
    module, *scripts = commands(plain_install)
    run([*module, "stage=all", *TINY], tmp_path)
    (summary,) = tmp_path.glob("outputs/2*/*/evaluation/*/test/summary.json")
    assert summary.is_file()
    for command in scripts or [module]:
        shown = run([*command, *EVALUATE], tmp_path)
        assert "no comparable published numbers: eval.num_points differs" in shown
