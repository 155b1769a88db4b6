"""Shapes of a data set made elsewhere that hold nothing to be measured against."""

import logging
from collections.abc import Sequence

from inr.data.layout import Layout

log = logging.getLogger(__name__)


def has_ground_truth(layout: Layout, name: str) -> bool:
    """Return whether a shape has a mesh, or surface points, to be measured against."""
    return layout.mesh(name).exists() or layout.surface(name).exists()


def warn_missing_ground_truth(layout: Layout, names: Sequence[str], consequence: str) -> set[str]:
    """Say once what is missing to measure some shapes and what helps; return those shapes.

    Args:
        layout: the data set.
        names: of shapes.
        consequence: what goes on without.
    """
    without = [name for name in names if not has_ground_truth(layout, name)]
    if without:
        log.warning(
            "%d of %d shapes have neither a mesh nor surface points to be measured against (%s "
            "first): %s; metrics need %s, in the box frame, or %s",
            len(without),
            len(names),
            without[0],
            consequence,
            layout.mesh(without[0]),
            layout.surface(without[0]),
        )
    return set(without)
