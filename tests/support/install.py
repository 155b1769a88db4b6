"""The project as others get it: a wheel, installed plainly into an environment of its own."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

from tests.support.paths import ROOT

SOURCES = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "inr", "conf")


def build_wheel(folder: Path) -> Path:
    """Build the wheel from a copy of the sources: building leaves folders beside them."""
    source = folder / "source"
    source.mkdir()
    for name in SOURCES:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, source / name)
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder)]
    run([sys.executable, "-m", "pip", "wheel", "--quiet", *options, str(source)])
    (wheel,) = folder.glob("inr-*.whl")
    return wheel


def install_plainly(folder: Path) -> Path:
    """Install the wheel into a new environment, and return the folder of its programs.

    What the project depends on is borrowed from the environment of the tests, over a path that
    follows the environment's own, and is not followed to an editable install of the project.
    """
    wheel = build_wheel(folder)
    venv.create(folder / "env", with_pip=False, symlinks=True)
    programs = folder / "env" / "bin"
    python = programs / "python"
    options = ["--no-deps", "--no-index", "--quiet", "--disable-pip-version-check"]
    run([sys.executable, "-m", "pip", "--python", str(python), "install", *options, str(wheel)])
    (packages,) = (folder / "env").glob("lib/python*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return programs


def run(command: list[str], folder: Path | None = None) -> str:
    """Run a program where nothing points to the sources, and return what it printed."""
    keep = ("HOME", "TMPDIR", "OMP_NUM_THREADS")
    environment = {name: value for name, value in os.environ.items() if name in keep}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout
