"""Work on many shapes in several processes, any of which may hang or die."""

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

# what libraries read when they choose their number of threads
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "IGL_NUM_THREADS")


def run_all(
    work: Callable[..., Result],
    arguments: Mapping[str, tuple[Any, ...]],
    *,
    processes: int,
    time_limit: float,
) -> Iterator[tuple[str, Result | str]]:
    """Yield (name, result) as each is done, or (name, why there is none).

    A process that takes too long over an item, or dies, is replaced; only that item has no result.

    Args:
        work: what to do; importable, as its arguments are picklable.
        arguments: of each item, by name.
        processes: how many; more than one run one thread each.
        time_limit: seconds an item may take; 0 for any time.

    Raises:
        OSError: if `work` does, after which nothing more is done; what else it raises is the reason
            that an item has no result.
    """
    # spawned: forking a process that runs threads can hang the child
    context = multiprocessing.get_context("spawn")
    with child_threads(1 if processes > 1 else 0):
        pool = ProcessPool(max_workers=processes, context=context, initializer=_end_with_parent)
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
            return "its process was killed, most likely for want of memory; lower workers"
        return f"its process died (exit code {error.exitcode})"
    except OSError:  # of the disk, which would fail for the other items too
        raise
    except MemoryError:
        return "it needs more memory than there is; lower workers, or simplify the mesh"
    except Exception as error:
        log.exception("unexpected")
        return f"unexpected {type(error).__name__}: {error}"


@contextmanager
def child_threads(number: int) -> Iterator[None]:
    """Give processes that start in this context so many threads; 0 for what they choose."""
    before = {key: os.environ.get(key) for key in THREADS}
    if number:
        os.environ.update(dict.fromkeys(THREADS, str(number)))
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


def _end_with_parent() -> None:
    """End a worker when its parent process was killed."""

    def wait() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def num_cores() -> int:
    """Return the number of cores that this process may use, which a cluster may limit."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
