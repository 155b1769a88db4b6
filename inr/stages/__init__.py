"""The table of stages, the values of `stage=`. A stage is a function and a row of the table.

A stage can also be a function of your own package: `stage=my_package.count.count
allow=[my_package]`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import TYPE_CHECKING

from inr.config.instantiate import resolve_function
from inr.hints import nearest

if TYPE_CHECKING:
    from inr.config.job import Job


@dataclass(frozen=True)
class Stage:
    """A row of the table.

    Args:
        function: dotted path of a function of the job, which is imported when the stage runs.
        help: text for --help.
    """

    function: str
    help: str


STAGES = {
    "prepare": Stage(
        "inr.stages.prepare.prepare.prepare", "meshes -> normalised meshes, samples, splits"
    ),
    "inspect": Stage(
        "inr.stages.inspect.inspect",
        "a page about a data set: counts, histograms, unusual shapes",
    ),
    "train": Stage(
        "inr.stages.train.train.train",
        "samples -> network and latents, in a new run directory under outputs/",
    ),
    "reconstruct": Stage(
        "inr.stages.reconstruct.reconstruct",
        "run=latest | run=<directory>: latents and meshes of a split",
    ),
    "evaluate": Stage(
        "inr.stages.evaluate.evaluate.evaluate",
        "run=latest | run=<directory>: metrics of the reconstructed meshes, eval=<protocol>\n"
        "meshes=<folder> ground_truth=<folder>: metrics of meshes from any source\n"
        "runs=[...] [against=[...]]: metrics of several runs",
    ),
    "sample": Stage(
        "inr.stages.sample.sample",
        "run=latest | run=<directory>: new shapes, drawn from a prior or interpolated",
    ),
    "edit": Stage(
        "inr.stages.edit.edit",
        "run=... shape=<name>: change one part of a shape made of parts",
    ),
    "all": Stage(
        "inr.stages.run_all.run_all",
        "prepare, train, reconstruct and evaluate, one after the other",
    ),
}


def check_stage(name: object, allow: object) -> None:
    """Check that a stage exists, without importing the stages of the table.

    Args:
        name: name in the table, or dotted path of a function.
        allow: packages that the user trusts besides ours.

    Raises:
        ValueError: if there is no such stage, naming the nearest; or if it is in a package that
            the user has not allowed.
    """
    text = str(name)
    if text in STAGES:
        return
    if "." not in text:
        raise ValueError(f"stage is '{text}': {nearest(text, STAGES)}")
    # an `allow` that is not a list is refused later, with the other wrong types
    find_stage(text, allow if isinstance(allow, list) else [])


def find_stage(name: str, allow: Sequence[str]) -> Callable[["Job"], object]:
    """Return the function of a stage: see `check_stage`."""
    path = STAGES[name].function if name in STAGES else name
    function = resolve_function(path, ("inr.stages", *allow), key="stage")
    try:
        signature(function).bind(None)
    except TypeError as error:
        raise ValueError(
            f"stage '{name}' is called with one argument, the job: write "
            f"def {function.__name__}(job: Job)"
        ) from error
    return function
