"""Settings of pictures."""

from dataclasses import dataclass
from typing import Annotated

from inr.settings import Target


@dataclass(frozen=True)
class Renderer:
    """What draws shapes."""

    solid: Annotated[Target, "in 3-D"]
    flat: Annotated[Target, "in 2-D"]
