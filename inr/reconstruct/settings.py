"""Settings of fitting latents to unseen shapes."""

from dataclasses import dataclass
from typing import Annotated, Literal

from inr.settings import AtLeast, Fingerprint, Positive

FIT = Fingerprint("fit")
FIT_PARTS = Fingerprint("fit_parts")


@dataclass(frozen=True)
class Reconstruct:
    """Settings of fitting latents to observations of unseen shapes."""

    observe: Annotated[
        Literal["sdf", "surface", "partial"],
        FIT,
        "sdf: samples with distances; surface: surface points with normals; partial: those of them "
        "that are visible from one side",
    ]
    offset: Annotated[
        float,
        Positive(),
        Fingerprint("fit", ("surface", "partial")),
        "distance of the samples made from observed surface points to them, box units",
    ]
    view: Annotated[
        list[float] | None,
        Fingerprint("fit", ("partial",)),
        "partial: direction towards the eye, box frame; null: the last axis",
    ]
    iterations: Annotated[int, AtLeast(1), FIT, "iterations of Adam"]
    samples_per_shape: Annotated[int, AtLeast(1), FIT, "samples per shape and iteration"]
    sign_balanced: Annotated[bool, FIT, "half of the samples outside, half inside"]
    lr: Annotated[float, Positive(), FIT, "initial learning rate of the latents"]
    lr_drop: Annotated[
        float, AtLeast(0), FIT, "factor on the learning rates after half the iterations"
    ]
    init_std: Annotated[float, AtLeast(0), FIT, "the latents start from N(0, init_std^2)"]
    poses: Annotated[
        Literal["mean", "given", "given_frozen"],
        FIT_PARTS,
        "initial poses of parts: mean of training, or given by the data set (frozen: not fitted)",
    ]
    pose_lr: Annotated[float, Positive(), FIT_PARTS, "initial learning rate of the poses of parts"]
    labels: Annotated[bool, FIT_PARTS, "use the part labels of the samples"]
    shapes_per_batch: Annotated[
        int, AtLeast(1), "shapes that are fitted together; no effect on the result"
    ]
