"""The dimension of space, where the suffix of a file tells it."""

from pathlib import Path
from typing import Any

from inr.config.formats import build_formats
from inr.shapes.formats.base import OUTLINE, SURFACE, Formats
from inr.shapes.formats.table import suffixes


def infer_dim(raw: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration in which data.dim is a number.

    Where it is null, the suffix of data.source tells it.

    Raises:
        ValueError: if that does not tell.
    """
    data = raw["data"]
    if data["dim"] is not None:
        return raw
    if data["source"] is not None:
        dim = _dim_of(Path(data["source"]), build_formats(data.get("formats", {}), raw["allow"]))
    elif raw["run"] is not None or raw["resume"] is not None:
        dim = 3  # the run's own will take its place
    elif data["root"] is not None:
        raise ValueError("a prepared data set does not say its dimension here; add data.dim=2|3")
    else:
        raise ValueError("which shape? add data.source=<file of one shape>")
    return {**raw, "data": {**data, "dim": dim}}


def _dim_of(source: Path, own: Formats) -> int:
    flat, solid = suffixes(OUTLINE, own), suffixes(SURFACE, own)
    files = sorted(source.rglob("*")) if source.is_dir() else [source]
    for path in files:
        if path.suffix.lower() in flat:
            return 2
        if path.suffix.lower() in solid:
            return 3
    known = ", ".join((*solid, *flat))
    raise ValueError(
        f"data.source={source} is of no known suffix ({known}); point clouds need data=points"
    )
