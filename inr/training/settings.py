"""Settings of training."""

from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from inr.settings import AtLeast, Fingerprint, Fraction, Positive, Role, Target

BestMetric = Literal[
    "valid/loss",
    "valid/chamfer_l2",
    "valid/chamfer_l1",
    "valid/iou",
    "valid/normal_consistency",
    "valid/f_score",
]
VALIDATION_METRICS = tuple(name.removeprefix("valid/") for name in get_args(BestMetric))


@dataclass(frozen=True)
class Optimizer:
    """The optimizer, its learning rates and their schedule."""

    algorithm: Annotated[Target, Role.FIXED_ON_RESUME]
    lr: Annotated[float, Positive(), "learning rate of the network"]
    latent_lr: Annotated[float, "learning rate of the latents"]
    pose_lr: Annotated[
        float, Positive(), "learning rate of the poses of parts, if they are trained"
    ]
    schedule: Annotated[Target, "factor on all learning rates over the run"]


@dataclass(frozen=True)
class Train:
    """Length of training, size of its batches, and cadences in epochs (0 for never)."""

    epochs: Annotated[int, AtLeast(1), "number of passes over the training shapes"]
    shapes_per_batch: Annotated[
        int, AtLeast(1), Role.FIXED_ON_RESUME, "B, number of shapes per step"
    ]
    samples_per_shape: Annotated[
        int, AtLeast(1), Role.FIXED_ON_RESUME, "samples per shape and step, for losses on them"
    ]
    sign_balanced: Annotated[
        bool, Role.FIXED_ON_RESUME, "draw half of the samples outside, half inside"
    ]
    surface_per_shape: Annotated[
        int,
        AtLeast(1),
        Role.FIXED_ON_RESUME,
        Fingerprint("fit_surface"),
        "surface points per shape and step, for losses on them",
    ]
    space_per_shape: Annotated[
        int,
        AtLeast(1),
        Role.FIXED_ON_RESUME,
        Fingerprint("fit_surface"),
        "points in space per shape and step, for losses on them",
    ]
    space_near: Annotated[
        float,
        Fraction(),
        Role.FIXED_ON_RESUME,
        Fingerprint("fit_surface"),
        "fraction of the points in space that are drawn near the surface",
    ]
    space_std: Annotated[
        float,
        Positive(),
        Role.FIXED_ON_RESUME,
        Fingerprint("fit_surface"),
        "standard deviation of the noise on points near the surface, box units",
    ]
    clip_gradient_norm: Annotated[
        float | None,
        Positive(),
        Role.FIXED_ON_RESUME,
        "bound on the Euclidean norm of the gradient of all parameters; null for no bound",
    ]
    log_every: Annotated[
        int, AtLeast(0), "epochs between loggings of the training loss; 0: the last only"
    ]
    validate_every: Annotated[int, AtLeast(0), "epochs between validations; 0: never"]
    num_validation_shapes: Annotated[
        int, AtLeast(1), "number of validation shapes, the first of the split"
    ]
    validation_resolution: Annotated[int, AtLeast(8), "points per side of the extraction grid"]
    validation_points: Annotated[int, AtLeast(1), "number of points sampled on each surface"]
    validation_iterations: Annotated[
        int, AtLeast(1), "number of steps to fit the latents of the validation shapes"
    ]
    render_every: Annotated[int, AtLeast(0), "epochs between pictures of training shapes; 0: never"]
    num_renders: Annotated[
        int, AtLeast(1), "number of first shapes to draw; as many random ones are drawn too"
    ]
    render_resolution: Annotated[int, AtLeast(8), "points per side of the extraction grid"]
    checkpoint_every: Annotated[
        int, AtLeast(0), "epochs between checkpoints besides last.pt; 0: none"
    ]
    checkpoint_minutes: Annotated[float, "largest age of last.pt in minutes"]
    checkpoint_epochs: Annotated[list[int], "epochs whose checkpoints are never deleted"]
    keep_checkpoints: Annotated[
        int, AtLeast(1), "number of the newest checkpoints at checkpoint_every to keep"
    ]
    best_metric: Annotated[BestMetric, "metric that selects best.pt"]
    best_mode: Annotated[Literal["min", "max"], "whether the lowest or highest best_metric is best"]
