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
    latent_lr: Annotated[float, "of the latents"]
    pose_lr: Annotated[float, Positive(), "of the poses of parts, where they are trained"]
    schedule: Annotated[Target, "factor on all learning rates over the run"]


@dataclass(frozen=True)
class Train:
    """Length of training, size of its batches, and cadences in epochs (0 for never)."""

    epochs: Annotated[int, AtLeast(1), "passes over the training shapes"]
    shapes_per_batch: Annotated[int, AtLeast(1), Role.FIXED_ON_RESUME, "B, shapes a step"]
    samples_per_shape: Annotated[
        int, AtLeast(1), Role.FIXED_ON_RESUME, "points with distances, for losses of them"
    ]
    sign_balanced: Annotated[
        bool, Role.FIXED_ON_RESUME, "half of a shape's samples outside, half inside"
    ]
    surface_per_shape: Annotated[
        int,
        AtLeast(1),
        Role.FIXED_ON_RESUME,
        Fingerprint("fit_surface"),
        "points on the surface, for losses of them",
    ]
    space_per_shape: Annotated[
        int,
        AtLeast(1),
        Role.FIXED_ON_RESUME,
        Fingerprint("fit_surface"),
        "points anywhere, for losses of them",
    ]
    space_near: Annotated[
        float,
        Fraction(),
        Role.FIXED_ON_RESUME,
        Fingerprint("fit_surface"),
        "fraction of the points anywhere that are drawn around the surface",
    ]
    space_std: Annotated[
        float,
        Positive(),
        Role.FIXED_ON_RESUME,
        Fingerprint("fit_surface"),
        "of the noise that takes those away from the surface, box units",
    ]
    clip_gradient_norm: Annotated[
        float | None,
        Positive(),
        Role.FIXED_ON_RESUME,
        "largest Euclidean norm of a step's gradient over all parameters; null for no bound",
    ]
    log_every: Annotated[int, AtLeast(0), "of the training loss"]
    validate_every: Annotated[int, AtLeast(0), "of metrics of validation shapes"]
    num_validation_shapes: Annotated[int, AtLeast(1), "the first of the validation split"]
    validation_resolution: Annotated[int, AtLeast(8), "points a side of the extraction grid"]
    validation_points: Annotated[int, AtLeast(1), "points on each surface"]
    validation_iterations: Annotated[int, AtLeast(1), "of fitting a validation shape's latent"]
    render_every: Annotated[int, AtLeast(0), "of pictures of training shapes"]
    num_renders: Annotated[int, AtLeast(1), "the first shapes, and as many random ones"]
    render_resolution: Annotated[int, AtLeast(8), "points a side of the extraction grid"]
    checkpoint_every: Annotated[int, AtLeast(0), "of checkpoints that are kept beside last.pt"]
    checkpoint_minutes: Annotated[float, "last.pt is never older"]
    checkpoint_epochs: Annotated[list[int], "epochs whose checkpoints are kept for good"]
    keep_checkpoints: Annotated[int, AtLeast(1), "newest of those at checkpoint_every"]
    best_metric: Annotated[BestMetric, "decides best.pt"]
    best_mode: Annotated[Literal["min", "max"], "whether a low best_metric is good"]
