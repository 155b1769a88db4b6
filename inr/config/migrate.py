"""Configurations of runs that earlier versions made."""

import copy
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any

from inr.config.compose import compose
from inr.config.renamed import in_new_names
from inr.config.schema import Config
from inr.settings import get_path, put_path, settings_of

# of config.yaml in a run directory; 5 renamed settings and classes (inr.config.renamed)
SCHEMA_VERSION = 5
OLDEST = 4


def migrate(config: Mapping[str, Any], version: int) -> dict[str, Any]:
    """Return a run's configuration as this version writes it.

    A setting that came after the run was made has its default, which is to do as before.

    Args:
        config: as the run has it.
        version: of its schema, from OLDEST to SCHEMA_VERSION.
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
    """Return whether there is a value, null included, at a dotted key."""
    path, _, name = key.rpartition(".")
    section = get_path(config, path) if path else config
    # a section that is no group is refused where the whole is checked
    return not isinstance(section, Mapping) or name in section
