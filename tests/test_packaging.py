"""The wheel holds what the sources hold, and its dependencies are declared."""

import ast
import re
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.support.install import build_wheel
from tests.support.paths import CONF, PACKAGE, ROOT

KINDS = (".py", ".yaml")
# Python's own, and what comes with a package that is declared
UNDECLARED = {"mpl_toolkits"}


def sources() -> set[str]:
    """Return the modules and YAMLs of the source tree by their places in the wheel."""
    package = {f"inr/{path.relative_to(PACKAGE).as_posix()}" for path in PACKAGE.rglob("*")}
    conf = {f"inr/conf/{path.relative_to(CONF).as_posix()}" for path in CONF.rglob("*")}
    return {name for name in package | conf if name.endswith(KINDS)}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return zipfile.ZipFile(build_wheel(tmp_path_factory.mktemp("wheel")))


def test_the_wheel_holds_the_source_tree_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert held == sources()
    assert {"inr/metrics/published.yaml", "inr/conf/config.yaml"} <= held


def test_every_folder_of_modules_is_a_package() -> None:
    for path in PACKAGE.rglob("*.py"):
        assert path.with_name("__init__.py").is_file(), f"{path.parent} has no __init__.py"


def imported_packages() -> dict[str, Path]:
    """Return the packages that modules of inr import, each with one module that does."""
    found: dict[str, Path] = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0]: path for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found[node.module.partition(".")[0]] = path
    return {name: path for name, path in found.items() if name not in sys.stdlib_module_names}


def test_what_is_imported_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    lines = [*project["dependencies"], *optional["warp"]]
    declared = {re.split(r"[^\w.-]", line)[0].lower().replace("_", "-") for line in lines}
    distributions = packages_distributions() | {"warp": ["warp-lang"]}
    for name, path in imported_packages().items():
        if name != "inr":
            found = distributions.get(name, [name])
            owners = {owner.lower().replace("_", "-") for owner in found}
            assert owners & declared, f"{path.name} imports {name}: which dependency brings it?"
