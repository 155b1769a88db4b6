"""Settings of pictures."""

from dataclasses import dataclass
from typing import Annotated

from inr.settings import Target


@dataclass(frozen=True)
class Renderer:
    """Renderers of shapes."""

    solid: Annotated[Target, "renderer of 3-D shapes"]
    flat: Annotated[Target, "renderer of 2-D shapes and fields"]
