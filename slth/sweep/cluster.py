"""Cells on a Dask cluster.

A worker that dies takes its unfinished cells with it, and the scheduler gives them to others.  A
result leaves the cluster at once and its future is dropped, so that a finished cell is not computed
again when the worker that held it dies.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .cells import Failure, attempt
from .errors import SchedulerLost, SweepError
from .grid import Cell, Grid, Scalar, code_digest
from .local import Finished

CONNECT_TIMEOUT = 10
"""Seconds to wait for a scheduler."""


def evaluate(grid: Grid, missing: Sequence[tuple[str, Cell]], scheduler: str) -> Finished:
    """Yield key and result of each cell as the cluster finishes them.

    Parameters
    ----------
    grid, missing
        What to evaluate.
    scheduler
        Address such as ``"tcp://10.0.0.1:8786"``.

    Raises
    ------
    SchedulerLost
        If the scheduler cannot be reached or goes away.
    SweepError
        If Dask is not installed.
    """
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        raise SweepError(
            "a scheduler needs Dask, which is not installed: pip install 'slth[cluster]'"
        ) from error
    if not missing:
        return
    try:
        client = Client(  # type: ignore[no-untyped-call]
            scheduler, timeout=CONNECT_TIMEOUT, set_as_default=False
        )
    except (OSError, ValueError) as error:
        raise SchedulerLost(f"there is no Dask scheduler at {scheduler}: {error}") from error
    code = code_digest(grid.function)
    with client:
        keys = {}
        futures = []
        for key, cell in missing:
            futures.append(
                client.submit(_attempt, grid.function, grid.seed, cell, code, pure=False)
            )
            keys[futures[-1].key] = key
        coming = as_completed(futures, raise_errors=False)  # type: ignore[no-untyped-call]
        del futures
        for future in coming:
            if future.status == "finished":
                yield keys[future.key], future.result()
            elif future.status == "error":
                raised = future.exception()
                yield keys[future.key], Failure(f"{type(raised).__name__}: {raised}", "")
            else:
                raise SchedulerLost(f"the Dask scheduler at {scheduler} went away; run again")
            del future


def _attempt(
    function: Callable[..., Mapping[str, Scalar]], seed: int, cell: Cell, code: str
) -> Any:
    """Evaluate a cell on a worker, unless the worker has another version of the function."""
    if code_digest(function) != code:
        name = f"{function.__module__}.{function.__qualname__}"
        return Failure(f"the worker has another version of {name}; install the same everywhere", "")
    return attempt(function, seed, cell)
