"""Infer data.name, how shapes are named, from the tree of data.source."""

from pathlib import Path
from typing import Any

from inr.data.names.paths import COLLECTIONS, recognise
from inr.data.sources import is_hidden


def infer_naming(raw: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration with data.name set, where data.classes needs it.

    If it is null, it is the collection that has such files as data.source.

    Raises:
        ValueError: if it cannot be inferred.
    """
    data = raw.get("data")
    # a section that is missing, or of another type, is refused with the others
    if not isinstance(data, dict) or data.get("classes") is None or data.get("name") is not None:
        return raw
    if data.get("source") is None:
        raise ValueError(
            f"data.classes={data['classes']} chooses among the shapes of data.source; add it, or "
            "leave out data.classes"
        )
    source = Path(data["source"])
    whole = source.resolve()
    for path in source.rglob("*") if source.is_dir() else [source]:
        name = recognise(whole / path.relative_to(source))
        if name is not None and not is_hidden(path.relative_to(source)):
            return {**raw, "data": {**data, "name": name}}
    raise ValueError(
        f"data.classes={data['classes']} needs to know where data.source={source} has its classes, "
        f"which is not as {', '.join(COLLECTIONS)} have them; add a pattern of the paths, such as "
        "\"data.name='{class}/{id}'\""
    )
