"""Logging of values: always to metrics.jsonl, and also to an optional logger (dashboard)."""

import json
import math
import time
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


@runtime_checkable
class Logger(Protocol):
    """Logger that copies the logged values to a dashboard."""

    def start(self, folder: Path, *, name: str, group: str, config: dict[str, Any]) -> None:
        """Start or resume the dashboard run for this run directory."""

    def log(self, values: dict[str, Any], *, epoch: int) -> None:
        """Log numbers at an epoch."""

    def image(self, key: str, image: Image, *, epoch: int) -> None:
        """Log a picture (H, W, 3)."""

    def histogram(self, key: str, values: NDArray[np.floating], *, epoch: int) -> None:
        """Log a histogram of values."""

    def finish(self, exit_code: int) -> None:
        """End the run; 0 is success."""


class NullLogger:
    """Logger that does nothing (logger=none)."""

    def start(self, folder: Path, *, name: str, group: str, config: dict[str, Any]) -> None:
        """Do nothing."""

    def log(self, values: dict[str, Any], *, epoch: int) -> None:
        """Do nothing."""

    def image(self, key: str, image: Image, *, epoch: int) -> None:
        """Do nothing."""

    def histogram(self, key: str, values: NDArray[np.floating], *, epoch: int) -> None:
        """Do nothing."""

    def finish(self, exit_code: int) -> None:
        """Do nothing."""


class Tracker:
    """Log of values in metrics.jsonl and to a logger.

    Args:
        folder: the run directory.
        logger: receives the same values.
    """

    def __init__(self, folder: Path, logger: Logger) -> None:
        self.path = folder / "metrics.jsonl"
        self.logger = logger
        self.step = 0

    def log(self, values: dict[str, float], *, epoch: int, step: int) -> None:
        """Log numbers; those that are not finite become null."""
        finite = {k: v if math.isfinite(v) else None for k, v in values.items()}
        self.step = step
        self._write(epoch, finite)
        self.logger.log({k: v for k, v in finite.items() if v is not None}, epoch=epoch)

    def _write(self, epoch: int, values: dict[str, Any]) -> None:
        line = {"epoch": epoch, "step": self.step, "time": round(time.time(), 3), **values}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def image(self, key: str, image: Image, *, epoch: int) -> None:
        """Log a picture (H, W, 3), to the logger only."""
        self.logger.image(key, image, epoch=epoch)

    def histogram(self, key: str, values: NDArray[np.floating], *, epoch: int) -> None:
        """Log a histogram of values to the logger, and their quantiles to metrics.jsonl."""
        quantiles = np.quantile(values, [0, 0.25, 0.5, 0.75, 1]).tolist()
        self._write(epoch, {f"{key}/quantiles": quantiles})
        self.logger.histogram(key, values, epoch=epoch)
