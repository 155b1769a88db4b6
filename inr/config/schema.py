"""What the sections of the configuration hold that no `_target_` describes.

Each field's name and type is the schema; the defaults live in the YAML files under conf/.
"""

from dataclasses import dataclass
from typing import Any

from inr.data.settings import Data
from inr.metrics.settings import Eval
from inr.reconstruct.settings import Reconstruct
from inr.render.settings import Renderer
from inr.settings import Target
from inr.training.settings import Optimizer, Train

OPERATIONS = ("replace", "remove", "move", "scale", "swap", "interpolate")
PRIORS = ("gaussian", "pca")


@dataclass(frozen=True)
class Prepare:
    """Say how `prepare` runs; what it makes does not depend on it."""

    shard: str  # 0/8: the first of eight
    time_limit: float  # seconds a shape
    device: str  # cpu | cuda
    drop_missing: bool  # drop shapes whose source file is no longer there


@dataclass(frozen=True)
class Sample:
    """Say which new shapes stage=sample makes."""

    num_shapes: int
    prior: str  # gaussian | pca, fitted to the trained latents
    explained_variance: float  # fraction of it that the kept components of pca hold
    interpolate: list[str]  # two training shapes to go between, instead of a prior


@dataclass(frozen=True)
class Edit:
    """Say how stage=edit changes a shape that is made of parts."""

    operation: str  # replace | remove | move | scale | swap | interpolate
    part: int
    other: str | None  # of replace, swap, interpolate: the other shape
    keep_pose: bool  # of replace: take the other part's form, and stay in place
    offset: list[float] | None  # of move, box units
    factor: Any  # of scale: a number, or one for each of the part's axes
    steps: int  # of interpolate


@dataclass(frozen=True)
class Config:
    """Hold the whole configuration."""

    stage: str
    run: str | None
    resume: str | None
    runs: Any  # of evaluate: a list of run directories or sweeps, or one
    against: Any  # likewise, to hold them against
    meshes: str | None  # of evaluate: a folder of reconstructions that no run made
    ground_truth: str | None  # and the folder of what they should be
    scans: str | None  # and of the points that they were made from
    shape: str | None  # of edit
    split: Any  # one of SPLITS, or a list of them
    epoch: int | str  # latest | best | a number
    device: str
    seed: int
    overwrite: bool
    strict: bool
    workers: int
    allow: list[str]
    data: Data
    prepare: Prepare
    model: Target
    latent: Target
    loss: dict[str, Target]
    optimizer: Optimizer
    train: Train
    reconstruct: Reconstruct
    sample: Sample
    edit: Edit
    eval: Eval
    logger: Target
    renderer: Renderer
