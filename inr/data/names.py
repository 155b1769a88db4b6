"""Reading of lists of shape names."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def read_names(path: Path) -> list[str]:
    """Return the shape names listed in a file, in its order.

    Args:
        path: a .json with a list of names, or nested as DeepSDF's splits {dataset: {class:
            [names]}}, where a shape is named <dataset>_<class>_<name>; any other file has one name
            per line, and empty lines and lines that start with # are skipped.

    Raises:
        ValueError: if the file cannot be read, has another structure, lists no name, or lists an
            invalid one: empty, '.', '..', or with a slash.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        content = json.loads(text) if path.suffix.lower() == ".json" else None
    except OSError as error:
        raise ValueError(f"cannot read the names in '{path}': {error.strerror or error}") from error
    except ValueError as error:
        what = "JSON" if path.suffix.lower() == ".json" else "text"
        raise ValueError(f"'{path}' is not valid {what}: {error}") from error
    if path.suffix.lower() == ".json":
        names = [_join(words, path) for words in _walk(content, (), path)]
    else:
        lines = (line.strip() for line in text.splitlines())
        names = [_join((line,), path) for line in lines if line and not line.startswith("#")]
    if not names:
        raise ValueError(f"'{path}' names no shape")
    return names


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


def _join(words: tuple[str, ...], path: Path) -> str:
    for word in words:
        if word in ("", ".", "..") or any(mark in word for mark in ("/", "\\", "\0")):
            raise ValueError(
                f"'{path}' names '{word}', which is not a shape name: it may not be empty, '.' or "
                "'..', nor contain a slash"
            )
    return "_".join(words)
