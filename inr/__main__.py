"""The command line: python -m inr stage=train model=deepsdf."""

import logging
import os
import sys
import traceback
from argparse import Namespace
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from inr.config.compose import (
    CONF,
    Composed,
    check_command_line,
    group_choices,
    job_name,
    register_resolvers,
    to_plain,
)
from inr.exits import ExitCode
from inr.stages import STAGES, check_stage, find_stage

failures: list[Exception] = []  # the error of a job outside a sweep

HELP = """inr: experiments with implicit neural representations of shapes

usage: python -m inr stage=<stage> [group=choice ...] [key=value ...]
       python -m inr -m ... key=a,b      a sweep: one job for each combination

stages
{stages}

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


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")
def run_job(config: DictConfig) -> None:
    """Run one job that Hydra launches: one point of a sweep, or with settings of Hydra itself."""
    from inr.config.infer import infer_settings

    settings = HydraConfig.get()
    is_sweep = settings.mode == RunMode.MULTIRUN
    folder = Path(settings.runtime.output_dir) if is_sweep else None
    name = job_name(settings.runtime.choices)
    try:
        run_stage(infer_settings(to_plain(config)), settings.overrides.task, name, folder)
    except Exception as error:
        if is_sweep:  # the launcher reports it, and may continue with the other jobs
            raise
        # raised here, it would be reported by Hydra first
        failures.append(error)


def run_stage(
    raw: dict[str, Any], overrides: Sequence[str], name: str, folder: Path | None = None
) -> None:
    """Run the stage of one job; see `Job`."""
    from inr.config.job import Job
    from inr.config.overrides import Overrides

    job = Job(raw, Overrides(overrides), name, folder)
    find_stage(job.raw["stage"], job.raw["allow"])(job)


def main() -> int:
    """Run the command line and return the exit code."""
    register_resolvers()
    failures.clear()
    arguments = get_args_parser().parse_args()
    is_bare = len(sys.argv) == 1  # a bare command must not start hours of training
    if arguments.help or is_bare:
        print(help_text())
        return 2 if is_bare else 0
    log_to_terminal()
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors are raised to main, not reported by Hydra
    trusted = {"inr"}
    try:
        check_flags(arguments)
        if arguments.cfg:  # a configuration that is only shown need not be valid
            check_command_line(
                arguments.overrides, multirun=arguments.multirun, config_dir=arguments.config_dir
            )
        elif not (arguments.info or arguments.shell_completion):
            jobs = validate(arguments.overrides, arguments.multirun, arguments.config_dir)
            trusted |= {package for job in jobs for package in job.raw["allow"]}
            if not needs_hydra(arguments, jobs):  # it would compose the same twice more
                (job,) = jobs
                run_stage(job.raw, job.overrides, job.name)
                return 0
        run_job()
        if failures:
            raise failures[0]
    except KeyboardInterrupt:
        print("inr: stopped", file=sys.stderr)
        return 130
    except BaseException as error:
        if isinstance(error, Exception | ExitCode):
            return report(error, trusted)
        raise
    return 0


def run_script() -> int:
    """Run the console script `inr`, the same as `python -m inr`, and return the exit code."""
    # python -m has the working directory on the path as well, for the user's own packages
    sys.path.append(str(Path.cwd()))
    return main()


def help_text() -> str:
    """Return the text of --help: stages, groups and their choices, examples."""
    stages = {name: stage.help for name, stage in STAGES.items()}
    groups = {name: ", ".join(choices) for name, choices in group_choices().items()}
    return HELP.format(stages=_columns(stages, width=11), groups=_columns(groups))


def _columns(rows: Mapping[str, str], width: int = 0) -> str:
    width = max(width, *map(len, rows))
    further = "\n" + " " * (width + 4)
    return "\n".join(f"  {k.ljust(width)}  {v.replace(chr(10), further)}" for k, v in rows.items())


def check_flags(arguments: Namespace) -> None:
    """Check that at most one of the flags of Hydra that choose what to do is given.

    Raises:
        ValueError: if there are several.
    """
    flags = ("run", "multirun", "cfg", "info", "shell_completion")
    given = [f"--{flag}" for flag in flags if getattr(arguments, flag)]
    if len(given) > 1:
        raise ValueError(f"{' and '.join(given)} exclude each other; leave out all but one")


def validate(overrides: list[str], multirun: bool, config_dir: str | None) -> list[Composed]:
    """Return the jobs of the command line, composed and checked before any of them starts.

    Raises:
        ValueError: for the first mistake.
    """
    jobs = check_command_line(overrides, multirun=multirun, config_dir=config_dir)
    for job in jobs:
        check_stage(job.raw["stage"], job.raw["allow"])

    # these import torch, which takes longer than a mistake so far
    from inr.config.infer import infer_settings
    from inr.config.validate import check_config

    jobs = [replace(job, raw=infer_settings(job.raw)) for job in jobs]
    for job in jobs:
        check_config(job.raw)
    return jobs


def needs_hydra(arguments: Namespace, jobs: Sequence[Composed]) -> bool:
    """Return whether Hydra has to launch the jobs: a sweep, or with settings of Hydra itself."""
    changed = (arguments.config_name, arguments.config_path, arguments.experimental_rerun)
    return arguments.multirun or any(changed) or any(job.needs_hydra for job in jobs)


def report(error: BaseException, trusted: Collection[str] = ("inr",)) -> int:
    """Print an error and return the exit code.

    Args:
        error: error that ended the job.
        trusted: packages whose ValueErrors are messages to the user: ours and the allowed ones.
            Any other ValueError is a bug, and printed with its traceback.
    """
    code = error.exit_code if isinstance(error, ExitCode) else None
    if isinstance(error, FloatingPointError):
        code = 3
    elif isinstance(error, ValueError) and _is_from(error, trusted):
        code = 2
    if code is None:
        traceback.print_exception(error)
        return 1
    print(f"inr: {error}", file=sys.stderr)
    return code


def _is_from(error: Exception, packages: Collection[str]) -> bool:
    """Return whether the error was raised by code of one of these packages."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    module = str(frames[-1].f_globals.get("__name__", "")) if frames else ""
    return any(f"{module}.".startswith(f"{package}.") for package in packages)


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
