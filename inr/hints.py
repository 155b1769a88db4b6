"""Hints that name what was probably meant, and lists of names cut short for a message."""

import difflib
from collections.abc import Iterable, Sequence


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Return a hint that names the nearest allowed word, or all of them where none is near."""
    names = {word.lower(): word for word in sorted(allowed)}
    short = name.lower()
    # 'batch' means 'shapes_per_batch' and 'exp' 'experiment', however unlike they look
    matches = [word for word in names if word.startswith(short) or short in word.split("_")]
    if len(matches) != 1:
        matches = difflib.get_close_matches(short, names, n=1, cutoff=0.5)
    if matches:
        return f"did you mean '{names[matches[0]]}'?"
    return f"allowed: {', '.join(names.values())}"


def shorten(names: Sequence[str], limit: int = 5, *, separator: str = ", ") -> str:
    """Return names in one line, those beyond the limit as '...'."""
    return separator.join([*names[:limit], *(["..."] if len(names) > limit else [])])
