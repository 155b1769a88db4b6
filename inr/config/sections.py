"""Check the sections of the configuration against dataclasses, and convert them."""

import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from inr.config.renamed import renamed_hint
from inr.config.type_checks import check_range, check_type
from inr.hints import nearest
from inr.settings import Setting, get_path, settings_of


def check_section(schema: type, section: Any, where: str = "") -> None:
    """Check a section of the configuration against its dataclass.

    Raises:
        ValueError: for an unknown key, a missing key, a wrong type, or a value that is not a choice
            or out of range, naming the key.
    """
    prefix = f"{where}." if where else ""
    _check_keys(schema, section, where)
    settings = list(settings_of(schema))
    for setting in settings:
        value = get_path(section, setting.key)
        if is_dataclass(setting.type):
            _check_keys(typing.cast(type, setting.type), value, prefix + setting.key)
        else:
            check_type(value, setting.type, prefix + setting.key)
    for setting in settings:
        _check_value(setting, get_path(section, setting.key), prefix + setting.key)


def structure(schema: type[Any], section: Mapping[str, Any]) -> Any:
    """Convert a checked section to its dataclass."""
    hints = typing.get_type_hints(schema)
    return schema(
        **{
            field.name: structure(hints[field.name], section[field.name])
            if is_dataclass(hints[field.name])
            else section[field.name]
            for field in fields(schema)
        }
    )


def check_choice(key: str, value: object, allowed: tuple[str, ...]) -> None:
    """Check that a value is one of the allowed ones.

    Raises:
        ValueError: if it is not, naming the nearest.
    """
    if value not in allowed:
        raise ValueError(f"{key} is '{value}': {nearest(str(value), allowed)}")


def _check_keys(schema: type, section: Any, where: str) -> None:
    """Check that a section has the keys of its dataclass, and no others."""
    if not isinstance(section, Mapping):
        raise ValueError(f"'{where}' is {section!r}; it has to be a group of settings")
    prefix = f"{where}." if where else ""
    names = [field.name for field in fields(schema)]
    for key in section:
        if key not in names:
            hint = renamed_hint(f"{prefix}{key}") or nearest(str(key), names)
            raise ValueError(f"unknown key '{prefix}{key}': {hint}")
    for name in names:
        if name not in section:
            raise ValueError(f"'{where or 'the configuration'}' lacks the key '{name}'")


def _check_value(setting: Setting, value: Any, key: str) -> None:
    """Check that a value is one of the choices and in range; null always passes."""
    if value is None:
        return
    if setting.choices:
        check_choice(key, value, setting.choices)
    check_range(value, setting.notes, key)
