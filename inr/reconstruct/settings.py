"""Settings of fitting latents."""

from dataclasses import dataclass

OBSERVED = ("sdf", "surface", "partial")
POSES = ("mean", "given", "given_frozen")


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
