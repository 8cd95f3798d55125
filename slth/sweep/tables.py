"""Results as tables, and the rows of a table as results."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from slth.sweep.canonical import Cell, Scalar, canonical, plain
from slth.sweep.errors import DataError
from slth.sweep.grid import Grid

_DTYPES = {int: np.dtype(np.int64), float: np.dtype(np.float64), bool: np.dtype(np.bool_)}


def table(grid: Grid, results: Sequence[Mapping[str, Scalar]]) -> pd.DataFrame:
    """Return the cells of a grid with their results as a table; integers stay integers.

    Parameters
    ----------
    grid : Grid
        Whose cells are the rows.
    results : sequence of mapping of str to Scalar
        A result for each cell, all with the same columns.
    """
    rows = [{**cell, **result} for cell, result in zip(grid.cells, results, strict=True)]
    return frame({key: [row[key] for row in rows] for key in rows[0]})


def frame(columns: Mapping[str, Sequence[Scalar]]) -> pd.DataFrame:
    """Return a table whose columns have the types of their first entries."""
    return pd.DataFrame(
        {
            key: pd.Series(values, dtype=_DTYPES.get(type(values[0]), "str"))
            for key, values in columns.items()
        }
    )


def results_of(grid: Grid, given: pd.DataFrame) -> list[Cell]:
    """Return the results that a table holds, row by row: the inverse of :func:`table`.

    Parameters
    ----------
    grid : Grid
        The grid of the table.
    given : pandas.DataFrame
        The table.

    Raises
    ------
    DataError
        If the rows are not those of the grid's cells, in their order.
    """
    names = list(given.columns)
    if tuple(names[: len(grid.columns)]) != grid.columns or len(names) == len(grid.columns):
        raise DataError(
            f"the table has the columns {names}; the cells of grid '{grid.name}' have "
            f"{list(grid.columns)}, and results follow"
        )
    if len(given) != len(grid.cells):
        raise DataError(f"the table has {len(given)} rows, grid '{grid.name}' {len(grid.cells)}")
    rows = given.itertuples(index=False, name=None)
    return [
        _result(grid, index, dict(zip(names, row, strict=True))) for index, row in enumerate(rows)
    ]


def _result(grid: Grid, index: int, row: Mapping[str, object]) -> Cell:
    try:
        entries = {key: plain(key, value) for key, value in row.items()}
    except TypeError as error:
        raise DataError(f"row {index} of the table: {error}") from None
    cell = {key: entries.pop(key) for key in grid.columns}
    if canonical(cell) != canonical(grid.cells[index]):
        raise DataError(
            f"row {index} of the table is for {cell}, cell {index} of grid '{grid.name}' "
            f"is {grid.cells[index]}"
        )
    return entries
