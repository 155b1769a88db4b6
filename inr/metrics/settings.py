"""Settings of an evaluation."""

from dataclasses import dataclass
from typing import Annotated, Literal

from inr.settings import AtLeast, Fingerprint, Role, Target


@dataclass(frozen=True)
class Eval:
    """A protocol: its metrics, and how shapes are extracted and measured."""

    protocol: Annotated[str, "names the folder of its results"]
    frame: Annotated[
        Literal["box", "native", "unit_cube", "unit_box"], Role.OF_NUMBERS, "to measure in"
    ]
    resolution: Annotated[
        int, AtLeast(8), Fingerprint("mesh"), "points a side of the extraction grid"
    ]
    coarse_to_fine: Annotated[bool, Fingerprint("mesh"), "evaluate only near the surface"]
    num_points: Annotated[int, AtLeast(1), Role.OF_NUMBERS, "points on each surface"]
    seed: Annotated[int, Role.OF_NUMBERS, "of the points"]
    empty: Annotated[
        Literal["left_out", "diagonal"],
        Role.OF_NUMBERS,
        "what an empty reconstruction counts as in distances",
    ]
    dataset: Annotated[str | None, "name in the table of published numbers"]
    metrics: dict[str, Target]
