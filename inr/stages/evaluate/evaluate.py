"""Metrics, under a named protocol: of a run, of several runs as one, or of anybody's meshes."""

from inr.config.job import Job
from inr.stages.evaluate.compare import compare_runs
from inr.stages.evaluate.folders import evaluate_folders
from inr.stages.evaluate.run import evaluate_one


def evaluate(command: Job) -> None:
    """Run the stage.

    Raises:
        ValueError: for wrong input.
    """
    if command.config.runs:
        compare_runs(command)
    elif command.config.meshes is not None:
        evaluate_folders(command)
    else:
        evaluate_one(command)
