"""What design rules say of the code as text: who imports whom, sizes, dimensions."""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from inr.stages import STAGES
from tests.support.paths import PACKAGE, ROOT

# lowest first: a subpackage imports from lower layers, and from itself
LAYERS = (
    ("exits", "files", "hints", "progress", "seeding", "settings"),
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
LAYER_OF = {subpackage: number for number, layer in enumerate(LAYERS) for subpackage in layer}
FILES = sorted(PACKAGE.rglob("*.py"))
# imports that close no circle, since they are made when something is asked for: {importer: why}
LAZY = {"inr": "inr.load_run is looked up when it is asked for"}
# what is larger than the rest, and why
CROWDED_FOLDERS: dict[str, str] = {}
LONG_FILES = {
    "shapes/procedural/chairs.py": "one family: the parts of a chair, and how they vary",
    "shapes/warp.py": "kernels of one search, which only warp's compiler sees together",
}
LONG_FUNCTIONS = {
    "models/mlp.py:__init__": (85, "a setting of the network is a line of its signature"),
    "shapes/warp.py:_kernels": (75, "warp compiles the functions that stand inside"),
    "stages/train/train.py:_fit": (70, "what a run is made of, then the call of the training loop"),
    "training/fit.py:fit": (80, "the loop reads from top to bottom"),
}
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


def module_of(path: Path) -> str:
    """Return inr.shapes.mesh for inr/shapes/mesh.py, and inr.shapes for its __init__.py."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in FILES}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> Iterator[str]:
    """Yield the modules of inr that a module imports, wherever in it."""
    for node in ast.walk(tree(path)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}: a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if name.partition(".")[0] == "inr":
                yield name if name in MODULES else name.rpartition(".")[0]


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the functions of a module, and how many lines each has besides its docstring."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            docstring = len((ast.get_docstring(node) or "").splitlines())
            yield node.name, node.end_lineno - node.lineno + 1 - docstring


def may_import(importer: str, target: str) -> bool:
    return importer == target or LAYER_OF[target] < LAYER_OF[importer]


def circle(imports: dict[str, set[str]]) -> list[str]:
    """Return modules that import one another in a circle; none if there is no circle."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


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
    assert "inr.shapes.mesh" in set(imported(PACKAGE / "data" / "prepare" / "solid.py"))
    assert len(circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})) == 4
    assert circle({"a": {"b", "c"}, "b": {"c"}}) == []


def test_every_module_has_its_place():
    assert {package_of(path) for path in FILES} <= {*LAYER_OF, "__init__"}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_point_down(path):
    if module_of(path) in LAZY:
        return
    subpackages = {target.split(".")[1] for target in imported(path) if target != "inr"}
    wrong = {
        subpackage for subpackage in subpackages if not may_import(package_of(path), subpackage)
    }
    assert not wrong, f"inr/{name_of(path)} must not import {sorted(wrong)}"


def test_no_modules_import_one_another_in_a_circle():
    found = circle(
        {name: set(imported(path)) for name, path in MODULES.items() if name not in LAZY}
    )
    assert not found, " -> ".join(found)


def test_stages_holds_stages_and_nothing_else():
    folder = PACKAGE / "stages"
    there = {path.stem for path in folder.iterdir() if not path.name.startswith("__")}
    assert there == {stage.function.split(".")[2] for stage in STAGES.values()}


def test_shapes_know_no_torch():
    for path in (PACKAGE / "shapes").rglob("*.py"):
        assert "torch" not in path.read_text(encoding="utf-8"), name_of(path)


def test_configuration_stops_at_config():
    for path in FILES:
        if package_of(path) not in ("config", "__main__"):
            text = path.read_text(encoding="utf-8")
            assert "import hydra" not in text and "omegaconf" not in text, name_of(path)


def test_folders_hold_about_twenty_files():
    folders = {path.parent for path in FILES}
    over = {name_of(folder) for folder in folders if len(list(folder.glob("*.py"))) > 22}
    assert over == set(CROWDED_FOLDERS)


def test_files_fit_one_idea():
    over = {name_of(path) for path in FILES if len(path.read_text().splitlines()) > 260}
    assert over == set(LONG_FILES)


def test_functions_fit_a_screen():
    over = {
        f"{name_of(path)}:{name}": lines
        for path in FILES
        for name, lines in functions(path)
        if lines > 60
    }
    assert set(over) == set(LONG_FUNCTIONS)
    for name, (most, _) in LONG_FUNCTIONS.items():
        assert over[name] <= most, f"{name} has {over[name]} lines"


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


def test_no_test_helper_stands_twice():
    places: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for node in tree(path).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and "test_" not in node.name:
                documented = ast.get_docstring(node) is not None
                content = " ".join(ast.dump(one) for one in node.body[documented:])
                places.setdefault(content, []).append(f"{path.name}:{node.name}")
    assert len(places) > 300
    twice = [found for found in places.values() if len(found) > 1]
    assert not twice, f"move to tests/support: {twice}"
