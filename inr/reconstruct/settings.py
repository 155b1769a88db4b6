"""Settings of fitting latents to unseen shapes."""

from dataclasses import dataclass
from typing import Annotated, Literal

from inr.settings import AtLeast, Fingerprint, Positive

FIT = Fingerprint("fit")
FIT_PARTS = Fingerprint("fit_parts")


@dataclass(frozen=True)
class Reconstruct:
    """What latents of unseen shapes are fitted to, and how."""

    observe: Annotated[
        Literal["sdf", "surface", "partial"],
        FIT,
        "samples; surface points with normals; or of those the ones seen from one side",
    ]
    offset: Annotated[
        float,
        Positive(),
        Fingerprint("fit", ("surface", "partial")),
        "from observed surface points to the samples made of them, box units",
    ]
    view: Annotated[
        list[float] | None,
        Fingerprint("fit", ("partial",)),
        "direction towards the eye, box frame; null: the last axis",
    ]
    iterations: Annotated[int, AtLeast(1), FIT, "of Adam"]
    samples_per_shape: Annotated[int, AtLeast(1), FIT, "a step"]
    sign_balanced: Annotated[bool, FIT, "half of the samples outside, half inside"]
    lr: Annotated[float, Positive(), FIT, "of the latents, at the start"]
    lr_drop: Annotated[float, FIT, "factor on the learning rates after half the iterations"]
    init_std: Annotated[float, FIT, "of the latents at the start, N(0, init_std^2)"]
    poses: Annotated[
        Literal["mean", "given", "given_frozen"],
        FIT_PARTS,
        "where poses of parts start: the training mean or the data's, the last kept as it is",
    ]
    pose_lr: Annotated[float, Positive(), FIT_PARTS, "of the poses of parts, at the start"]
    labels: Annotated[bool, FIT_PARTS, "whether the part of each sample is known"]
    shapes_per_batch: Annotated[
        int, AtLeast(1), "how many are fitted together; no effect on the result"
    ]
