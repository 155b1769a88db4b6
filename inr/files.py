"""Atomic writing of files, and safe reading of .npy and .npz files."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

# the folder of all outputs whose path is not given
OUTPUTS = Path("outputs")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, of the same suffix; it replaces `path` on success.

    If the body raises, `path` stays as it was. The folder is created. If several processes write
    the same file, the last one wins.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def open_arrays(file: Path | BinaryIO, suffix: str = ".npy") -> Iterator[Any]:
    """Open the array of an .npy file, or the named arrays of an .npz file, without unpickling.

    Args:
        file: path or open file.
        suffix: suffix named in messages if `file` is not a path.

    Raises:
        ValueError: if the content is not numeric, such as text or pickled objects. A truncated
            file raises whatever numpy and zipfile do.
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
        raise ValueError(f"it is not a {kind} file of numbers") from error
