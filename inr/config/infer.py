"""Settings that are null in the configuration, and follow from others."""

from typing import Any

from inr.config.infer_dim import infer_dim
from inr.config.infer_naming import infer_naming
from inr.data.prepare.inside import SOUP_SIGNS, default_thickness
from inr.settings import get_path


def infer_settings(raw: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration with data.dim, data.name and data.thickness set.

    Raises:
        ValueError: if one of them cannot be inferred.
    """
    return infer_thickness(infer_naming(infer_dim(raw)))


def infer_thickness(raw: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration with data.thickness set, where data.sign needs it.

    If it is null, it is what a mesh of eval.resolution can show.
    """
    data, resolution = raw.get("data"), get_path(raw, "eval.resolution")
    # a section that is missing, or of another type, is refused with the others
    if not isinstance(data, dict) or data.get("sign") not in SOUP_SIGNS:
        return raw
    if data.get("thickness", 0) is not None or not isinstance(resolution, int) or resolution < 2:
        return raw
    return {**raw, "data": {**data, "thickness": default_thickness(resolution)}}
