"""Hints for messages: the nearest valid name, and shortened lists of names."""

import difflib
from collections.abc import Iterable, Sequence


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Return a hint that names the nearest allowed name, or lists all of them if none is near."""
    names = {word.lower(): word for word in sorted(allowed)}
    short = name.lower()
    # difflib misses these: 'batch' for 'shapes_per_batch', 'exp' for 'experiment'
    matches = [word for word in names if word.startswith(short) or short in word.split("_")]
    if len(matches) != 1:
        matches = difflib.get_close_matches(short, names, n=1, cutoff=0.5)
    if matches:
        return f"did you mean '{names[matches[0]]}'?"
    return f"allowed: {', '.join(names.values())}"


def shorten(names: Sequence[str], limit: int = 5, *, separator: str = ", ") -> str:
    """Return the first `limit` names in one line, followed by '...' if there are more."""
    return separator.join([*names[:limit], *(["..."] if len(names) > limit else [])])
