"""Which shapes of a folder are finished, and with which settings: its shapes.json."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inr.config.renamed import finished_in_new_names
from inr.data.layout import read_json, write_json

Entry = dict[str, Any]

# the file is written again after so many times what writing it took
PATIENCE = 20


class FinishedShapes:
    """Rows of a folder's shapes.json, one for each finished shape.

    A row is written as soon as it is added; inside a `with` block rows of quick shapes may wait
    for the next ones, or for its end.

    Args:
        folder: of one epoch and split.
        settings: what the result depends on; kept with every row.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self.path = folder / "shapes.json"
        self.settings = dict(settings)
        self.shapes: dict[str, Entry] = read_json(self.path) if self.path.exists() else {}
        self._written, self._seconds = 0.0, 0.0
        self._patience = 0  # outside a context nobody would write what is left

    def check_settings(self, remedy: str = "overwrite=true makes") -> None:
        """Check that every finished shape was made with these settings.

        Args:
            remedy: what makes it anew.

        Raises:
            ValueError: if one was made with others.
        """
        for name, entry in self.shapes.items():
            settings = finished_in_new_names(entry["settings"])
            for key, value in self.settings.items():
                made = settings.get(key)
                if made != value:
                    raise ValueError(
                        f"'{name}' in '{self.path.parent}' was made with {key}={made}, not "
                        f"{value}; {remedy} it anew"
                    )

    def add(self, name: str, entry: Mapping[str, Any]) -> None:
        """Note a finished shape."""
        self.shapes[name] = {**entry, "settings": self.settings}
        started = time.monotonic()
        # the whole file each time: of many shapes that would take longer than they do
        if started - self._written >= self._patience * self._seconds:
            self.flush()

    def flush(self) -> None:
        """Write what is noted."""
        started = time.monotonic()
        write_json(self.shapes, self.path)
        self._written = time.monotonic()
        self._seconds = self._written - started

    def __enter__(self) -> "FinishedShapes":
        self._patience = PATIENCE
        return self

    def __exit__(self, *exception: object) -> None:
        self._patience = 0
        if self.shapes:
            self.flush()
