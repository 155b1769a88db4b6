"""Settings of fitting latents to unseen shapes."""

from dataclasses import dataclass
from typing import Annotated, Literal

from inr.settings import AtLeast, Fingerprint, Positive

FIT = Fingerprint("fit")
FIT_PARTS = Fingerprint("fit_parts")


@dataclass(frozen=True)
class Reconstruct:
    """Settings of fitting latents to unseen shapes."""

    observe: Annotated[
        Literal["sdf", "surface", "partial"],
        FIT,
        "sdf: samples with distances; surface: surface points with normals; partial: those of the "
        "surface points that are visible from one side",
    ]
    offset: Annotated[
        float,
        Positive(),
        Fingerprint("fit", ("surface", "partial")),
        "standard deviation of the distance from surface points to the samples made of them, box "
        "units",
    ]
    view: Annotated[
        list[float] | None,
        Fingerprint("fit", ("partial",)),
        "direction towards the viewer, box frame; null: the last axis",
    ]
    iterations: Annotated[int, AtLeast(1), FIT, "number of steps of Adam"]
    samples_per_shape: Annotated[int, AtLeast(1), FIT, "samples per shape and step"]
    sign_balanced: Annotated[bool, FIT, "draw half of the samples outside, half inside"]
    lr: Annotated[float, Positive(), FIT, "initial learning rate of the latents"]
    lr_drop: Annotated[float, FIT, "factor on the learning rates after half of the iterations"]
    init_std: Annotated[float, FIT, "standard deviation of the initial latents"]
    poses: Annotated[
        Literal["mean", "given", "given_frozen"],
        FIT_PARTS,
        "initial poses of parts: mean over the training shapes; given by the data set; or the "
        "latter, kept constant",
    ]
    pose_lr: Annotated[float, Positive(), FIT_PARTS, "initial learning rate of the poses of parts"]
    labels: Annotated[bool, FIT_PARTS, "whether the part of each sample is known"]
    shapes_per_batch: Annotated[
        int, AtLeast(1), "number of shapes fitted together; no effect on the result"
    ]
