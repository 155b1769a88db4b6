"""The settings that a reconstruction depends on, with their values."""

from collections.abc import Collection
from typing import Any

from inr.config.schema import Config
from inr.settings import Fingerprint, settings_of


def fingerprint(config: Config, of: Collection[str]) -> dict[str, Any]:
    """Return the settings that a reconstruction depends on, by dotted key.

    Args:
        config: configuration of the run.
        of: steps that made the reconstruction; see `inr.settings.Fingerprint.of`.
    """
    found = {}
    for setting in settings_of(Config):
        for note in setting.notes:
            if not isinstance(note, Fingerprint) or note.of not in of:
                continue
            if not note.observed or config.reconstruct.observe in note.observed:
                found[setting.key] = value_of(config, setting.key)
    return found


def value_of(config: Config, key: str) -> Any:
    """Return the value of a dotted key."""
    value: Any = config
    for name in key.split("."):
        value = getattr(value, name)
    return value
