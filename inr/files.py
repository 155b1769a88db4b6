"""Writing files so that a kill or a full disk leaves no half of one; reading arrays from them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

# where everything lies that is made without being told where
OUTPUTS = Path("outputs")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` (same suffix), which becomes it if nothing raises.

    The folder is made. Processes that write the same file do not disturb each other: the last
    one's stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def numbers_in(file: Path | BinaryIO, suffix: str = ".npy") -> Iterator[Any]:
    """Open the array of an .npy file, or the arrays by name of an .npz file.

    Args:
        file: its path, or its bytes.
        suffix: of a file given by its bytes, which messages name.

    Raises:
        ValueError: if it holds something else than numbers, a text say, or what would have to be
            unpickled. A file that is cut off raises whatever numpy and zipfile do.
    """
    try:
        opened = np.load(file, allow_pickle=False)
        try:
            yield opened
        finally:
            if not isinstance(opened, np.ndarray):
                opened.close()
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise
        kind = file.suffix if isinstance(file, Path) else suffix
        raise ValueError(f"it is no {kind} file of numbers") from error
