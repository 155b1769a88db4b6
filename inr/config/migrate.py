"""Convert configurations of runs from earlier versions."""

import copy
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any

from inr.config.compose import compose
from inr.config.renamed import in_new_names
from inr.config.schema import Config
from inr.settings import get_path, put_path, settings_of

# version of config.yaml in a run directory; 5 and 6 renamed settings and classes
# (inr.config.renamed)
SCHEMA_VERSION = 6
OLDEST = 4


def migrate(config: Mapping[str, Any], version: int) -> dict[str, Any]:
    """Return the configuration of a run in the current schema.

    A setting that is newer than the run gets its default, which keeps the earlier behaviour.

    Args:
        config: configuration as stored in the run.
        version: version of its schema, from OLDEST to SCHEMA_VERSION.
    """
    found = in_new_names(config) if version < SCHEMA_VERSION else copy.deepcopy(dict(config))
    missing = [
        one.key
        for one in settings_of(Config)
        if not is_dataclass(one.type) and not has_path(found, one.key)
    ]
    if missing:
        defaults = compose([])
        for key in missing:
            put_path(found, key, get_path(defaults, key))
    return found


def has_path(config: Mapping[str, Any], key: str) -> bool:
    """Return whether a dotted key has a value, null included."""
    path, _, name = key.rpartition(".")
    section = get_path(config, path) if path else config
    # a section that is not a mapping is refused when the whole configuration is checked
    return not isinstance(section, Mapping) or name in section
