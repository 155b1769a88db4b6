"""What the settings of every room are made of."""

from typing import Any

# a `_target_` entry of the configuration
Target = dict[str, Any]
