"""Processes that prepare shapes, started sooner than a user's are."""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def forked_workers() -> Iterator[None]:
    """Fork workers off a process that has imported all they need, instead of spawning them.

    Importing takes longer than the tiny shapes of tests. tests/data/test_workers.py spawns, and so
    does what runs in a process of its own.
    """
    spawn = multiprocessing.get_context
    server = spawn("forkserver")
    server.set_forkserver_preload(["inr.data.prepare"])
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(
            multiprocessing,
            "get_context",
            lambda method=None: server if method == "spawn" else spawn(method),
        )
        yield
