"""Settings of pictures."""

from dataclasses import dataclass

from inr.settings import Target


@dataclass(frozen=True)
class Renderer:
    """Name what draws shapes."""

    solid: Target  # 3-D
    flat: Target  # 2-D
