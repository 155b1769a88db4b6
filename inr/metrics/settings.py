"""Settings of an evaluation."""

from dataclasses import dataclass
from typing import Annotated, Literal

from inr.settings import AtLeast, Fingerprint, Role, Target

# surface of a triangle soup that is measured against: of its solid, or its visible faces as given
GroundTruth = Literal["solid", "given"]


@dataclass(frozen=True)
class Eval:
    """Settings of a protocol: its metrics, and how meshes are extracted and measured."""

    protocol: Annotated[str, "name of the protocol and of the folder of its results"]
    frame: Annotated[
        Literal["box", "native", "unit_cube", "unit_box"],
        Role.AFFECTS_METRICS,
        "frame in which shapes are measured",
    ]
    ground_truth: Annotated[
        GroundTruth,
        Role.AFFECTS_METRICS,
        "triangle soups: measured against the solid that they enclose, or their visible faces",
    ]
    resolution: Annotated[
        int, AtLeast(8), Fingerprint("mesh"), "points along each side of the extraction grid"
    ]
    coarse_to_fine: Annotated[bool, Fingerprint("mesh"), "evaluate the field only near its surface"]
    num_points: Annotated[int, AtLeast(1), Role.AFFECTS_METRICS, "points drawn on each surface"]
    seed: Annotated[int, Role.AFFECTS_METRICS, "seed of the points"]
    empty: Annotated[
        Literal["left_out", "diagonal"],
        Role.AFFECTS_METRICS,
        "how an empty reconstruction counts in mean distances",
    ]
    dataset: Annotated[str | None, "name of the data set in the table of published numbers"]
    metrics: Annotated[dict[str, Target], "the metrics, by name"]
