"""A process pool that survives a worker hanging or dying."""

import logging
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, as_completed
from contextlib import contextmanager
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

log = logging.getLogger(__name__)

Result = TypeVar("Result")

# environment variables that libraries read to choose their number of threads
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "IGL_NUM_THREADS")


def run_all(
    work: Callable[..., Result],
    arguments: Mapping[str, tuple[Any, ...]],
    *,
    processes: int,
    time_limit: float,
) -> Iterator[tuple[str, Result | str]]:
    """Yield (name, result) of each item as it finishes, or (name, reason) if it failed.

    A worker that exceeds the time limit or dies is replaced; only its current item fails.

    Args:
        work: the function to call; it must be importable, and its arguments picklable.
        arguments: name of each item to its arguments.
        processes: number of worker processes; if more than one, each is limited to one thread.
        time_limit: seconds an item may take; 0 for no limit.

    Raises:
        OSError: if `work` raises one; the pool is then stopped. Any other exception of `work`
            becomes the reason for that item.
    """
    # spawned: forking a process that runs threads can hang the child
    context = multiprocessing.get_context("spawn")
    with limit_child_threads(1 if processes > 1 else 0):
        pool = ProcessPool(max_workers=processes, context=context, initializer=_exit_with_parent)
        try:
            futures: dict[Future[Any], str] = {
                pool.schedule(work, args=list(args), timeout=time_limit or None): name
                for name, args in arguments.items()
            }
            for future in as_completed(futures):
                yield futures[future], _outcome(future, time_limit)
            pool.close()
        except BaseException:
            pool.stop()
            raise
        finally:
            pool.join()


def _outcome(future: "Future[Any]", time_limit: float) -> Any:
    try:
        return future.result()
    except TimeoutError:
        return (
            f"it took longer than prepare.time_limit={time_limit:g} seconds; raise that, or "
            "simplify the mesh"
        )
    except ProcessExpired as error:
        if error.exitcode == -9:
            return "its process was killed, most likely out of memory; set a smaller workers="
        return f"its process died (exit code {error.exitcode})"
    except OSError:  # a disk error would hit the other items too
        raise
    except MemoryError:
        return "out of memory; set a smaller workers=, or simplify the mesh"
    except Exception as error:
        log.exception("unexpected")
        return f"unexpected {type(error).__name__}: {error}"


@contextmanager
def limit_child_threads(num_threads: int) -> Iterator[None]:
    """Limit each process started in this context to `num_threads` threads; 0 for no limit."""
    before = {key: os.environ.get(key) for key in THREAD_VARIABLES}
    if num_threads:
        os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(num_threads)))
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


def _exit_with_parent() -> None:
    """Start a thread that exits this worker when its parent process ends."""

    def wait() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def num_cores() -> int:
    """Return the number of cores this process may use; a cluster may allow fewer than exist."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
