"""Logger to Weights and Biases; it never prompts, and its failures never stop a run."""

import functools
import json
import logging
import netrc
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from inr.training.tracking import Image

log = logging.getLogger(__name__)

MODES = ("auto", "online", "offline", "disabled")


class Wandb:
    """Logger to W&B, with its files in <run directory>/wandb.

    Args:
        project: W&B project.
        entity: W&B user or team; None for the account's default.
        mode: `auto`, `online`, `offline` or `disabled`; `auto` is online if an API key is
            configured, else offline (upload later with `wandb sync`). The environment variable
            WANDB_MODE takes precedence.
        tags: tags of the W&B run.
    """

    def __init__(self, *, project: str, entity: str | None, mode: str, tags: list[str]) -> None:
        if mode not in MODES:
            raise ValueError(f"logger.mode is '{mode}'; it has to be one of {', '.join(MODES)}")
        self.project = project
        self.entity = entity
        self.mode = mode
        self.tags = tags
        self.run: Any = None

    def start(self, folder: Path, *, name: str, group: str, config: dict[str, Any]) -> None:
        """Start the W&B run of this run directory, or resume it."""
        self._safely(lambda: self._start(folder, name, group, config))

    def _start(self, folder: Path, name: str, group: str, config: dict[str, Any]) -> None:
        wandb = _wandb()
        mode = os.environ.get("WANDB_MODE") or self.mode
        if mode == "auto":
            mode = "online" if _has_key() else "offline"
        if mode == "online" and not _has_key():  # W&B would ask for one at a terminal
            log.warning("logger.mode is online, but no W&B API key is configured; logging offline")
            mode = "offline"
        # the id is saved in the run directory, so that later stages log to the same W&B run
        (folder / "wandb").mkdir(parents=True, exist_ok=True)
        identity = folder / "wandb" / "run_id.json"
        if identity.exists():
            run_id = json.loads(identity.read_text())["id"]
        else:
            run_id = secrets.token_hex(4)
            identity.write_text(json.dumps({"id": run_id}))
        init = functools.partial(
            wandb.init,
            project=self.project,
            entity=self.entity,
            name=name,
            group=group or None,
            tags=self.tags,
            config=config,
            dir=str(folder),
            id=run_id,
            resume="allow",
            settings=wandb.Settings(silent=True, console="off", init_timeout=30),
        )
        try:
            self.run = init(mode=mode)
        except Exception as error:  # no network or a revoked key must not stop the run
            if mode != "online":
                raise
            log.warning("W&B cannot be reached (%s); logging offline", error)
            self.run = init(mode="offline")
        self.run.define_metric("epoch")
        self.run.define_metric("*", step_metric="epoch")

    def log(self, values: dict[str, Any], *, epoch: int) -> None:
        """Log numbers at an epoch."""
        self._safely(lambda: self.run.log({**values, "epoch": epoch}))

    def image(self, key: str, image: Image, *, epoch: int) -> None:
        """Log a picture (H, W, 3)."""
        self._safely(lambda: self.run.log({key: _wandb().Image(image), "epoch": epoch}))

    def histogram(self, key: str, values: NDArray[np.floating], *, epoch: int) -> None:
        """Log a histogram of values."""
        self._safely(
            lambda: self.run.log({key: _wandb().Histogram(values.tolist()), "epoch": epoch})
        )

    def finish(self, exit_code: int) -> None:
        """End the run; 0 is success."""
        if self.run is not None:
            self._safely(lambda: self.run.finish(exit_code=exit_code))

    def _safely(self, action: Callable[[], Any]) -> None:
        """Run an action; the first failure is logged, and W&B is not used after it."""
        if self.mode == "disabled":
            return
        try:
            action()
        except Exception as error:  # training continues whatever W&B raises
            log.warning("W&B failed (%s) and is off from here on; metrics.jsonl continues", error)
            self.mode = "disabled"


def _wandb() -> Any:
    import wandb

    return wandb


def _has_key() -> bool:
    """Return whether an API key is configured, without prompting for one."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = urlsplit(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).netloc
    try:
        keys = netrc.netrc(os.environ.get("NETRC"))
    except (OSError, netrc.NetrcParseError):
        return False
    return keys.authenticators(host) is not None
