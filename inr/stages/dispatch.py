"""From the name of a stage to its function."""

from collections.abc import Callable
from dataclasses import replace

from inr.config.job import Job
from inr.config.overrides import Overrides
from inr.stages.edit import edit
from inr.stages.evaluate.evaluate import evaluate
from inr.stages.inspect import inspect
from inr.stages.prepare.prepare import prepare
from inr.stages.reconstruct import reconstruct
from inr.stages.sample import sample
from inr.stages.train.train import train


def dispatch(command: Job) -> None:
    """Run the stage that the command names."""
    stages: dict[str, Callable[[Job], object]] = {
        "prepare": prepare,
        "inspect": inspect,
        "train": train,
        "reconstruct": reconstruct,
        "evaluate": evaluate,
        "sample": sample,
        "edit": edit,
        "all": run_all,
    }
    stages[command.raw["stage"]](command)


def run_all(command: Job) -> None:
    """Prepare, train, reconstruct and evaluate; what each later stage needs, it reads from disk."""
    data = command.config.data
    if data.source is not None:  # a procedural data set is made by train, which first says what for
        prepare(command)
    run = train(command)
    # the run's own configuration holds all that this command line says
    later = replace(
        command, raw={**command.raw, "run": str(run.path), "resume": None}, overrides=Overrides()
    )
    reconstruct(later)
    evaluate(later)
    print(f"\nrun directory: {run.path}\npictures:      {run.renders}", flush=True)
