"""The command line: python -m inr stage=train model=deepsdf."""

import logging
import os
import sys
import traceback
from pathlib import Path

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from inr.config.compose import (
    CONF,
    PACKAGE,
    check_command_line,
    group_choices,
    job_name,
    register_resolvers,
    to_plain,
)

failures: list[Exception] = []  # of the one job outside a sweep

HELP = """inr: experiments with implicit neural representations of shapes

usage: python -m inr stage=<stage> [group=choice ...] [key=value ...]
       python -m inr -m ... key=a,b      a sweep: one job for each combination

stages
  prepare      meshes -> normalised meshes, samples, splits
  inspect      one page on a data set: counts, histograms, the shapes that stand out
  train        samples -> network and latents, in a new run directory under outputs/
  reconstruct  run=latest | run=<directory>: latents and meshes of a split
  evaluate     run=latest | run=<directory>: metrics of the reconstructed meshes, eval=<protocol>
               meshes=<folder> ground_truth=<folder>: of anybody's;
               runs=[...] [against=[...]]: of several
  sample       run=latest | run=<directory>: new shapes from the trained latents, or between two
  edit         run=... shape=<name>: change one part of a shape made of parts
  all          prepare, train, reconstruct and evaluate, one after the other

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
    """Run one job: a whole command line, or one point of a sweep."""
    from inr.config.infer_dim import infer_dim
    from inr.config.job import Job
    from inr.config.overrides import Overrides
    from inr.stages.dispatch import dispatch

    settings = HydraConfig.get()
    is_sweep = settings.mode == RunMode.MULTIRUN
    command = Job(
        raw=infer_dim(to_plain(config)),
        overrides=Overrides(settings.overrides.task),
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
    is_bare = len(sys.argv) == 1  # nobody means to start hours of training with nothing
    if arguments.help or is_bare:
        groups = group_choices()
        width = max(map(len, groups))
        lines = [f"  {name.ljust(width)}  {', '.join(c)}" for name, c in groups.items()]
        print(HELP.format(groups="\n".join(lines)))
        return 2 if is_bare else 0
    log_to_terminal()
    os.environ["HYDRA_FULL_ERROR"] = "1"  # so that errors reach us, not Hydra's own report
    try:
        if not (arguments.cfg or arguments.info or arguments.shell_completion):
            validate(arguments.overrides, arguments.multirun, arguments.config_dir)
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


def validate(overrides: list[str], multirun: bool, config_dir: str | None) -> None:
    """Compose and check every job before Hydra launches any.

    Raises:
        ValueError: for the first mistake.
    """
    from inr.config.infer_dim import infer_dim
    from inr.config.validate import check_config

    for config in check_command_line(overrides, multirun=multirun, config_dir=config_dir):
        check_config(infer_dim(config))


def report(error: BaseException) -> int:
    """Print what a person needs to know of an error, and return the exit code."""
    code = getattr(error, "exit_code", None)
    if isinstance(error, FloatingPointError):
        code = 3
    elif isinstance(error, ValueError) and _is_ours(error):
        code = 2
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
