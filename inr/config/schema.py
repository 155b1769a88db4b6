"""What the sections of the configuration hold that no `_target_` describes.

Each field's name and type is the schema; the defaults live in the YAML files under conf/.
"""

from dataclasses import dataclass
from typing import Any

Target = dict[str, Any]
STAGES = ("prepare", "inspect", "train", "reconstruct", "evaluate", "sample", "edit", "all")
VALIDATION_METRICS = (
    "loss",
    "chamfer_l2",
    "chamfer_l1",
    "iou",
    "normal_consistency",
    "f_score",
)
SPLITS = ("train", "valid", "test")
KINDS = ("solid", "points")
SIGNS = ("winding", "pseudonormal", "unsigned")
NORMALIZE = ("box", "sphere", "none")
PRIMITIVES = ("cuboid", "cylinder")
DTYPES = ("float32", "float16")
OBSERVED = ("sdf", "surface", "partial")
POSES = ("mean", "given", "given_frozen")
OPERATIONS = ("replace", "remove", "move", "scale", "swap", "interpolate")
PRIORS = ("gaussian", "pca")


@dataclass(frozen=True)
class Sampling:
    """Say how many samples a shape gets, and where."""

    near_counts: list[int]  # near-surface samples, one count a noise level
    near_variances: list[float]  # of the Gaussian noise added to surface points, box units squared
    num_uniform: int  # in the box
    num_surface: int  # on the surface, with normals
    edge_fraction: float  # of the near-surface samples, from sharp edges
    dtype: str  # float32 | float16: of the stored samples


@dataclass(frozen=True)
class Splits:
    """Give the size of each split: a count, a fraction, or a file that lists names."""

    train: int | float | str
    valid: int | float | str
    test: int | float | str
    folds: int | None  # deal all shapes into so many, test on one and train on the others
    fold: int  # which, from 0


@dataclass(frozen=True)
class Data:
    """Name a data set and how `prepare` makes it."""

    dim: int  # of space, 2 or 3
    kind: str  # solid | points
    source: str | None  # the user's own shapes: a folder, or one file
    root: str | None  # the prepared data set; null: under outputs/datasets
    family: Target | None  # procedural shapes
    sign: str  # winding | pseudonormal | unsigned
    repair: bool  # mend meshes before they are sampled
    normalize: str  # box | sphere | none
    extent: float  # longest half-extent after normalisation
    sampling: Sampling
    splits: Splits
    primitive: str  # cuboid | cylinder: fitted to each part, for its pose
    seed: int


@dataclass(frozen=True)
class Prepare:
    """Say how `prepare` runs; what it makes does not depend on it."""

    shard: str  # 0/8: the first of eight
    time_limit: float  # seconds a shape
    device: str  # cpu | cuda
    drop_missing: bool  # drop shapes whose source file is no longer there


@dataclass(frozen=True)
class Optimizer:
    """Name the optimizer, its learning rates and their schedule."""

    algorithm: Target
    lr: float  # of the network
    latent_lr: float  # of the latents
    pose_lr: float  # of the parts' poses, where they are trained
    schedule: Target


@dataclass(frozen=True)
class Train:
    """Say how long to train, on how much at a time, and what to do how often (in epochs)."""

    epochs: int
    shapes_per_batch: int
    samples_per_shape: int  # points with distances, for losses of them
    sign_balanced: bool
    surface_per_shape: int  # points on the surface, for losses of those
    space_per_shape: int  # points anywhere, likewise
    space_near: float  # fraction of those that are drawn around the surface
    space_std: float  # of the noise that takes them away from it, box units
    log_every: int  # 0 for never; likewise below
    validate_every: int
    num_validation_shapes: int
    validation_resolution: int
    validation_points: int  # on each surface
    validation_iterations: int  # of fitting a validation shape's latent
    render_every: int
    num_renders: int  # the first shapes, and as many random ones
    render_resolution: int
    checkpoint_every: int
    checkpoint_minutes: float  # last.pt is never older
    checkpoint_epochs: list[int]  # kept for good
    keep_checkpoints: int  # newest of those at checkpoint_every
    best_metric: str  # of the validation; null in it counts as worst
    best_mode: str  # min | max


@dataclass(frozen=True)
class Reconstruct:
    """Say how latents are fitted to unseen shapes."""

    observe: str  # sdf | surface | partial
    offset: float  # from observed surface points to the samples made of them, box units
    view: list[float] | None  # partial: towards the eye, in the box frame; null: the last axis
    iterations: int
    samples_per_shape: int
    sign_balanced: bool
    lr: float
    lr_drop: float  # factor on the learning rate after half the iterations
    init_std: float  # of the latents at the start
    poses: str  # mean | given | given_frozen: where parts start, and whether they stay
    pose_lr: float  # of poses, at the start
    labels: bool  # whether the part of each sample is known
    shapes_per_batch: int  # how many are fitted together; no effect on the result


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
class Eval:
    """Name a protocol and its settings."""

    protocol: str
    frame: str  # box | native | unit_cube
    resolution: int  # of marching cubes, in points a side
    coarse_to_fine: bool  # evaluate only near the surface
    num_points: int  # on each surface
    seed: int
    empty: str  # left_out | diagonal: what an empty reconstruction counts as in distances
    dataset: str | None  # its name in inr/metrics/published.yaml
    metrics: dict[str, Target]


@dataclass(frozen=True)
class Renderer:
    """Name what draws shapes."""

    solid: Target  # 3-D
    flat: Target  # 2-D


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
