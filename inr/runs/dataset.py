"""The data set of a run: its folder, splits and settings."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from inr.config.job import Job
from inr.config.renamed import in_old_names
from inr.data.deepsdf_layout import open_layout
from inr.data.layout import Layout
from inr.data.prepare.inside import SOUP_SIGNS
from inr.data.settings import SPLITS, Data
from inr.files import OUTPUTS
from inr.settings import Role, keys_with


def data_root(data: Data, raw: Mapping[str, Any]) -> Path:
    """Return data.root, or the folder under outputs/datasets that is named after the settings.

    Raises:
        ValueError: if neither data.root, data.family nor data.source is set.
    """
    if data.root is not None:
        return Path(data.root)
    # all folds share one data set
    assigned = {key: size for key, size in raw["splits"].items() if key not in ("folds", "fold")}
    settings = shape_settings(raw) | {"splits": assigned}
    if data.classes is not None:
        settings["classes"] = sorted(chosen_classes(data))
    if data.family is not None:
        name = str(data.family["_target_"]).rpartition(".")[2].lower()
    elif data.source is not None:
        source = Path(data.source).resolve()
        name = source.stem
        settings["source"] = str(source)
    else:
        raise ValueError(
            "no shapes are given; add data.source=<folder of your shapes, or one file>, or "
            "data.root=<a prepared data set>"
        )
    # the first names of settings, so that data sets of earlier versions are found
    named = in_old_names({"data": settings})["data"]
    digest = hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()[:8]
    return OUTPUTS / "datasets" / f"{name}_{digest}"


def layout_of(job: Job) -> Layout:
    """Return the layout of a job's data set, which need not exist yet."""
    data = job.config.data
    fold = None if data.splits.folds is None else f"{data.splits.fold}_of_{data.splits.folds}"
    layout = open_layout(data_root(data, job.raw["data"]), fold)
    is_made_here = data.family is not None or data.source is not None or layout.manifest.exists()
    if is_made_here or fold is not None:
        return layout
    # a data set of another codebase: data.splits names its split files
    sizes = split_sizes(data).items()
    return replace(layout, lists=tuple((s, size) for s, size in sizes if isinstance(size, str)))


def is_prepared(layout: Layout) -> bool:
    """Return whether prepare has finished in this folder."""
    return replace(layout, fold=None).split("train").exists()


def split_sizes(data: Data) -> dict[str, int | float | str]:
    """Return the size of each split: a count, a fraction, a file of names, or `folder`."""
    return {split: getattr(data.splits, split) for split in SPLITS}


def chosen_classes(data: Data) -> list[str]:
    """Return data.classes as a list."""
    return [data.classes] if isinstance(data.classes, str) else data.classes or []


def shape_settings(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that the content of a shape's files depends on."""
    keys = (*keys_with(Data, Role.AFFECTS_SAMPLES), *keys_with(Data, Role.FROM_MANIFEST))
    found = {key: raw[key] for key in keys}
    # as in the manifests of earlier versions: what has no effect is left out
    if not found["formats"]:
        del found["formats"]
    if found["name"] is None:
        del found["name"]
    if found["sign"] not in SOUP_SIGNS:
        del found["gap"], found["thickness"]
    return found
