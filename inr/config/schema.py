"""The schema of the whole configuration; each group's dataclass is in the subpackage that uses it.

A `_target_` entry has no dataclass: the signature of its constructor is its schema.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from inr.data.settings import Data
from inr.metrics.settings import Eval
from inr.reconstruct.settings import Reconstruct
from inr.render.settings import Renderer
from inr.settings import AtLeast, Fingerprint, Fraction, Role, Target
from inr.training.settings import Optimizer, Train


@dataclass(frozen=True)
class Prepare:
    """Settings of how `prepare` runs; the sample files do not depend on them."""

    shard: Annotated[
        str, "i/n: prepare only the i-th of n parts of the shapes, i from 0; 0/1 for all"
    ]
    time_limit: Annotated[float, AtLeast(0), "seconds that a shape may take; 0 for no limit"]
    device: Annotated[str, "device on which distances are computed: cpu or cuda"]
    drop_missing: Annotated[bool, "drop shapes whose source file is missing"]


@dataclass(frozen=True)
class Sample:
    """Settings of stage=sample."""

    num_shapes: Annotated[int, AtLeast(1), "number of new shapes"]
    prior: Annotated[
        Literal["gaussian", "pca"],
        "distribution that new latents are drawn from, fitted to the trained ones",
    ]
    explained_variance: Annotated[
        float, Fraction(), "pca: fraction of variance that the kept components explain"
    ]
    interpolate: Annotated[
        list[str], "two training shapes to interpolate between, instead of drawing from a prior"
    ]


@dataclass(frozen=True)
class Edit:
    """Settings of stage=edit, which changes a shape made of parts."""

    operation: Annotated[
        Literal["replace", "remove", "move", "scale", "swap", "interpolate"],
        "what to do with the part",
    ]
    part: Annotated[int, AtLeast(0), "number of the part, from 0"]
    other: Annotated[str | None, "replace, swap, interpolate: the other shape"]
    keep_pose: Annotated[bool, "replace: take the other part's latent but keep this part's pose"]
    offset: Annotated[list[float] | None, "move: translation, box units"]
    factor: Annotated[Any, "scale: a number, or one for each of the part's axes"]
    steps: Annotated[int, AtLeast(1), "interpolate: number of shapes, both ends included"]


@dataclass(frozen=True)
class Config:
    """The whole configuration."""

    stage: Annotated[str, Role.JOB_ONLY, "what to do: python -m inr --help lists them"]
    run: Annotated[
        str | None, Role.JOB_ONLY, "a run directory, or latest, for the stages after train"
    ]
    resume: Annotated[str | None, Role.JOB_ONLY, "train: a run directory, or latest, to resume"]
    runs: Annotated[Any, "evaluate: several run directories, or a sweep's, as one result"]
    against: Annotated[Any, "evaluate: the runs to compare `runs` with"]
    meshes: Annotated[str | None, "evaluate: a folder of meshes from any source, instead of a run"]
    ground_truth: Annotated[
        str | None, "evaluate: the folder of their ground truth, matched by name"
    ]
    scans: Annotated[
        str | None, "evaluate: the folder of point clouds that the meshes were reconstructed from"
    ]
    shape: Annotated[str | None, "edit: name of the shape to edit"]
    split: Annotated[Any, Role.LATER_STAGE, "train, valid or test, or a list of them"]
    epoch: Annotated[
        int | str, Role.JOB_ONLY, "which checkpoint to open: latest, best or an epoch number"
    ]
    device: Annotated[str, Role.JOB_ONLY, "auto, cpu, cuda, cuda:1, mps"]
    seed: Annotated[int, Role.FIXED_ON_RESUME, Fingerprint("fit"), "seed of all random draws"]
    overwrite: Annotated[bool, Role.JOB_ONLY, "redo finished shapes"]
    strict: Annotated[bool, "prepare: exit 1 if any shape is refused"]
    workers: Annotated[int, AtLeast(0), "prepare: processes; 0 for one per core"]
    allow: Annotated[
        list[str], Role.JOB_ONLY, "packages outside inr and torch whose classes a _target_ may name"
    ]
    data: Annotated[Data, Role.FIXED_BY_CHECKPOINT]
    prepare: Prepare
    model: Annotated[Target, Role.FIXED_BY_CHECKPOINT, "decoder, and what its output means"]
    latent: Annotated[Target, Role.FIXED_BY_CHECKPOINT, "latents of the shapes"]
    loss: Annotated[dict[str, Target], Role.FIXED_BY_CHECKPOINT, "named loss terms"]
    optimizer: Optimizer
    train: Train
    reconstruct: Annotated[Reconstruct, Role.LATER_STAGE]
    sample: Annotated[Sample, Role.LATER_STAGE]
    edit: Annotated[Edit, Role.LATER_STAGE]
    eval: Annotated[Eval, Role.LATER_STAGE]
    logger: Annotated[Target, Role.LATER_STAGE, "dashboard that mirrors metrics.jsonl"]
    renderer: Annotated[Renderer, Role.LATER_STAGE]

    @property
    def num_parts(self) -> int | None:
        """Return P, the number of parts; None if shapes are not made of parts."""
        return self.latent.get("num_parts")
