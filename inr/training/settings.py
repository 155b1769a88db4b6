"""Settings of training."""

from dataclasses import dataclass

from inr.settings import Target

VALIDATION_METRICS = (
    "loss",
    "chamfer_l2",
    "chamfer_l1",
    "iou",
    "normal_consistency",
    "f_score",
)


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
