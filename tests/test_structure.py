"""What design rules say of the code as text: who imports whom, sizes, dimensions."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import PACKAGE

# from the ground up: a room imports from floors below its own, and from itself
FLOORS = (
    ("files", "hints", "progress", "seeding", "settings"),
    ("shapes",),
    ("data", "models"),
    ("losses", "metrics"),
    ("training", "render"),
    ("reconstruct",),
    ("config",),
    ("runs",),
    ("stages",),
    ("__main__",),
)
FLOOR_OF = {room: number for number, floor in enumerate(FLOORS) for room in floor}
FILES = sorted(PACKAGE.rglob("*.py"))
# where a 3 counts something else than the dimension of space: columns, lines, digits
OTHER_THREES = {
    "models/row_sums.py": ["inputs[:3]", "inputs[3"],
    "training/checkpoint.py": ["[1:3]"],
    "training/tracking.py": ["round(time.time(), 3)"],
    "metrics/summary.py": ["for row in rows), 3)"],
}


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def package_of(path: Path) -> str:
    """Return shapes for inr/shapes/mesh.py, losses for inr/losses.py."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> Iterator[str]:
    """Yield the packages of inr that a module imports, wherever in it."""
    for node in ast.walk(tree(path)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}: a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            first, *rest = name.split(".")
            if first == "inr" and rest:
                yield rest[0]


def may_import(importer: str, target: str) -> bool:
    if importer == "__init__":  # inr.load_run is looked up when it is asked for
        return True
    return importer == target or FLOOR_OF[target] < FLOOR_OF[importer]


def test_the_rules_bite():
    assert may_import("models", "shapes") and may_import("reconstruct", "metrics")
    assert may_import("stages", "runs") and may_import("__main__", "stages")
    for importer, target in (
        ("models", "losses"),
        ("models", "data"),
        ("training", "render"),
        ("data", "config"),
        ("runs", "stages"),
        ("metrics", "render"),
        ("config", "runs"),
        ("settings", "shapes"),
    ):
        assert not may_import(importer, target)
    assert "shapes" in set(imported(PACKAGE / "data" / "prepare.py"))


def test_every_module_has_its_place():
    assert {package_of(path) for path in FILES} <= {*FLOOR_OF, "__init__"}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_point_down(path):
    wrong = {target for target in imported(path) if not may_import(package_of(path), target)}
    assert not wrong, f"inr/{name_of(path)} must not import {sorted(wrong)}"


def test_shapes_know_no_torch():
    for path in (PACKAGE / "shapes").glob("*.py"):
        assert "torch" not in path.read_text(encoding="utf-8"), name_of(path)


def test_configuration_stops_at_config():
    for path in FILES:
        if package_of(path) not in ("config", "__main__"):
            text = path.read_text(encoding="utf-8")
            assert "import hydra" not in text and "omegaconf" not in text, name_of(path)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_fit_one_idea(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_constructor_takes_anything(path):
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            assert node.args.kwarg is None, f"line {node.lineno}: **{node.args.kwarg.arg}"


@pytest.mark.parametrize(
    "path",
    [p for p in FILES if package_of(p) in ("models", "losses", "training", "metrics")],
    ids=name_of,
)
def test_the_dimension_of_space_is_never_three(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Constant) and node.value in (3, -3) and node.value is not True:
            line = lines[node.lineno - 1]
            known = OTHER_THREES.get(name_of(path), [])
            assert any(text in line for text in known), f"line {node.lineno}: {line.strip()}"
