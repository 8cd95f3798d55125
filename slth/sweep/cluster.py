"""Cells on a Dask cluster.

A worker that dies takes its unfinished cells with it, and the scheduler gives them to others.  A
result leaves the cluster as soon as it is there, and its future is dropped: a finished cell is not
computed again when the worker that held it dies.
"""

import gc
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from functools import partial

from slth.sweep.canonical import Cell, Scalar
from slth.sweep.cells import Failure, attempt
from slth.sweep.code import code_digest
from slth.sweep.errors import SchedulerLost, SweepError
from slth.sweep.grid import Grid
from slth.sweep.local import Finished

_LOG = logging.getLogger(__name__)

CONNECT_TIMEOUT = 10.0
"""Seconds to wait for a scheduler."""


def evaluate(grid: Grid, missing: Sequence[tuple[str, Cell]], scheduler: str) -> Finished:
    """Yield key and result of each cell as the cluster finishes them.

    Parameters
    ----------
    grid, missing : Grid or sequence of tuple of str, Cell
        As in :func:`slth.sweep.local.evaluate_here`.
    scheduler : str
        Address such as ``"tcp://10.0.0.1:8786"``.

    Raises
    ------
    SchedulerLost
        If the scheduler cannot be reached or goes away.
    SweepError
        If Dask is not installed.
    """
    if not missing:
        return
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        raise SweepError(
            "a scheduler needs Dask, which is not installed: pip install dask distributed"
        ) from error
    try:
        with _no_collection():
            client = Client(  # type: ignore[no-untyped-call]
                scheduler, timeout=CONNECT_TIMEOUT, set_as_default=False
            )
    except (OSError, ValueError) as error:
        raise SchedulerLost(f"there is no Dask scheduler at {scheduler}: {error}") from error
    work = partial(_attempt, grid.function, grid.seed, code_digest(grid.function))
    with client:
        if not client.nthreads():  # type: ignore[no-untyped-call]
            _LOG.warning("the scheduler at %s has no workers yet; the cells wait", scheduler)
        futures = client.map(work, [cell for _, cell in missing], pure=False)
        keys = {future.key: key for future, (key, _) in zip(futures, missing, strict=True)}
        coming = as_completed(  # type: ignore[no-untyped-call]
            futures, loop=client.loop, with_results=True, raise_errors=False
        )
        del futures  # the scheduler forgets a result once nobody holds its future
        for future, result in coming:
            match result:
                case CancelledError():
                    raise SchedulerLost(f"the Dask scheduler at {scheduler} went away")
                case (_, BaseException() as raised, _):
                    result = Failure(f"{type(raised).__name__}: {raised}")
            key = keys[future.key]
            del future
            yield key, result


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the garbage collector still.

    A client that failed to connect is closed when it is collected, under the lock that a client
    holds while it starts its thread.  Collected in that thread, it would block the start.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _attempt(
    function: Callable[..., Mapping[str, Scalar]], seed: int, code: str, cell: Cell
) -> Cell | Failure:
    """Evaluate a cell on a worker, unless the worker has another version of the function."""
    if code_digest(function) != code:
        name = f"{function.__module__}.{function.__qualname__}"
        return Failure(f"the worker has another version of {name}; install it everywhere")
    return attempt(function, seed, cell)
