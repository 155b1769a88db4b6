"""Settings of an evaluation."""

from dataclasses import dataclass

from inr.settings import Target


@dataclass(frozen=True)
class Eval:
    """Name a protocol and its settings."""

    protocol: str
    frame: str  # box | native | unit_cube
    resolution: int  # of marching cubes, in points a side
    coarse_to_fine: bool  # evaluate only near the surface
    num_points: int  # on each surface
    seed: int
    empty: str  # left_out | diagonal: what an empty reconstruction counts as in distances
    dataset: str | None  # its name in inr/metrics/published.yaml
    metrics: dict[str, Target]
