"""Everything in one call: prepare, train, reconstruct and evaluate."""

from dataclasses import replace

from inr.config.job import Job
from inr.config.overrides import Overrides
from inr.stages.evaluate.evaluate import evaluate
from inr.stages.prepare.prepare import prepare
from inr.stages.reconstruct import reconstruct
from inr.stages.train.train import train


def run_all(job: Job) -> None:
    """Run the stages one after the other; what each later one needs, it reads from disk."""
    data = job.config.data
    if data.source is not None:  # a procedural data set is made by train, which first says what for
        prepare(job)
    run = train(job)
    # the run's own configuration holds all that this command line says
    later = replace(
        job, raw={**job.raw, "run": str(run.path), "resume": None}, overrides=Overrides()
    )
    reconstruct(later)
    evaluate(later)
    print(f"\nrun directory: {run.path}\npictures:      {run.renders}", flush=True)
