"""What a stage gets: the checked configuration, and what the command line said of it."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from inr.build import check, check_section, nearest, structure
from inr.data.prepare import Family
from inr.losses import Term
from inr.models.latents import Codes
from inr.render.interface import FlatRenderer, Renderer
from inr.schema import SPLITS, STAGES, VALIDATION_METRICS, Config
from inr.training.schedules import Schedule
from inr.training.tracking import Logger

# what a checkpoint depends on; data.root and data.source may move
FIXED_GROUPS = ("data", "model", "latent", "loss")
# settings of prepare that a later stage only records, from the data set's manifest
ADOPTED = ("normalize", "extent", "sampling", "seed")
MOVABLE = ("data.root", "data.source")
LEAST = {
    0: (
        "workers",
        "train.log_every",
        "train.validate_every",
        "train.render_every",
        "train.checkpoint_every",
    ),
    1: (
        "train.epochs",
        "train.shapes_per_batch",
        "train.samples_per_shape",
        "train.num_validation_shapes",
        "train.validation_iterations",
        "train.num_renders",
        "train.keep_checkpoints",
        "reconstruct.iterations",
        "reconstruct.samples_per_shape",
        "reconstruct.shapes_per_batch",
        "eval.num_points",
        "eval.iou_resolution",
    ),
    8: ("eval.resolution", "train.validation_resolution", "train.render_resolution"),
}
# what a resumed run has to go on with, or its steps would not be those of an unbroken one
FIXED_ON_RESUME = ("seed", "train.shapes_per_batch", "optimizer.algorithm")
LATER_SECTIONS = ("eval", "reconstruct", "renderer", "logger")


@dataclass(frozen=True)
class Command:
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


def check_config(raw: Mapping[str, Any]) -> None:
    """Check a whole configuration before anything runs.

    Raises:
        ValueError: for the first mistake, naming the key and what is allowed.
    """
    check_section(Config, raw)
    allow = raw["allow"]
    _check_choice("stage", raw["stage"], STAGES)
    splits = [raw["split"]] if isinstance(raw["split"], str) else raw["split"]
    if not isinstance(splits, list) or not splits:
        raise ValueError(f"split is {raw['split']!r}; it has to be one of {', '.join(SPLITS)}")
    for split in splits:
        _check_choice("split", split, SPLITS)
    _check_choice("data.normalize", raw["data"]["normalize"], ("box", "none"))
    _check_choice("train.best_mode", raw["train"]["best_mode"], ("min", "max"))
    metrics = tuple(f"valid/{metric}" for metric in VALIDATION_METRICS)
    _check_choice("train.best_metric", raw["train"]["best_metric"], metrics)
    if raw["data"]["dim"] not in (2, 3):
        raise ValueError(f"data.dim is {raw['data']['dim']}; it has to be 2 or 3")
    _check_choice("eval.protocol", raw["eval"]["protocol"], ("default",))
    for least, keys in LEAST.items():
        for key in keys:
            value = _take(raw, key)
            if value < least:
                raise ValueError(f"{key} is {value}; it has to be at least {least}")
    context = {"dim": 2, "code_dim": 1, "out_dim": 1}
    check(raw["model"], "model", allow, kind=nn.Module, **context)
    check(raw["latent"], "latent", allow, kind=Codes, num_shapes=1, generator=None)
    for name, term in raw["loss"].items():
        check(term, f"loss.{name}", allow, kind=Term)
    optimizer = raw["optimizer"]
    check(
        optimizer["algorithm"],
        "optimizer.algorithm",
        allow,
        kind=torch.optim.Optimizer,
        params=None,
        lr=0.0,
    )
    check(optimizer["schedule"], "optimizer.schedule", allow, kind=Schedule)
    check(raw["logger"], "logger", allow, kind=Logger)
    check(raw["renderer"]["solid"], "renderer.solid", allow, kind=Renderer)
    check(raw["renderer"]["flat"], "renderer.flat", allow, kind=FlatRenderer)
    if raw["data"]["family"] is not None:
        check(raw["data"]["family"], "data.family", allow, kind=Family)


def _check_choice(key: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{key} is '{value}': {nearest(str(value), allowed)}")


def pick_device(device: str) -> torch.device:
    """Return the device of `device=auto|cpu|cuda|cuda:1|mps`.

    Raises:
        ValueError: if this machine has no such device.
    """
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        found = torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"device is '{device}'; allowed: auto, cpu, cuda, cuda:1, mps") from error
    available = {
        "cpu": 1,
        "cuda": torch.cuda.device_count(),
        "mps": int(torch.backends.mps.is_available()),
    }.get(found.type, 0)
    if (found.index or 0) >= available:
        raise ValueError(
            f"device={device}: this machine has {available} of the kind '{found.type}'; "
            "use device=auto"
        )
    return found


def merge_with_run(command: Command, stored: dict[str, Any], run: Path) -> Command:
    """Return a command whose configuration is a run's own, but for what the command line sets.

    Raises:
        ValueError: if the command line contradicts what the checkpoint was trained with.
    """
    merged = copy.deepcopy(stored)
    for key in ("stage", "run", "resume", "split", "epoch", "device", "overwrite", "allow"):
        merged[key] = command.raw[key]
    for override in command.overrides:
        key = override.lstrip("+~").partition("=")[0].partition("@")[0].replace("/", ".")
        if key == "experiment":
            for section in LATER_SECTIONS:
                merged[section] = copy.deepcopy(command.raw[section])
            for section in FIXED_GROUPS:
                _refuse_contradiction(section, stored, command.raw, run, override)
        elif key.split(".")[0] in FIXED_GROUPS and key not in MOVABLE:
            _refuse_contradiction(key, stored, command.raw, run, override)
        elif not key.startswith("hydra"):
            _put(merged, key, _take(command.raw, key))
    check_config(merged)
    return Command(merged, command.overrides, command.name, command.folder)


def check_resume(command: Command, stored: Mapping[str, Any]) -> None:
    """Check that a run can go on with these settings.

    Raises:
        ValueError: if it is finished, or a setting that its steps depend on has changed.
    """
    for key in FIXED_ON_RESUME:
        if _take(command.raw, key) != _take(stored, key):
            raise ValueError(
                f"a resumed run goes on with its own {key}={_take(stored, key)}; leave it out, or "
                "train anew"
            )


def _refuse_contradiction(
    key: str, stored: Mapping[str, Any], given: Mapping[str, Any], run: Path, override: str
) -> None:
    one, other = copy.deepcopy(_take(stored, key)), copy.deepcopy(_take(given, key))
    if (
        key == "data"
    ):  # where a data set lies is not what it is, and its manifest says how it was made
        for side in (one, other):
            side.update(dict.fromkeys(("root", "source", "splits", *ADOPTED)))
    if one != other:
        raise ValueError(
            f"'{override}' contradicts the run '{run}', which was trained with another {key}; "
            f"leave it out, or train anew with it"
        )


def _take(config: Mapping[str, Any], key: str) -> Any:
    value: Any = config
    for name in key.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _put(config: dict[str, Any], key: str, value: Any) -> None:
    *path, last = key.split(".")
    for name in path:
        config = config.setdefault(name, {})
    config[last] = copy.deepcopy(value)
