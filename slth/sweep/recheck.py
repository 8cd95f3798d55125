"""Is a stored table still true?  A random sample of its cells, computed again."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from slth.sweep.canonical import Scalar
from slth.sweep.cells import attempt, checked
from slth.sweep.grid import Grid
from slth.sweep.tables import results_of

TOLERANCE = 1e-9
"""Relative difference up to which two floats agree."""


@dataclass(frozen=True)
class Rechecked:
    """What a recheck found.

    Attributes
    ----------
    cells : pandas.DataFrame
        The rows that were computed again, with the names of the columns that disagree in
        ``disagrees``.
    entries : int
        Number of entries that were compared.
    disagreements : int
        Number of those that disagree.
    """

    cells: pd.DataFrame
    entries: int
    disagreements: int


def recheck(
    grid: Grid,
    table: pd.DataFrame,
    *,
    cells: int | Sequence[int] = 8,
    rng: np.random.Generator | int | None = None,
) -> Rechecked:
    r"""Compute a random sample of a table's cells again and count the entries that disagree.

    Integers, strings and booleans must be equal, floats must agree to a relative
    $10^{-9}$.

    Parameters
    ----------
    grid : Grid
        What the table claims to be the result of.
    table : pandas.DataFrame
        What :func:`slth.sweep.run` or :func:`slth.sweep.load` returned.
    cells : int or sequence of int
        How many cells to draw (all, if there are fewer), or the numbers of the rows to compute
        again.
    rng : numpy.random.Generator or int, optional
        Draws the sample; without it, each call draws another.

    Raises
    ------
    DataError
        If the rows of the table are not the grid's.
    CellFailed
        If the function raises.
    ValueError
        If no cell is asked for, or one that is not there, or one twice.

    Examples
    --------
    >>> from slth.sweep import example, recheck, run
    >>> table = run(example.GRID)
    >>> recheck(example.GRID, table, cells=3).disagreements
    0
    >>> table.loc[5, "heads"] += 1
    >>> recheck(example.GRID, table, cells=[4, 5]).cells
       bias  batch  tosses  heads disagrees
    4   0.5      0    1000    510
    5   0.5      1    1000    496     heads
    """
    stored = results_of(grid, table)
    chosen = _chosen(len(stored), cells, rng)
    differing = []
    for index in chosen:
        cell, row = grid.cells[index], stored[index]
        again = checked(grid, cell, attempt(grid.function, grid.seed, cell), None)
        names = [*row, *(name for name in again if name not in row)]
        differing.append([name for name in names if not _agree(row.get(name), again.get(name))])
    shown = table.iloc[chosen].assign(disagrees=[", ".join(names) for names in differing])
    entries = len(chosen) * len(stored[0])
    return Rechecked(shown, entries, sum(map(len, differing)))


def _chosen(
    rows: int, cells: int | Sequence[int], rng: np.random.Generator | int | None
) -> list[int]:
    if isinstance(cells, int):
        if cells < 1:
            raise ValueError(f"at least one cell must be rechecked, got cells={cells}")
        drawn = np.random.default_rng(rng).choice(rows, min(cells, rows), replace=False)
        return sorted(map(int, drawn))
    chosen = sorted(map(int, cells))
    if not chosen or chosen[0] < 0 or chosen[-1] >= rows or len(set(chosen)) < len(chosen):
        raise ValueError(f"expected different rows between 0 and {rows - 1}, got {chosen}")
    return chosen


def _agree(stored: Scalar | None, again: Scalar | None) -> bool:
    if isinstance(stored, float) and isinstance(again, float):
        both_nan = math.isnan(stored) and math.isnan(again)
        return both_nan or math.isclose(stored, again, rel_tol=TOLERANCE)
    return type(stored) is type(again) and stored == again
