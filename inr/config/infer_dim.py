"""Infer data.dim (2 or 3) from the file suffix of data.source."""

from pathlib import Path
from typing import Any

from inr.config.formats import build_formats
from inr.shapes.formats.base import OUTLINE, SURFACE, Formats
from inr.shapes.formats.table import suffixes


def infer_dim(raw: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration with data.dim set.

    If it is null, it is inferred from the suffix of data.source.

    Raises:
        ValueError: if it cannot be inferred.
    """
    data = raw.get("data")
    # a section that is missing is refused with the others
    if not isinstance(data, dict) or data.get("dim", 0) is not None:
        return raw
    if data["source"] is not None:
        dim = _dim_of(Path(data["source"]), build_formats(data.get("formats", {}), raw["allow"]))
    elif raw["run"] is not None or raw["resume"] is not None:
        dim = 3  # a placeholder: the dimension of the run replaces it
    elif data["root"] is not None:
        raise ValueError(
            "data.dim is null and cannot be inferred from data.root; add data.dim=2 or data.dim=3"
        )
    else:
        raise ValueError("no shape is given; add data.source=<file of one shape>")
    return {**raw, "data": {**data, "dim": dim}}


def _dim_of(source: Path, user_formats: Formats) -> int:
    suffixes_2d, suffixes_3d = suffixes(OUTLINE, user_formats), suffixes(SURFACE, user_formats)
    files = sorted(source.rglob("*")) if source.is_dir() else [source]
    for path in files:
        if path.suffix.lower() in suffixes_2d:
            return 2
        if path.suffix.lower() in suffixes_3d:
            return 3
    known = ", ".join((*suffixes_3d, *suffixes_2d))
    raise ValueError(
        f"no file with a known suffix ({known}) at data.source={source}; for a point cloud use "
        "data=points"
    )
