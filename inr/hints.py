"""Hints for messages: the nearest valid name, and shortened lists of names."""

import difflib
from collections.abc import Iterable, Sequence


def nearest(name: str, allowed: Iterable[str], *, limit: int | None = None) -> str:
    """Return a hint that names the nearest allowed name, or lists them if none is near.

    Args:
        name: the wrong name.
        allowed: names to choose from.
        limit: number of names that are listed at most; None for all of them.
    """
    names = sorted(allowed)
    found = find_nearest(name, names)
    if found is not None:
        return f"did you mean '{found}'?"
    return f"allowed: {shorten(names, len(names) if limit is None else limit)}"


def find_nearest(name: str, allowed: Iterable[str]) -> str | None:
    """Return the allowed name that is nearest to a wrong one; None if none is near."""
    names = {word.lower(): word for word in sorted(allowed)}
    short = name.lower()
    # difflib misses these: 'batch' for 'shapes_per_batch', 'exp' for 'experiment'
    matches = [word for word in names if word.startswith(short) or short in word.split("_")]
    if len(matches) != 1:
        matches = difflib.get_close_matches(short, names, n=1, cutoff=0.5)
    return names[matches[0]] if matches else None


def shorten(names: Sequence[str], limit: int = 5, *, separator: str = ", ") -> str:
    """Return the first `limit` names in one line, followed by '...' if there are more."""
    return separator.join([*names[:limit], *(["..."] if len(names) > limit else [])])
