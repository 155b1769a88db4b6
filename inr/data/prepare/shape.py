"""Prepare one shape, or delete its files."""

import time
from contextlib import suppress
from pathlib import Path

from inr.data.journal import JournalEntry
from inr.data.layout import Layout
from inr.data.parts.prepare import delete_parts
from inr.data.parts.sources import PartFiles
from inr.data.prepare.cloud import prepare_cloud
from inr.data.prepare.recipe import Recipe
from inr.data.prepare.solid import prepare_solid
from inr.data.sources import Family, fingerprint


def prepare_shape(
    name: str,
    source: Path | Family,
    root: Path,
    recipe: Recipe,
    parts: PartFiles | None = None,
) -> JournalEntry:
    """Normalise and sample one shape, and write its files.

    The samples are written last, so that a shape with a sample file is complete. All random draws
    are seeded by the shape's name.

    Args:
        name: name of the shape.
        source: file of the shape, or the procedural family that generates it.
        root: folder of the data set.
        recipe: settings of the preparation.
        parts: files of its parts; None for a shape without parts or of a family.

    Returns:
        The shape's entry in manifest.json: status `ok`, or `refused` with the reason.

    Raises:
        OSError: if the data set cannot be written.
    """
    started = time.perf_counter()
    layout = Layout(root)
    delete_shape(layout, name)  # files of an earlier call must not be taken for those of this one
    try:
        if recipe.kind == "points" and isinstance(source, Path):
            details = prepare_cloud(name, source, layout, recipe)
        else:
            details = prepare_solid(name, source, layout, recipe, parts)
    except ValueError as error:
        details = {"status": "refused", "reason": str(error)}
    if parts is not None:
        details["parts"] = parts.fingerprints()
    seconds = round(time.perf_counter() - started, 3)
    return {**details, **fingerprint(source), "seconds": seconds}


def delete_shape(layout: Layout, name: str) -> None:
    """Delete all files of a shape, including those of another kind of source or of sign."""
    for stale in (layout.samples(name), layout.uniform(name), layout.unsigned(name)):
        stale.unlink(missing_ok=True)
    for _ in (".npy", ".npz"):
        layout.surface(name).unlink(missing_ok=True)
    layout.mesh(name).unlink(missing_ok=True)
    for suffix in (".ply", ".npz"):
        layout.given_mesh(name, suffix).unlink(missing_ok=True)
        layout.visible_mesh(name, suffix).unlink(missing_ok=True)
    delete_parts(name, layout)
    layout.normalization(name).unlink(missing_ok=True)
    with suppress(OSError):  # not empty: the user's own files stay
        layout.samples(name).parent.rmdir()
