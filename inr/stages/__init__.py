"""The table of stages: what `stage=` takes. A stage is a function of its own module and a row here.

A package of one's own may bring stages too: `stage=my_package.count.count allow=[my_package]`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inr.config.instantiate import resolve_function
from inr.hints import nearest

if TYPE_CHECKING:
    from inr.config.job import Job


@dataclass(frozen=True)
class Stage:
    """A row of the table.

    Args:
        function: its dotted path; it takes the job, and is imported when the stage runs.
        help: lines for --help.
    """

    function: str
    help: str


STAGES = {
    "prepare": Stage(
        "inr.stages.prepare.prepare.prepare", "meshes -> normalised meshes, samples, splits"
    ),
    "inspect": Stage(
        "inr.stages.inspect.inspect",
        "one page on a data set: counts, histograms, the shapes that stand out",
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
        "meshes=<folder> ground_truth=<folder>: of anybody's;\n"
        "runs=[...] [against=[...]]: of several",
    ),
    "sample": Stage(
        "inr.stages.sample.sample",
        "run=latest | run=<directory>: new shapes from the trained latents, or between two",
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
    """Check that there is such a stage; those of the table are not imported for it.

    Args:
        name: a name of the table, or the dotted path of a function.
        allow: packages that the user trusts besides ours.

    Raises:
        ValueError: if there is none, with the nearest name; or if it is of a package that the user
            has not allowed.
    """
    text = str(name)
    if text in STAGES:
        return
    if "." not in text:
        raise ValueError(f"stage is '{text}': {nearest(text, STAGES)}")
    # an `allow` that is no list is refused with the other types
    find_stage(text, allow if isinstance(allow, list) else [])


def find_stage(name: str, allow: Sequence[str]) -> Callable[["Job"], object]:
    """Return the function of a stage: see `check_stage`."""
    path = STAGES[name].function if name in STAGES else name
    return resolve_function(path, ("inr.stages", *allow), key="stage")
