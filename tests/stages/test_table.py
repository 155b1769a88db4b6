"""The table of stages, and stages from a package of one's own."""

import inspect
import json
import pkgutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import inr.stages
from inr.config.compose import compose
from inr.config.job import Job
from inr.stages import STAGES, check_stage, find_stage
from tests.support.cli import inr as run_inr
from tests.support.paths import ROOT

COUNT = """
import json
from pathlib import Path

from inr.config.job import Job as JobOfOurs
from inr.runs.trained import open_trained
from os import getcwd


def count(job: JobOfOurs) -> None:
    Path("counted.json").write_text(json.dumps([job.raw["stage"], job.config.seed]))


def count_parameters(job: JobOfOurs) -> None:
    with open_trained(job, "count") as trained:
        numbers = [weight.numel() for weight in trained.model.parameters()]
        Path("counted.json").write_text(json.dumps([len(trained.names), sum(numbers)]))


def refuse(job: JobOfOurs) -> None:
    raise ValueError(f"there is nothing to count with seed={job.config.seed}; try another")


def idle() -> None:
    raise AssertionError


class Count:
    def __init__(self, job: JobOfOurs) -> None:
        raise AssertionError
"""


@pytest.fixture
def my_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of one's own in the working directory."""
    folder = tmp_path / "my_package"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "count.py").write_text(COUNT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] == "my_package"]:
        del sys.modules[name]


@pytest.mark.parametrize("name", STAGES)
def test_every_row_is_a_function_of_the_job(name: str) -> None:
    function = find_stage(name, [])
    assert next(iter(inspect.signature(function).parameters.values())).annotation is Job
    assert inspect.getdoc(function)
    assert STAGES[name].help


def test_the_folder_holds_stages_and_nothing_else() -> None:
    homes = {stage.function.split(".")[2] for stage in STAGES.values()}
    assert {module.name for module in pkgutil.iter_modules(inr.stages.__path__)} == homes


@pytest.mark.parametrize(
    ("name", "allow", "message"),
    [
        ("trian", [], "stage is 'trian': did you mean 'train'?"),
        (3, [], "stage is '3': allowed: all, edit"),
        ("my_package.count.count", [], r"to trust it, add allow=\[my_package\]"),
        ("my_package.count.count", None, r"to trust it, add allow=\[my_package\]"),
        ("my_package.count.count", ["my_pack"], r"to trust it, add allow=\[my_package\]"),
        ("my_package.count.cuont", ["my_package"], "no function 'cuont': did you mean 'count'?"),
        ("my_package.count.idle", ["my_package"], r"write def idle\(job: Job\)"),
        ("my_package.count.Count", ["my_package"], "has no function 'Count'"),
        ("my_package.count.getcwd", ["my_package"], "has no function 'getcwd'"),
        ("my_package.count.open_trained", ["my_package"], "is defined in inr.runs.trained"),
        ("my_package.cuont.count", ["my_package"], "cannot be imported: No module named"),
        ("inr.stages.sample.slug", [], "is defined in inr.config.compose"),
        ("inr.config.compose.slug", [], "is outside inr.stages"),
    ],
)
@pytest.mark.usefixtures("my_package")
def test_what_is_no_stage(name: object, allow: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_stage(name, allow)


def test_a_stage_of_ones_own(
    my_package: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = "stage=my_package.count.count"
    assert run_inr(monkeypatch, mine) == 2
    assert capsys.readouterr().err.strip() == (
        "inr: stage 'my_package.count.count' is outside inr.stages; to trust it, add "
        "allow=[my_package]"
    )
    assert "my_package.count" not in sys.modules  # not even imported
    assert run_inr(monkeypatch, mine, "allow=[my_package]", "seed=7") == 0
    assert json.loads(Path("counted.json").read_text()) == ["my_package.count.count", 7]


@pytest.mark.usefixtures("my_package")
def test_a_stage_of_ones_own_says_what_is_wrong_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_inr(monkeypatch, "stage=my_package.count.refuse", "allow=[my_package]") == 2
    assert capsys.readouterr().err == "inr: there is nothing to count with seed=0; try another\n"


def test_a_stage_of_ones_own_opens_a_run(
    copy: Path, my_package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert copy == my_package
    mine = ("stage=my_package.count.count_parameters", "allow=[my_package]", "run=latest")
    assert run_inr(monkeypatch, *mine) == 0
    names, parameters = json.loads(Path("counted.json").read_text())
    assert names == 2 and parameters > 100
    assert len(list(copy.glob("outputs/2*/*/logs/count_1.log"))) == 1
    assert not list(copy.glob("outputs/2*/*/logs/count_2.log"))


def test_what_is_not_allowed_is_refused_before_a_sweep_starts(
    my_package: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_inr(monkeypatch, "-m", "stage=prepare,my_package.count.count") == 2
    assert "allow=[my_package]" in capsys.readouterr().err
    assert [path.name for path in my_package.iterdir()] == ["my_package"]


def test_configuration_knows_no_stage() -> None:
    """A row of the table is all that a new stage needs."""
    compose(["stage=anything"])
    for path in (ROOT / "inr" / "config").glob("*.py"):
        assert "STAGES" not in path.read_text(encoding="utf-8"), path


def test_the_table_brings_no_torch() -> None:
    code = "import sys, inr.stages, inr.__main__; print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert found.stdout == "False\n", found.stderr


def test_the_console_script_is_the_entry_point_and_finds_a_package_of_ones_own(
    my_package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _, function = scripts["scripts"]["inr"].partition(":")
    # as the script that an installation writes: its own folder is on the path, not this one
    script = my_package / "bin" / "inr"
    script.parent.mkdir()
    script.write_text(f"import sys\nfrom {module} import {function}\nsys.exit({function}())\n")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, str(script), *arguments]
        return subprocess.run(line, capture_output=True, text=True, cwd=my_package)

    assert call("--help").stdout.startswith("inr: experiments with")
    wrong = call("stage=trian")
    assert wrong.returncode == 2 and "did you mean 'train'?" in wrong.stderr
    right = call("stage=my_package.count.count", "allow=[my_package]")
    assert right.returncode == 0, right.stderr
    assert (my_package / "counted.json").exists()
