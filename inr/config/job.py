"""What a stage gets: the checked configuration, and what the command line said of it."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inr.config.instantiate import structure
from inr.config.schema import Config
from inr.config.validate import check_config, get_path

# what a checkpoint depends on; data.root and data.source may move
FIXED_GROUPS = ("data", "model", "latent", "loss")
# settings of prepare that a later stage only records, from the data set's manifest
ADOPTED = ("sign", "repair", "normalize", "extent", "sampling", "primitive", "seed")
MOVABLE = ("data.root", "data.source")
# what a resumed run has to go on with, or its steps would not be those of an unbroken one
FIXED_ON_RESUME = (
    "seed",
    "optimizer.algorithm",
    *(
        f"train.{key}"
        for key in (
            "shapes_per_batch",
            "samples_per_shape",
            "sign_balanced",
            "surface_per_shape",
            "space_per_shape",
            "space_near",
            "space_std",
        )
    ),
)
LATER_SECTIONS = ("eval", "reconstruct", "sample", "edit", "renderer", "logger")


@dataclass(frozen=True)
class Job:
    """Hold one job of the program.

    Args:
        raw: the resolved configuration.
        overrides: the command line's, one string each.
        name: experiment or model, for the run directory's name.
        folder: a sweep's directory for this job, None outside a sweep.
    """

    raw: dict[str, Any]
    overrides: list[str]
    name: str
    folder: Path | None

    @property
    def config(self) -> Config:
        """Return the configuration as a dataclass."""
        config: Config = structure(Config, self.raw)
        return config

    @property
    def splits(self) -> list[str]:
        """Return the splits asked for."""
        split = self.raw["split"]
        return [split] if isinstance(split, str) else list(split)


def merge_with_run(command: Job, stored: dict[str, Any], run: Path) -> Job:
    """Return a command whose configuration is a run's own, but for what the command line sets.

    Raises:
        ValueError: if the command line contradicts what the checkpoint was trained with.
    """
    merged = copy.deepcopy(stored)
    for key in ("stage", "run", "resume", "epoch", "device", "overwrite", "allow"):
        merged[key] = command.raw[key]
    for override in command.overrides:
        key = override.lstrip("+~").partition("=")[0].partition("@")[0].replace("/", ".")
        if key == "experiment":
            merged["split"] = command.raw["split"]
            for section in LATER_SECTIONS:
                merged[section] = copy.deepcopy(command.raw[section])
            for section in FIXED_GROUPS:
                _refuse_contradiction(section, stored, command.raw, run, override)
        elif key.split(".")[0] in FIXED_GROUPS and key not in MOVABLE:
            _refuse_contradiction(key, stored, command.raw, run, override)
        elif override.startswith("~"):
            _drop(merged, key)
        elif not key.startswith("hydra"):
            _put(merged, key, get_path(command.raw, key))
    check_config(merged)
    return Job(merged, command.overrides, command.name, command.folder)


def check_resume(command: Job, stored: Mapping[str, Any]) -> None:
    """Check that a run can go on with these settings.

    Raises:
        ValueError: if it is finished, or a setting that its steps depend on has changed.
    """
    for key in FIXED_ON_RESUME:
        if get_path(command.raw, key) != get_path(stored, key):
            raise ValueError(
                f"a resumed run goes on with its own {key}={get_path(stored, key)}; leave it out, "
                "or train anew"
            )


def _refuse_contradiction(
    key: str, stored: Mapping[str, Any], given: Mapping[str, Any], run: Path, override: str
) -> None:
    one, other = copy.deepcopy(get_path(stored, key)), copy.deepcopy(get_path(given, key))
    if key == "data":
        # where a data set lies is not what it is, and its manifest says how it was made
        ignored = ["root", "source", "splits", *ADOPTED]
        if given["data"]["source"] is None:  # whose suffix would tell the dimension
            ignored.append("dim")
        for side in (one, other):
            side.update(dict.fromkeys(ignored))
    if one != other:
        raise ValueError(
            f"'{override}' contradicts the run '{run}', which was trained with another {key}; "
            f"leave it out, or train anew with it"
        )


def _put(config: dict[str, Any], key: str, value: Any) -> None:
    *path, last = key.split(".")
    for name in path:
        config = config.setdefault(name, {})
    config[last] = copy.deepcopy(value)


def _drop(config: dict[str, Any], key: str) -> None:
    path, _, last = key.rpartition(".")
    section = get_path(config, path) if path else config
    if isinstance(section, dict):
        section.pop(last, None)
