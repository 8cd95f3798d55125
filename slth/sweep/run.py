"""Running a grid: what is stored is read, what is missing is computed and stored as it comes."""

import contextlib
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from slth.sweep import cluster, local
from slth.sweep.canonical import Cell
from slth.sweep.cells import checked
from slth.sweep.grid import Grid
from slth.sweep.local import Finished
from slth.sweep.store import Store, open_store
from slth.sweep.tables import table


def run(
    grid: Grid,
    *,
    store: str | Path | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    progress: bool = False,
) -> pd.DataFrame:
    """Evaluate a grid: row $i$ is cell $c_i$ followed by $f(c_i)$.

    Parameters
    ----------
    grid : Grid
        What to evaluate.
    store : str or pathlib.Path, optional
        File that keeps finished cells; those that it already holds are not computed again.
        Without it nothing is stored.
    workers : int
        Number of local processes; with 1 everything runs in this process.
    scheduler : str, optional
        Address of a Dask scheduler, whose workers then compute the cells.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    pandas.DataFrame
        The columns of the cells, then those of the results, in the order of ``grid.cells``.

    Raises
    ------
    StoreError
        If the store is refused.
    CellFailed
        If the function raises or returns no row; what is finished is stored.
    SchedulerLost
        If the scheduler cannot be reached or goes away; what is finished is stored.
    ValueError
        If ``workers`` is not positive, or given together with a scheduler.

    Examples
    --------
    >>> from slth.sweep import example, run
    >>> run(example.GRID).groupby("bias").sum()[["tosses", "heads"]]
          tosses  heads
    bias
    0.25    4000    ...
    0.50    4000   ...
    0.75    4000   ...
    """
    if workers < 1:
        raise ValueError(f"there must be at least one worker, got workers={workers}")
    if scheduler is not None and workers > 1:
        raise ValueError("workers counts local processes; a scheduler has its own workers")
    with contextlib.ExitStack() as stack:
        opened = stack.enter_context(open_store(Path(store), grid)) if store is not None else None
        results = opened.results(grid) if opened is not None else {}
        missing = [
            (key, dict(cell))
            for key, cell in zip(grid.cell_keys(), grid.cells, strict=True)
            if key not in results
        ]
        if scheduler is not None:
            coming = cluster.evaluate(grid, missing, scheduler)
        elif workers > 1:
            coming = local.evaluate(grid, missing, workers)
        else:
            coming = local.evaluate_here(grid, missing)
        stack.enter_context(contextlib.closing(coming))
        _collect(grid, dict(missing), coming, results, opened, progress=progress)
    return table(grid, [results[key] for key in grid.cell_keys()])


def _collect(
    grid: Grid,
    missing: dict[str, Cell],
    coming: Finished,
    results: dict[str, Cell],
    store: Store | None,
    *,
    progress: bool,
) -> None:
    """Check and keep each result as it comes."""
    bar = tqdm(
        total=len(grid.cells),
        initial=len(results),
        desc=grid.name,
        unit="cell",
        disable=not progress,
    )
    other = next(iter(results.values()), None)
    with bar:
        for key, result in coming:
            other = results[key] = checked(grid, missing[key], result, other)
            if store is not None:
                store.add(key, missing[key], results[key])
            bar.update()
