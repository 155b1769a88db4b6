"""Metrics under a named protocol: of a run, of several runs, or of folders of meshes."""

from inr.config.job import Job
from inr.stages.evaluate.compare import compare_runs
from inr.stages.evaluate.folders import evaluate_folders
from inr.stages.evaluate.run import evaluate_one


def evaluate(job: Job) -> None:
    """Run the stage.

    Raises:
        ValueError: for wrong input.
    """
    if job.config.runs:
        compare_runs(job)
    elif job.config.meshes is not None:
        evaluate_folders(job)
    else:
        evaluate_one(job)
