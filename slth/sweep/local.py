"""Cells on this machine: in this process, or in a pool of new ones."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Generator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

from .cells import Failure, attempt
from .errors import SweepError
from .grid import Cell, Grid

Finished = Generator[tuple[str, Cell | Failure], None, None]


def evaluate_here(grid: Grid, missing: Sequence[tuple[str, Cell]]) -> Finished:
    """Yield key and result of each cell, one after the other."""
    for key, cell in missing:
        yield key, attempt(grid.function, grid.seed, cell)


def evaluate(grid: Grid, missing: Sequence[tuple[str, Cell]], workers: int) -> Finished:
    """Yield key and result of each cell as processes finish them.

    The processes end when the generator is closed, and when this process dies.

    Raises
    ------
    SweepError
        If a process is killed.
    """
    if not missing:
        return
    pool = ProcessPoolExecutor(
        min(workers, len(missing)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_follow_parent,
    )
    others = set(multiprocessing.active_children())
    # Ctrl-C reaches the whole process group; blocked here, it is blocked in the workers, which are
    # made by the first submit, and arrives at this process as soon as it is unblocked.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        futures = {
            pool.submit(attempt, grid.function, grid.seed, cell): key for key, cell in missing
        }
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    try:
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool as error:
        raise SweepError(
            f"a worker process of sweep '{grid.name}' was killed (out of memory?); "
            "run again to resume"
        ) from error
    finally:
        for child in set(multiprocessing.active_children()) - others:
            child.terminate()
        pool.shutdown(cancel_futures=True)


def _follow_parent() -> None:
    """End this process when the one that started it ends, even by SIGKILL."""

    def wait() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
