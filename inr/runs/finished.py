"""Records of finished shapes and the settings that made them: shapes.json of a folder."""

import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from inr.config.renamed import finished_in_new_names
from inr.data.layout import read_json, write_json

Entry = dict[str, Any]

# settings that are newer than some finished shapes, with the value that those had
NEWER_SETTINGS: Mapping[str, Any] = MappingProxyType({"ground_truth": "solid"})

NO_TYPES: Mapping[str, Any] = MappingProxyType({})

# the file is rewritten at most 1 / (1 + 20) of the time
WAIT_FACTOR = 20


class FinishedShapes:
    """Entries of a folder's shapes.json, one for each finished shape.

    An entry is written as soon as it is added. Inside a `with` block, entries may be written
    together with later ones, or at its end.

    Args:
        folder: folder of one epoch and split.
        settings: settings that the results depend on; stored with every entry.
        types: values that every entry has to have, by key, besides its settings.

    Raises:
        ValueError: if shapes.json is not of the form that is written here.
    """

    def __init__(
        self, folder: Path, settings: Mapping[str, Any], types: Mapping[str, Any] = NO_TYPES
    ) -> None:
        self.path = folder / "shapes.json"
        self.settings = dict(settings)
        self.shapes: dict[str, Entry] = _read(self.path, types) if self.path.exists() else {}
        self._written, self._seconds = 0.0, 0.0
        self._wait_factor = 0  # outside a `with` block nothing would write pending entries

    def check_settings(self, remedy: str = "overwrite=true makes") -> None:
        """Check that every finished shape was made with these settings.

        Args:
            remedy: start of a sentence on what makes the shape anew, for the message.

        Raises:
            ValueError: if one was made with other settings.
        """
        for name, entry in self.shapes.items():
            settings = {**NEWER_SETTINGS, **finished_in_new_names(entry["settings"])}
            for key, value in self.settings.items():
                made = settings.get(key)
                if made != value:
                    raise ValueError(
                        f"'{name}' in '{self.path.parent}' was made with {key}={made}, not "
                        f"{value}; {remedy} it anew"
                    )

    def add(self, name: str, entry: Mapping[str, Any]) -> None:
        """Add the entry of a finished shape."""
        self.shapes[name] = {**entry, "settings": self.settings}
        started = time.monotonic()
        # the whole file is rewritten, which for many quick shapes would take longer than they do
        if started - self._written >= self._wait_factor * self._seconds:
            self.flush()

    def flush(self) -> None:
        """Write all entries."""
        started = time.monotonic()
        write_json(self.shapes, self.path)
        self._written = time.monotonic()
        self._seconds = self._written - started

    def __enter__(self) -> "FinishedShapes":
        self._wait_factor = WAIT_FACTOR
        return self

    def __exit__(self, *exception: object) -> None:
        self._wait_factor = 0
        if self.shapes:
            self.flush()


def _read(path: Path, types: Mapping[str, Any]) -> dict[str, Entry]:
    content = read_json(path)
    wanted = {**types, "settings": dict}
    if isinstance(content, dict) and all(
        isinstance(entry, dict) and all(isinstance(entry.get(k), wanted[k]) for k in wanted)
        for entry in content.values()
    ):
        return content
    raise ValueError(
        f"'{path}' is not as this program writes it; restore it, or delete it to make its shapes "
        "anew"
    )
