"""The examples of docs/contributing.md, written where the page says, and run.

Once in a copy of the project, and once from a package of one's own beside a plain install.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from tests.support.pages import CONTRIBUTING, arguments, blocks, lines, tiny, write_own_files
from tests.support.paths import ROOT

IN_PROJECT, FROM_PACKAGE = "in the project", "from a package of your own"
SECTIONS = dict(
    re.findall(r"^### (.*?)\n(.*?)(?=^### |\Z)", CONTRIBUTING.read_text("utf-8"), flags=re.M | re.S)
)
# runs commands in one process, each as a command line of its own: an import of torch for all
RUN = """
import contextlib, io, json, runpy, sys
from inr.__main__ import main

done = []
for words in json.load(open("commands.json")):
    out = io.StringIO()
    sys.argv = words
    with contextlib.redirect_stdout(out):
        code = main() if words[0] == "inr" else runpy.run_path(words[0]) and 0
    done.append([words, code, out.getvalue()])
json.dump(done, open("done.json", "w"))
"""


class File(NamedTuple):
    """What a block of the page writes: a file, or a row of a table in one."""

    path: str
    table: str | None
    text: str


def files(section: str) -> list[File]:
    """Return what the blocks of a section write: the first line of each says where."""
    found = []
    for block in [*blocks(section, "python"), *blocks(section, "yaml")]:
        head, _, text = block.partition("\n")
        match = re.fullmatch(r"# ([\w/]+\.\w+)(?:: a row of (\w+))?", head)
        assert match is not None, head
        found.append(File(match[1], match[2], text))
    return found


def commands(section: str, place: str) -> list[list[str]]:
    """Return the commands of a section for one of the two places, at a tiny size."""
    found = []
    for block in blocks(section, "bash"):
        here = True
        for line in block.splitlines():
            if line.startswith("# "):
                assert line[2:] in (IN_PROJECT, FROM_PACKAGE), line
                here = line[2:] == place
            elif here:
                (words,) = lines(line)
                own = arguments(words)
                found.append(words[1:] if own is None else ["inr", *own, *tiny(own)])
    return found


def write_in_project(project: Path, workplace: Path) -> None:
    """Write what the page says into a copy of the project, scripts into the folder of data."""
    for name in ("inr", "conf"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, project / name, ignore=ignored)
    for file in [file for section in SECTIONS.values() for file in files(section)]:
        if file.path.startswith("my_"):
            continue
        path = (project if "/" in file.path else workplace) / file.path
        if file.table is None:
            assert not path.exists(), file.path
            path.write_text(file.text, encoding="utf-8")
        else:
            before, head, after = re.split(
                rf"(^{file.table}\b.* = \{{\n)", path.read_text("utf-8"), flags=re.MULTILINE
            )
            path.write_text(before + head + file.text + after, encoding="utf-8")


def write_package(workplace: Path) -> None:
    """Write the same files into my_package and my_conf, as the page says that one may."""
    (workplace / "my_package").mkdir()
    (workplace / "my_package" / "__init__.py").touch()
    every = [file for section in SECTIONS.values() for file in files(section)]
    whole = [file for file in every if file.table is None]
    taken = {Path(file.path).name for file in whole if file.path.startswith("my_")}
    modules = {file.path.removesuffix(".py").replace("/", "."): file for file in whole}
    for file in whole:
        path = re.sub(r"^conf/", "my_conf/", file.path)
        if path.startswith("inr/"):
            if Path(path).name in taken:  # the page has another form for a package
                continue
            path = f"my_package/{Path(path).name}"
        text = file.text
        for module in modules:
            text = text.replace(f"{module}.", f"my_package.{module.rpartition('.')[2]}.")
        (workplace / path).parent.mkdir(parents=True, exist_ok=True)
        (workplace / path).write_text(text, encoding="utf-8")


def run(place: str, workplace: Path, python: str, environment: dict[str, str]) -> None:
    """Run the commands of all sections in a folder, one after the other."""
    write_own_files(workplace)
    every = [command for section in SECTIONS.values() for command in commands(section, place)]
    (workplace / "commands.json").write_text(json.dumps(every))
    done = subprocess.run(
        [python, "-c", RUN], cwd=workplace, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    answers = json.loads((workplace / "done.json").read_text())
    failed = [words for words, code, _ in answers if code != 0]
    assert not failed, f"{failed}\n{done.stderr}"


@pytest.fixture(scope="module", params=[IN_PROJECT, FROM_PACKAGE])
def workplace(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which all the examples were run."""
    folder: Path = tmp_path_factory.mktemp("workplace")
    environment = {"OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"}
    if request.param == IN_PROJECT:
        project = tmp_path_factory.mktemp("project")
        write_in_project(project, folder)
        run(request.param, folder, sys.executable, environment | {"PYTHONPATH": str(project)})
    else:
        write_package(folder)
        programs: Path = request.getfixturevalue("plain_install")
        run(request.param, folder, str(programs / "python"), environment)
    return folder


def configs(workplace: Path) -> list[dict]:
    """Return the configurations of the runs that were made, in their order."""
    paths = sorted(workplace.glob("outputs/2*/*/config.yaml"), key=lambda p: p.stat().st_mtime)
    return [yaml.safe_load(path.read_text(encoding="utf-8")) for path in paths]


def test_a_decoder(workplace: Path) -> None:
    targets = [config["model"]["_target_"] for config in configs(workplace)]
    assert sum(target.endswith(".fourier_net.FourierNet") for target in targets) == 1


def test_a_loss_with_values_of_its_own_for_each_sample(workplace: Path) -> None:
    targets = [config["loss"].get("distance", {}).get("_target_") for config in configs(workplace)]
    assert sum(str(target).endswith(".confident.ConfidentL1") for target in targets) == 1
    assert len(list(workplace.glob("my_data/samples/*/confidence.npz"))) == 3


def test_a_metric(workplace: Path) -> None:
    (summary,) = workplace.glob("outputs/2*/*/evaluation/*/test/volume/summary.json")
    metric = json.loads(summary.read_text())["metrics"]["volume_difference"]
    assert metric["unit"] == "fraction" and metric["mean"] >= 0 and metric["count"] == 1


def test_a_stage(workplace: Path) -> None:
    answers = json.loads((workplace / "done.json").read_text())
    (printed,) = [out for words, _, out in answers if any("volumes" in word for word in words)]
    assert re.fullmatch(r"(train chair_\d+: \d\.\d{4}\n){2}test chair_\d+: \d\.\d{4}\n", printed)
    assert len(list(workplace.glob("outputs/2*/*/logs/volumes_1.log"))) == 1


def test_a_mesh_format(workplace: Path) -> None:
    samples = workplace.glob("my_triangle_data/samples/*/deepsdf.npz")
    assert sorted(path.parent.name for path in samples) == ["box_0", "box_1", "box_2"]


def test_few_files_change() -> None:
    assert list(SECTIONS) == ["A decoder", "A loss", "A metric", "A stage", "A mesh format"]
    for section in SECTIONS.values():
        assert len([file for file in files(section) if file.table is not None]) <= 1
