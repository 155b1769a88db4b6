"""The user's own file formats, from data.formats."""

from collections.abc import Iterable, Mapping
from typing import Any

from inr.config.instantiate import check, instantiate
from inr.shapes.formats.base import KINDS, Format


def build_formats(entries: Mapping[str, Any], allow: Iterable[str]) -> dict[str, Format]:
    """Return formats by suffix, in lower case and with the dot.

    Args:
        entries: `_target_` entries by suffix, with or without the dot.
        allow: packages that the user trusts besides ours.

    Raises:
        ValueError: if an entry is not a Format, or does not state which kind of shape it reads.
    """
    if not (isinstance(entries, Mapping) and all(isinstance(e, dict) for e in entries.values())):
        raise ValueError(f"data.formats is {entries!r}; it maps suffixes to `_target_` entries")
    formats: dict[str, Format] = {}
    for suffix, entry in entries.items():
        where = f"data.formats.{suffix}"
        check(entry, where, allow, kind=Format)
        made: Format = instantiate(entry, allow)
        gives = getattr(made, "gives", None)
        if gives not in KINDS:
            raise ValueError(
                f"'{where}' gives {gives!r}; it has to be {' | '.join(KINDS)}: set `gives` in "
                f"{entry['_target_']}"
            )
        formats["." + suffix.lower().lstrip(".")] = made
    return formats
