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
    """Settings of the optimizer: algorithm, learning rates and their schedule."""

    algorithm: Annotated[Target, Role.FIXED_ON_RESUME, "a class of torch.optim"]
    lr: Annotated[float, Positive(), "learning rate of the network"]
    latent_lr: Annotated[float, AtLeast(0), "learning rate of the latents"]
    pose_lr: Annotated[float, Positive(), "learning rate of trained poses of parts"]
    schedule: Annotated[Target, "factor on all learning rates, as a function of the epoch"]


@dataclass(frozen=True)
class Train:
    """Length of training, size of the batches, and cadences in epochs (0 for never)."""

    epochs: Annotated[int, AtLeast(1), "passes over the training shapes"]
    shapes_per_batch: Annotated[int, AtLeast(1), Role.FIXED_ON_RESUME, "B, shapes per step"]
    samples_per_shape: Annotated[
        int, AtLeast(1), Role.FIXED_ON_RESUME, "points with distances, for losses that need them"
    ]
    sign_balanced: Annotated[
        bool, Role.FIXED_ON_RESUME, "half of a shape's samples outside, half inside"
    ]
    surface_per_shape: Annotated[
        int,
        AtLeast(1),
        Role.FIXED_ON_RESUME,
        Fingerprint("fit_surface"),
        "points on the surface, for losses that need them",
    ]
    space_per_shape: Annotated[
        int,
        AtLeast(1),
        Role.FIXED_ON_RESUME,
        Fingerprint("fit_surface"),
        "off-surface points, without ground truth, for losses that need them",
    ]
    space_near: Annotated[
        float,
        Fraction(),
        Role.FIXED_ON_RESUME,
        Fingerprint("fit_surface"),
        "fraction of these that are surface points with noise; the others are uniform in the box",
    ]
    space_std: Annotated[
        float,
        Positive(),
        Role.FIXED_ON_RESUME,
        Fingerprint("fit_surface"),
        "standard deviation of that Gaussian noise, box units",
    ]
    clip_gradient_norm: Annotated[
        float | None,
        Positive(),
        Role.FIXED_ON_RESUME,
        "largest L2 norm of the gradient over all parameters; null for no bound",
    ]
    log_every: Annotated[
        int, AtLeast(0), "epochs between loggings of the training loss; 0: the last only"
    ]
    validate_every: Annotated[int, AtLeast(0), "epochs between validations; 0: never"]
    num_validation_shapes: Annotated[
        int, AtLeast(1), "number of validation shapes, the first of their split"
    ]
    validation_resolution: Annotated[
        int, AtLeast(8), "points along each side of the extraction grid"
    ]
    validation_points: Annotated[int, AtLeast(1), "points drawn on each surface"]
    validation_iterations: Annotated[
        int, AtLeast(1), "iterations of fitting the latents of validation shapes"
    ]
    render_every: Annotated[int, AtLeast(0), "epochs between pictures of training shapes; 0: never"]
    num_renders: Annotated[
        int, AtLeast(1), "number of first shapes to draw; as many random ones are drawn too"
    ]
    render_resolution: Annotated[int, AtLeast(8), "points per side of the extraction grid"]
    checkpoint_every: Annotated[
        int, AtLeast(0), "epochs between checkpoints besides last.pt; 0: none"
    ]
    checkpoint_minutes: Annotated[float, AtLeast(0), "largest age of last.pt in minutes"]
    checkpoint_epochs: Annotated[list[int], "epochs whose checkpoints are never deleted"]
    keep_checkpoints: Annotated[
        int, AtLeast(1), "number of newest checkpoints of checkpoint_every that are kept"
    ]
    best_metric: Annotated[BestMetric, "metric that decides best.pt"]
    best_mode: Annotated[Literal["min", "max"], "whether a low or a high best_metric is good"]
