"""Recheck passes a true table and catches one altered entry."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from slth import sweep
from slth.sweep import DataError, Grid

ROWS = 10


@pytest.fixture(scope="session")
def grid(cells: Any) -> Grid:
    """Declare a small grid."""
    return Grid("some", cells.anything, Grid.product(k=range(ROWS)), 1)


@pytest.fixture
def table(grid: Grid) -> pd.DataFrame:
    """Run it."""
    return sweep.run(grid)


@pytest.mark.parametrize("asked", [1, 4, ROWS, 100, [3], [9, 0, 4]])
def test_a_true_table_passes(asked: Any, grid: Grid, table: pd.DataFrame) -> None:
    found = sweep.recheck(grid, table, cells=asked)
    count = min(asked, ROWS) if isinstance(asked, int) else len(asked)
    assert (len(found.cells), found.entries, found.disagreements) == (count, 3 * count, 0)
    assert found.cells.k.is_monotonic_increasing
    assert found.cells.k.is_unique
    assert set(found.cells.disagrees) == {""}
    pd.testing.assert_frame_equal(found.cells[table.columns], table.loc[found.cells.index])


def test_a_table_from_a_file_passes(grid: Grid, table: pd.DataFrame, tmp_path: Any) -> None:
    sweep.save(table, grid, tmp_path)
    assert sweep.recheck(grid, sweep.load(grid, tmp_path), cells=ROWS).disagreements == 0


@pytest.mark.parametrize(
    ("column", "alter", "caught"),
    [
        ("draw", lambda value: value + 1, True),
        ("draw", lambda value: value - 1, True),
        ("value", lambda value: value * (1 + 3e-9), True),
        ("value", lambda value: -value, True),
        ("value", lambda value: float("nan"), True),
        ("value", lambda value: value * (1 + 1e-10), False),
        ("echo", lambda value: value + " ", True),
        ("echo", lambda value: "", True),
    ],
)
def test_one_altered_entry_is_caught(
    column: str, alter: Callable[[Any], Any], caught: bool, grid: Grid, table: pd.DataFrame
) -> None:
    table.loc[6, column] = alter(table.loc[6, column])
    whole = sweep.recheck(grid, table, cells=ROWS)
    assert whole.disagreements == caught
    assert whole.cells.disagrees[6] == (column if caught else "")
    assert sweep.recheck(grid, table, cells=[5, 6]).disagreements == caught
    assert sweep.recheck(grid, table, cells=[0, 1, 2, 3, 4, 5, 7, 8, 9]).disagreements == 0


def test_the_sample_is_fresh_unless_a_generator_is_given(grid: Grid, table: pd.DataFrame) -> None:
    def sample(rng: int | None) -> tuple[int, ...]:
        return tuple(sweep.recheck(grid, table, cells=3, rng=rng).cells.k)

    assert sample(1) == sample(1)
    assert len({sample(None) for _ in range(20)}) > 1  # 120 samples: equal with chance 120^-19
    assert {k for seed in range(40) for k in sample(seed)} == set(range(ROWS))


def test_other_types_and_columns_disagree(grid: Grid, table: pd.DataFrame) -> None:
    as_floats = table.astype({"draw": float})
    assert sweep.recheck(grid, as_floats, cells=[1, 2]).disagreements == 2
    renamed = table.rename(columns={"draw": "drawn"})
    assert sweep.recheck(grid, renamed, cells=[1]).cells.disagrees[1] == "drawn, draw"


def test_a_table_of_other_cells_is_refused(grid: Grid, table: pd.DataFrame) -> None:
    with pytest.raises(DataError, match=r"row 0 of the table is for \{'k': 9\}"):
        sweep.recheck(grid, table.iloc[::-1])


@pytest.mark.parametrize("asked", [0, -1, [], [10], [-1], [2, 2]])
def test_rows_that_are_not_there_are_refused(asked: Any, grid: Grid, table: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match=r"at least one cell|expected different rows"):
        sweep.recheck(grid, table, cells=asked)
