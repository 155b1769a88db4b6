"""The run directory: create, find and lock it; its configuration, status and log."""

import contextlib
import json
import logging
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout

import inr
from inr.config.migrate import OLDEST, SCHEMA_VERSION, migrate
from inr.files import OUTPUTS, replacing


class Run:
    """Directory of one run; it can be moved, since nothing in it depends on its path.

    Args:
        path: path of the run directory.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def checkpoints(self) -> Path:
        """Return the folder of checkpoints."""
        return self.path / "checkpoints"

    @property
    def renders(self) -> Path:
        """Return the folder of pictures."""
        return self.path / "renders"

    def reconstruction(self, epoch: str, split: str) -> Path:
        """Return the folder of the reconstructions of an epoch and split."""
        return self.path / "reconstruction" / epoch / split

    def samples(self, epoch: str, title: str) -> Path:
        """Return the folder of new shapes sampled at an epoch."""
        return self.path / "samples" / epoch / title

    def edits(self, epoch: str, title: str) -> Path:
        """Return the folder of one edit of a shape at an epoch."""
        return self.path / "edits" / epoch / title

    def evaluation(self, epoch: str, split: str, protocol: str) -> Path:
        """Return the folder of metrics of an epoch and split; a named protocol has a subfolder."""
        folder = self.path / "evaluation" / epoch / split
        return folder if protocol == "default" else folder / protocol

    def config(self) -> dict[str, Any]:
        """Return the configuration that the run was made with.

        Raises:
            ValueError: if it cannot be read, or has an unknown schema version.
        """
        path = self.path / "config.yaml"
        try:
            config = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ValueError(f"cannot read '{path}': {error}") from error
        version = config.pop("schema_version", None) if isinstance(config, dict) else None
        if not isinstance(version, int) or not OLDEST <= version <= SCHEMA_VERSION:
            raise ValueError(
                f"'{path}' is not a configuration of schema version {OLDEST} to {SCHEMA_VERSION}"
            )
        return migrate(config, version)

    def write_config(self, config: Mapping[str, Any], overrides: list[str]) -> None:
        """Write the resolved configuration and the overrides of the command line.

        The overrides of a resumed run are appended to the earlier ones.
        """
        content = {"schema_version": SCHEMA_VERSION, **config}
        _write_text(self.path / "config.yaml", yaml.safe_dump(content, sort_keys=False))
        path = self.path / "overrides.yaml"
        before = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else []
        _write_text(path, yaml.safe_dump([*before, *overrides]))

    def write_status(self, status: str, why: str = "", **more: Any) -> None:
        """Write status.json: running, done or failed, and why; its other entries are kept."""
        path = self.path / "status.json"
        before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        content = {
            **before,
            "status": status,
            "why": why,
            "version": inr.__version__,
            "time": datetime.now().astimezone().isoformat(timespec="seconds"),
            **more,
        }
        _write_text(path, json.dumps(content, indent=2) + "\n")

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the run for writing.

        Raises:
            ValueError: if another process has locked it.
        """
        try:
            acquired = FileLock(self.path / ".lock", timeout=0).acquire()
        except Timeout as error:
            raise ValueError(
                f"another process is writing to '{self.path}'; wait for it, or stop it"
            ) from error
        with acquired:
            yield


def create_run(path: Path) -> Run:
    """Create a run directory.

    Raises:
        ValueError: if it holds a run already, or cannot be created.
    """
    if (path / "config.yaml").exists():
        raise ValueError(f"'{path}' holds a run already; nothing is overwritten")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"cannot create the run directory '{path}': {error.strerror}") from error
    return Run(path)


def new_run_path(name: str) -> Path:
    """Return a fresh path outputs/<date>/<time>_<name>_<short id>."""
    now = datetime.now()
    return OUTPUTS / f"{now:%Y-%m-%d}" / f"{now:%H-%M-%S}_{name}_{secrets.token_hex(2)}"


def find_run(run: str | None, key: str = "run") -> Run:
    """Return the run of `run=<directory>` or `run=latest`.

    Args:
        run: run directory, or `latest` for the newest under outputs/ that has a checkpoint.
        key: key that the user set, for messages.

    Raises:
        ValueError: if there is no such run.
    """
    if run is None:
        raise ValueError("a training run is needed: add run=latest or run=<directory>")
    if run == "latest":
        found = [
            path.parent.parent
            for pattern in ("*/*/checkpoints/last.pt", "*/*/*/checkpoints/last.pt")
            for path in OUTPUTS.glob(pattern)
            if (path.parent.parent / "config.yaml").exists()
        ]
        if not found:
            raise ValueError(
                f"{key}=latest found no run with a checkpoint under '{OUTPUTS.resolve()}'; "
                f"train one (python -m inr stage=train), or give {key}=<directory>"
            )
        # not the directory's own time, which changes with every file in it
        return Run(max(found, key=lambda path: (path / "config.yaml").stat().st_mtime))
    path = Path(run)
    if not (path / "config.yaml").is_file():
        raise ValueError(
            f"{key}={run} is not a run directory (it has no config.yaml); "
            f"give one under outputs/, or {key}=latest"
        )
    return Run(path)


def run_argument(path: Path) -> str:
    """Return the override run=<path>, quoted if necessary."""
    text = str(path)
    return f"run={text}" if not set("=,' ") & set(text) else f"\"run='{text}'\""


def git_commit() -> str | None:
    """Return the commit of this code, None if it is not a git checkout."""
    here = Path(__file__).resolve()
    git = ["git", "-C", str(here.parent)]
    # an environment inside the user's repository is in no commit of it, so ask for this file first
    questions = (["ls-files", "--error-unmatch", here.name], ["rev-parse", "HEAD"])
    answer = ""
    for question in questions:
        try:
            answer = subprocess.run(
                [*git, *question], capture_output=True, text=True, timeout=5, check=True
            ).stdout
        except (OSError, subprocess.SubprocessError):
            return None
    return answer.strip()


@contextlib.contextmanager
def log_to(path: Path) -> Iterator[None]:
    """Write the log to a file as well, within this context."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("inr")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()


def next_log(run: Run, stage: str) -> Path:
    """Return logs/<stage>_<n>.log with the first free n."""
    number = 1
    while (path := run.path / "logs" / f"{stage}_{number}.log").exists():
        number += 1
    return path


def _write_text(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
