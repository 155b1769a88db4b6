"""Reading of lists of shape names."""

import glob
import json
from collections.abc import Iterator, Sequence, Set
from pathlib import Path
from typing import Any


def read_names(path: Path) -> list[str]:
    """Return the shape names listed in a file, in its order.

    See `read_entries` for the names of published splits.

    Args:
        path: a .json with a list of names, or nested as DeepSDF's splits {dataset: {class:
            [names]}}, where a shape is named <dataset>_<class>_<name>; any other file has one name
            per line, and empty lines and lines that start with # are skipped.

    Raises:
        ValueError: if the file cannot be read, has another structure, lists no name, or lists an
            invalid one: empty, '.', '..', or with a slash.
    """
    return ["_".join(words) for words in _read_words(path)]


def read_entries(lists: str) -> list[tuple[str, ...]]:
    """Return the words of each shape listed in a file, or in all files that match a glob pattern.

    They are (dataset, class, name) in DeepSDF's splits, (class, name) in the .lst of a folder that
    is named after its class, as Occupancy Networks' splits are, and else (name,).

    Raises:
        ValueError: see `read_names`; or if no file matches.
    """
    paths = find_lists(lists)
    if not paths:
        raise ValueError(f"no file matches '{lists}', which should list names of shapes")
    entries = []
    for path in map(Path, paths):
        above = (path.resolve().parent.name,) if path.suffix.lower() == ".lst" else ()
        entries += [(*above, *words) for words in _read_words(path)]
    return entries


def find_lists(lists: str) -> list[str]:
    """Return the files that a setting means: one file, or those that match a glob pattern."""
    path = Path(lists)
    if path.exists() or not glob.has_magic(lists):
        return [lists]
    return sorted(map(str, Path(path.anchor).glob(str(path.relative_to(path.anchor)))))


def match_names(entries: Sequence[tuple[str, ...]], known: Set[str]) -> list[str]:
    """Return the name of each listed shape.

    Args:
        entries: words of each shape, see `read_entries`.
        known: shapes of the data set. A shape is called <dataset>_<class>_<name>, <class>_<name> or
            <name> there; one that it lacks is called by all of its words.
    """
    names = []
    for words in entries:
        options = ["_".join(words[start:]) for start in range(len(words))]
        names.append(next((name for name in options if name in known), options[0]))
    return names


def _read_words(path: Path) -> list[tuple[str, ...]]:
    """Return the words of each shape listed in a file."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        content = json.loads(text) if path.suffix.lower() == ".json" else None
    except OSError as error:
        raise ValueError(f"cannot read the names in '{path}': {error.strerror or error}") from error
    except ValueError as error:
        what = "JSON" if path.suffix.lower() == ".json" else "text"
        raise ValueError(f"'{path}' is not valid {what}: {error}") from error
    if path.suffix.lower() == ".json":
        entries = list(_walk(content, (), path))
    else:
        lines = (line.strip() for line in text.splitlines())
        entries = [(line,) for line in lines if line and not line.startswith("#")]
    for words in entries:
        _check(words, path)
    if not entries:
        raise ValueError(f"'{path}' names no shape")
    return entries


def _walk(content: Any, above: tuple[str, ...], path: Path) -> Iterator[tuple[str, ...]]:
    if isinstance(content, dict) and len(above) < 2:
        for word, inner in content.items():
            yield from _walk(inner, (*above, word), path)
    elif (
        isinstance(content, list)
        and len(above) in (0, 2)
        and all(isinstance(name, str) for name in content)
    ):
        for name in content:
            yield (*above, name)
    else:
        raise ValueError(
            f"'{path}' must be a list of shape names, or nested as DeepSDF's splits are: "
            '{"<dataset>": {"<class>": ["<name>"]}}'
        )


def _check(words: tuple[str, ...], path: Path) -> None:
    for word in words:
        if word in ("", ".", "..") or any(mark in word for mark in ("/", "\\", "\0")):
            raise ValueError(
                f"'{path}' names '{word}', which is not a shape name: it may not be empty, '.' or "
                "'..', nor contain a slash"
            )
