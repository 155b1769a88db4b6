"""A job, the argument of every stage: the checked configuration and the overrides."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inr.config.overrides import Assignment, Overrides
from inr.config.schema import Config
from inr.config.sections import structure
from inr.config.validate import check_config
from inr.settings import Role, get_path, keys_with, put_path

FIXED_GROUPS = keys_with(Config, Role.FIXED_BY_CHECKPOINT)
OVERRIDABLE = keys_with(Config, Role.OVERRIDABLE)
# settings that later stages take from the manifest of the data set
FROM_MANIFEST = keys_with(Config, Role.FROM_MANIFEST)
FIXED_ON_RESUME = keys_with(Config, Role.FIXED_ON_RESUME)
LATER_STAGE = keys_with(Config, Role.LATER_STAGE)
JOB_ONLY = keys_with(Config, Role.JOB_ONLY)


@dataclass(frozen=True)
class Job:
    """One job of the program: a whole command line, or one point of a sweep.

    Args:
        raw: resolved configuration.
        overrides: overrides on the command line.
        name: experiment or model, for the name of the run directory.
        folder: directory of this job in a sweep; None outside a sweep.
    """

    raw: dict[str, Any]
    overrides: Overrides
    name: str
    folder: Path | None

    @property
    def config(self) -> Config:
        """Return the configuration as a dataclass."""
        config: Config = structure(Config, self.raw)
        return config

    @property
    def splits(self) -> list[str]:
        """Return the splits that `split` names."""
        split = self.raw["split"]
        return [split] if isinstance(split, str) else list(split)


def merge_with_run(job: Job, stored: dict[str, Any], run: Path) -> Job:
    """Return a job with the configuration of a run, except for what the command line sets.

    Raises:
        ValueError: if the command line contradicts what the checkpoint was trained with.
    """
    merged = copy.deepcopy(stored)
    for key in JOB_ONLY:
        merged[key] = job.raw[key]
    for override in job.overrides:
        if override.key == "experiment":
            for section in LATER_STAGE:
                merged[section] = copy.deepcopy(job.raw[section])
            for section in FIXED_GROUPS:
                _refuse_contradiction(section, stored, job.raw, run, override)
            continue
        for key in override.keys:
            if key.split(".")[0] in FIXED_GROUPS and key not in OVERRIDABLE:
                _refuse_contradiction(key, stored, job.raw, run, override)
            elif override.is_deletion:
                _drop(merged, key)
            else:
                put_path(merged, key, get_path(job.raw, key))
    check_config(merged)
    return Job(merged, job.overrides, job.name, job.folder)


def check_resume(job: Job, stored: Mapping[str, Any]) -> None:
    """Check that a run can be resumed with these settings.

    Raises:
        ValueError: if a setting has changed that the training steps depend on.
    """
    for key in FIXED_ON_RESUME:
        if get_path(job.raw, key) != get_path(stored, key):
            raise ValueError(
                f"a resumed run keeps its own {key}={get_path(stored, key)}; leave it out, or "
                "train a new run"
            )


def _refuse_contradiction(
    key: str, stored: Mapping[str, Any], given: Mapping[str, Any], run: Path, override: Assignment
) -> None:
    one, other = copy.deepcopy(get_path(stored, key)), copy.deepcopy(get_path(given, key))
    if key == "data":
        # the location of a data set may differ, and its manifest records how it was made
        ignored = [name.removeprefix("data.") for name in (*OVERRIDABLE, *FROM_MANIFEST)] + [
            "splits"
        ]
        if given["data"]["source"] is None:  # without a source the dimension was not inferred
            ignored.append("dim")
        for side in (one, other):
            side.update(dict.fromkeys(ignored))
    if one != other:
        raise ValueError(
            f"'{override.line}' contradicts the run '{run}', which was trained with another {key}; "
            f"leave it out, or train a new run with it"
        )


def _drop(config: dict[str, Any], key: str) -> None:
    path, _, last = key.rpartition(".")
    section = get_path(config, path) if path else config
    if isinstance(section, dict):
        section.pop(last, None)
