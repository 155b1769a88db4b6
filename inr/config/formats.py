"""File formats of the user's own, from data.formats."""

from collections.abc import Iterable, Mapping
from typing import Any

from inr.config.instantiate import check, instantiate
from inr.shapes.formats.base import KINDS, Format


def build_formats(entries: Mapping[str, Any], allow: Iterable[str]) -> dict[str, Format]:
    """Return formats by suffix, lower case, with its dot.

    Args:
        entries: `_target_` entries by suffix, with its dot or without.
        allow: packages that the user trusts besides ours.

    Raises:
        ValueError: if one is no Format, or gives no kind of shape.
    """
    if not (isinstance(entries, Mapping) and all(isinstance(e, dict) for e in entries.values())):
        raise ValueError(f"data.formats is {entries!r}; it maps suffixes to `_target_` entries")
    formats: dict[str, Format] = {}
    for suffix, entry in entries.items():
        where = f"data.formats.{suffix}"
        check(entry, where, allow, kind=Format)
        made: Format = instantiate(entry, allow)
        if made.gives not in KINDS:
            raise ValueError(f"'{where}' gives {made.gives!r}; it has to be {' | '.join(KINDS)}")
        formats["." + suffix.lower().lstrip(".")] = made
    return formats
