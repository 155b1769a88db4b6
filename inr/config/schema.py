"""The schema of the whole configuration; each group's settings stand in the room that uses them.

What is a `_target_` entry has no dataclass: its schema is its constructor's signature.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from inr.data.settings import Data
from inr.metrics.settings import Eval
from inr.reconstruct.settings import Reconstruct
from inr.render.settings import Renderer
from inr.settings import AtLeast, Fingerprint, Fraction, Role, Target
from inr.training.settings import Optimizer, Train

FIXED = Role.FIXED_BY_CHECKPOINT
THIS = Role.OF_THIS_JOB
LATER = Role.OF_LATER_STAGE


@dataclass(frozen=True)
class Prepare:
    """How `prepare` runs; what it makes does not depend on it."""

    shard: Annotated[str, "0/8: the first of eight processes"]
    time_limit: Annotated[float, AtLeast(0), "seconds a shape may take; 0 for any"]
    device: Annotated[str, "where distances are computed: cpu or cuda"]
    drop_missing: Annotated[bool, "drop shapes whose source file is no longer there"]


@dataclass(frozen=True)
class Sample:
    """New shapes of stage=sample."""

    num_shapes: Annotated[int, AtLeast(1)]
    prior: Annotated[Literal["gaussian", "pca"], "fitted to the trained latents"]
    explained_variance: Annotated[
        float, Fraction(), "of pca: fraction that the kept components hold"
    ]
    interpolate: Annotated[list[str], "two training shapes to go between, instead of a prior"]


@dataclass(frozen=True)
class Edit:
    """Change of stage=edit to a shape that is made of parts."""

    operation: Literal["replace", "remove", "move", "scale", "swap", "interpolate"]
    part: Annotated[int, "number of the part, from 0"]
    other: Annotated[str | None, "replace, swap, interpolate: the other shape"]
    keep_pose: Annotated[bool, "replace: take the other part's form, and stay in place"]
    offset: Annotated[list[float] | None, "move: box units"]
    factor: Annotated[Any, "scale: a number, or one for each of the part's axes"]
    steps: Annotated[int, AtLeast(1), "interpolate: shapes on the way"]


@dataclass(frozen=True)
class Config:
    """The whole configuration."""

    stage: Annotated[str, THIS, "what to do: python -m inr --help lists them"]
    run: Annotated[str | None, THIS, "a run directory, or latest, for the stages after train"]
    resume: Annotated[str | None, THIS, "train: a run directory, or latest, to go on with"]
    runs: Annotated[Any, "evaluate: several run directories, or a sweep's, as one result"]
    against: Annotated[Any, "evaluate: the runs that those are held against"]
    meshes: Annotated[str | None, "evaluate: a folder of anybody's meshes, without a run"]
    ground_truth: Annotated[str | None, "evaluate: the folder of what they should be"]
    scans: Annotated[str | None, "evaluate: the points that they were made from"]
    shape: Annotated[str | None, "edit: its name"]
    split: Annotated[Any, "train, valid or test, or a list of them"]
    epoch: Annotated[int | str, THIS, "of the checkpoint: latest, best or a number"]
    device: Annotated[str, THIS, "auto, cpu, cuda, cuda:1, mps"]
    seed: Annotated[int, Role.FIXED_ON_RESUME, Fingerprint("fit")]
    overwrite: Annotated[bool, THIS, "do finished shapes again"]
    strict: Annotated[bool, "prepare: exit 1 if any shape is refused"]
    workers: Annotated[int, AtLeast(0), "prepare: processes; 0 for one a core"]
    allow: Annotated[list[str], THIS, "packages outside inr and torch that a _target_ may name"]
    data: Annotated[Data, FIXED]
    prepare: Prepare
    model: Annotated[Target, FIXED]
    latent: Annotated[Target, FIXED]
    loss: Annotated[dict[str, Target], FIXED]
    optimizer: Optimizer
    train: Train
    reconstruct: Annotated[Reconstruct, LATER]
    sample: Annotated[Sample, LATER]
    edit: Annotated[Edit, LATER]
    eval: Annotated[Eval, LATER]
    logger: Annotated[Target, LATER]
    renderer: Annotated[Renderer, LATER]
