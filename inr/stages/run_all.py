"""stage=all: prepare, train, reconstruct and evaluate."""

from dataclasses import replace

from inr.config.job import Job
from inr.config.overrides import Overrides
from inr.stages.evaluate.evaluate import evaluate
from inr.stages.prepare.prepare import prepare
from inr.stages.reconstruct import reconstruct
from inr.stages.train.train import train


def run_all(job: Job) -> None:
    """Run the stages one after the other; each reads the files of the earlier ones."""
    data = job.config.data
    if data.source is not None:  # else train prepares it, after logging the estimate
        prepare(job)
    run = train(job)
    # the stored configuration of the run contains the overrides of this command line
    later = replace(
        job, raw={**job.raw, "run": str(run.path), "resume": None}, overrides=Overrides()
    )
    reconstruct(later)
    evaluate(later)
    print(f"\nrun directory: {run.path}\npictures:      {run.renders}", flush=True)
