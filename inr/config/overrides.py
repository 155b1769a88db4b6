"""The overrides of a command line, parsed by Hydra's own parser."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import OverrideParseException


def parse_overrides(lines: Sequence[str]) -> list[Override]:
    """Parse overrides with Hydra's parser.

    Raises:
        ValueError: if one cannot be read.
    """
    try:
        parsed: list[Override] = OverridesParser.create().parse_overrides(list(lines))
    except OverrideParseException as error:
        raise ValueError(
            f"'{error.override}' cannot be read; write key=value or group=choice"
        ) from error
    return parsed


@dataclass(frozen=True)
class Assignment:
    """Assignment or deletion that one override makes in the configuration.

    Args:
        line: override as typed.
        key: dotted key of the value or group; for `key@package=`, the package.
        value: value that is assigned; None if a key is deleted.
        is_deletion: whether the override is `~key`.
    """

    line: str
    key: str
    value: Any
    is_deletion: bool

    @property
    def keys(self) -> list[str]:
        """Return the dotted keys that are set; for a dictionary, the keys of its entries."""
        return list(_leaves(self.key, self.value))

    def sets(self, key: str) -> bool:
        """Return whether it sets a key or anything below it; choosing a group sets the group."""
        return any(f"{one}.".startswith(f"{key}.") for one in self.keys)


class Overrides:
    """Overrides of one job.

    `overrides("eval.resolution")` returns those that set the key or anything below it, in any form:
    `eval.resolution=64`, `++eval.resolution=64`, `eval={resolution: 64}`, `~eval.resolution`.

    Args:
        lines: overrides as typed.

    Raises:
        ValueError: if one cannot be read.
    """

    def __init__(self, lines: Sequence[str] = ()) -> None:
        self.lines = [str(line) for line in lines]
        self._assignments = [_read(one) for one in parse_overrides(self.lines)]

    def __call__(self, key: str) -> list[Assignment]:
        """Return the overrides that set a key or anything below it."""
        return [one for one in self if one.sets(key)]

    def __iter__(self) -> Iterator[Assignment]:
        """Yield the overrides, without those of Hydra's own settings."""
        yield from (one for one in self._assignments if not is_hydra_key(one.key))


def is_hydra_key(key: str) -> bool:
    """Return whether a key or group is one of Hydra's own settings."""
    return key.replace("/", ".").split(".")[0] == "hydra"


def _read(override: Override) -> Assignment:
    key = (override.package or override.key_or_group).replace("/", ".")
    value = None if override.is_delete() else override.value()
    return Assignment(str(override.input_line), key, value, override.is_delete())


def _leaves(key: str, value: Any) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _leaves(f"{key}.{name}", inner)
    else:
        yield key
