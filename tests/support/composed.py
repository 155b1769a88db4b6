"""The configuration of a command line, composed once."""

import copy
from functools import cache
from typing import Any

from inr.config.compose import compose, register_resolvers

register_resolvers()


def composed(*overrides: str) -> dict[str, Any]:
    """Give what these overrides compose to; composing takes longer than most of what is tested."""
    return copy.deepcopy(_composed(overrides))


@cache
def _composed(overrides: tuple[str, ...]) -> dict[str, Any]:
    return compose(overrides)
