"""The command line: python -m inr stage=train model=deepsdf."""

import difflib
import logging
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException, OverrideParseException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from inr.build import nearest

PACKAGE = Path(__file__).resolve().parent
# shipped inside the wheel as inr/conf, beside the package in a checkout
CONF = PACKAGE / "conf" if (PACKAGE / "conf").is_dir() else PACKAGE.parent / "conf"

failures: list[Exception] = []  # of the one job outside a sweep

HELP = """inr: experiments with implicit neural representations of shapes

usage: python -m inr stage=<stage> [group=choice ...] [key=value ...]
       python -m inr -m ... key=a,b      a sweep: one job for each combination

stages
  prepare      meshes -> normalised meshes, samples, splits
  train        samples -> network and codes, in a new run directory under outputs/
  reconstruct  run=latest | run=<directory>: codes and meshes of a split
  evaluate     run=latest | run=<directory>: metrics of the reconstructed meshes
  all          these four, one after the other

groups and their choices
{groups}

examples
  python -m inr stage=all experiment=quickstart
  python -m inr stage=prepare data=meshes data.source=my_meshes data.root=my_data
  python -m inr stage=train data=meshes data.root=my_data experiment=small_cpu
  python -m inr stage=evaluate run=latest split=train
  python -m inr -m stage=train experiment=quickstart model.hidden_dim=32,64

every setting and its default:  python -m inr --cfg job [group=choice ...]
"""


def register_resolvers() -> None:
    """Register what conf/config.yaml uses to name directories."""
    OmegaConf.register_new_resolver("inr.name", job_name, replace=True)
    OmegaConf.register_new_resolver("inr.slug", slug, replace=True)


def job_name(choices: Mapping[str, Any]) -> str:
    """Return the experiment's name, or else the model's."""
    return slug(str(choices.get("experiment") or choices["model"]))


def slug(text: str) -> str:
    """Return a text as part of a file name."""
    kept = "".join(c if c.isalnum() or c in "=,._+-" else "-" for c in text)
    return kept[:120]


def compose(overrides: Sequence[str]) -> dict[str, Any]:
    """Return the resolved configuration for these overrides.

    Raises:
        ValueError: for an unknown group choice or key, with the nearest valid name.
    """
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        try:
            return to_plain(hydra.compose("config", overrides=list(overrides)))
        except OverrideParseException as error:
            raise ValueError(
                f"'{error.override}' cannot be read; write key=value or group=choice"
            ) from error
        except (HydraException, OmegaConfBaseException) as error:
            raise ValueError(_explain(error, overrides)) from error


def to_plain(config: DictConfig) -> dict[str, Any]:
    """Return a configuration as plain, resolved dictionaries.

    Raises:
        ValueError: if a value that has no default is missing.
    """
    missing = OmegaConf.missing_keys(config)
    if missing:
        key = min(missing)
        raise ValueError(f"'{key}' has no default; add {key}=<value> to the command line")
    plain = OmegaConf.to_container(config, resolve=True)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def _explain(error: Exception, overrides: Sequence[str]) -> str:
    """Say in one sentence what is wrong with the overrides."""
    groups = group_choices()
    good: list[str] = []
    for override in OverridesParser.create().parse_overrides(list(overrides)):
        key, value = override.key_or_group, override.value()
        if key in groups and isinstance(value, str) and value not in groups[key]:
            return f"{key}={value}: there is no such choice; {nearest(value, groups[key])}"
        if key in groups:
            good.append(str(override.input_line))
    known = _flat_keys(to_plain_unresolved(good))
    for override in OverridesParser.create().parse_overrides(list(overrides)):
        key = override.key_or_group
        if key not in groups and key not in known and not override.is_add():
            matches = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
            hint = f"did you mean '{matches[0]}'?" if matches else "see python -m inr --cfg job"
            return f"unknown key '{key}': {hint}"
    return " ".join(str(error).split())


def to_plain_unresolved(overrides: Sequence[str]) -> Any:
    """Return the configuration of these group choices, as far as it goes."""
    try:
        return OmegaConf.to_container(hydra.compose("config", overrides=list(overrides)))
    except (HydraException, OmegaConfBaseException):
        return OmegaConf.to_container(hydra.compose("config"))


def _flat_keys(config: Any, prefix: str = "") -> list[str]:
    keys: list[str] = []
    for key, value in config.items() if isinstance(config, dict) else []:
        keys += [prefix + str(key), *_flat_keys(value, f"{prefix}{key}.")]
    return keys


def group_choices() -> dict[str, list[str]]:
    """Return each configuration group's choices."""
    folders = sorted(path.parent for path in CONF.glob("*/**/*.yaml"))
    return {
        folder.relative_to(CONF).as_posix(): sorted(path.stem for path in folder.glob("*.yaml"))
        for folder in folders
    }


def expand_sweep(overrides: Sequence[str]) -> list[list[str]]:
    """Return each job's overrides, as Hydra's basic sweeper will make them."""
    parsed: list[Override] = OverridesParser.create().parse_overrides(list(overrides))
    choices = []
    for override in parsed:
        if override.is_sweep_override() and override.is_discrete_sweep():
            key = override.get_key_element()
            choices.append([f"{key}={value}" for value in override.sweep_string_iterator()])
        elif override.is_sweep_override():
            choices.append([])  # an interval: only the sweeper that draws from it knows
        else:
            choices.append([str(override.input_line)])
    return [list(job) for job in product(*(choice for choice in choices if choice))]


def validate(overrides: Sequence[str], multirun: bool) -> None:
    """Compose and check every job before Hydra launches any.

    Raises:
        ValueError: for the first mistake.
    """
    from inr.stages.command import check_config

    try:
        jobs = expand_sweep(overrides) if multirun else [list(overrides)]
    except HydraException as error:
        raise ValueError(" ".join(str(error).split())) from error
    for job in jobs:
        check_config(compose([o for o in job if not o.lstrip("+~").startswith("hydra")]))


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")
def run_job(config: DictConfig) -> None:
    """Run one job: a whole command line, or one point of a sweep."""
    from inr.stages.command import Command
    from inr.stages.dispatch import dispatch

    settings = HydraConfig.get()
    is_sweep = settings.mode == RunMode.MULTIRUN
    command = Command(
        raw=to_plain(config),
        overrides=[str(o) for o in settings.overrides.task],
        name=job_name(settings.runtime.choices),
        folder=Path(settings.runtime.output_dir) if is_sweep else None,
    )
    try:
        dispatch(command)
    except Exception as error:
        if is_sweep:  # the launcher reports it, and goes on with the other jobs if it can
            raise
        # Hydra would print its own report before ours
        failures.append(error)


def main() -> int:
    """Run the command line and return the exit code."""
    register_resolvers()
    failures.clear()
    arguments = get_args_parser().parse_args()
    if arguments.help:
        groups = group_choices()
        width = max(map(len, groups))
        lines = [f"  {name.ljust(width)}  {', '.join(c)}" for name, c in groups.items()]
        print(HELP.format(groups="\n".join(lines)))
        return 0
    log_to_terminal()
    os.environ["HYDRA_FULL_ERROR"] = "1"  # so that errors reach us, not Hydra's own report
    try:
        if not (arguments.cfg or arguments.info or arguments.shell_completion):
            validate(arguments.overrides, arguments.multirun)
        run_job()
        if failures:
            raise failures[0]
    except KeyboardInterrupt:
        print("inr: stopped", file=sys.stderr)
        return 130
    except BaseException as error:
        if isinstance(error, Exception) or hasattr(error, "exit_code"):
            return report(error)
        raise
    return 0


def report(error: BaseException) -> int:
    """Print what a person needs to know of an error, and return the exit code."""
    code = getattr(error, "exit_code", None)
    if isinstance(error, FloatingPointError):
        code = 3
    elif isinstance(error, ValueError) and _is_ours(error):
        code = 2
    elif type(error).__name__ == "ShapesRefused":
        code = 1
    if code is None:
        traceback.print_exception(error)
        return 1
    print(f"inr: {error}", file=sys.stderr)
    return int(code)


def _is_ours(error: Exception) -> bool:
    """Return whether our own code raised it: a library's ValueError is a bug of ours."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and Path(frames[-1].filename).resolve().is_relative_to(PACKAGE)


def log_to_terminal() -> None:
    """Show the log on standard error, above progress bars."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger("inr")
    logger.setLevel(logging.INFO)
    logger.handlers = [handler]
    logger.propagate = False


if __name__ == "__main__":
    sys.exit(main())
