"""Cells on this machine: in this process, or in a pool of new ones."""

import multiprocessing
import signal
from collections.abc import Generator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TypeAlias

from slth.processes import follow_parent
from slth.sweep.canonical import Cell
from slth.sweep.cells import Failure, attempt
from slth.sweep.errors import WorkersLost
from slth.sweep.grid import Grid

Finished: TypeAlias = Generator[tuple[str, Cell | Failure], None, None]


def evaluate_here(grid: Grid, missing: Sequence[tuple[str, Cell]]) -> Finished:
    """Yield key and result of each cell, one after the other.

    Parameters
    ----------
    grid : Grid
        Whose function is evaluated.
    missing : sequence of tuple of str, Cell
        Keys and cells.
    """
    for key, cell in missing:
        yield key, attempt(grid.function, grid.seed, cell)


def evaluate(grid: Grid, missing: Sequence[tuple[str, Cell]], workers: int) -> Finished:
    """Yield key and result of each cell as processes finish them.

    The processes end when the generator is closed, and when this process dies.

    Parameters
    ----------
    grid, missing : Grid or sequence of tuple of str, Cell
        As in :func:`evaluate_here`.
    workers : int
        Number of processes.

    Raises
    ------
    WorkersLost
        If a process is killed.
    """
    if not missing:
        return
    pool = ProcessPoolExecutor(
        min(workers, len(missing)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=follow_parent,
    )
    others = set(multiprocessing.active_children())
    # Ctrl-C reaches the whole process group.  Blocked while the first submit makes the processes,
    # it stays blocked in them; this process gets it as soon as it unblocks it.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        try:
            futures = {
                pool.submit(attempt, grid.function, grid.seed, cell): key for key, cell in missing
            }
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for future in as_completed(futures):
            yield futures[future], future.result()
        pool.shutdown()
    except BaseException as error:
        for child in set(multiprocessing.active_children()) - others:
            child.terminate()
        pool.shutdown(cancel_futures=True)
        if isinstance(error, BrokenProcessPool):
            raise WorkersLost(
                f"a worker process of sweep '{grid.name}' was killed (out of memory?)"
            ) from error
        raise
