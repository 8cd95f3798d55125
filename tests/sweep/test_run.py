"""Rows depend on their own cell alone, and what is no row is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from slth import sweep

VALUES = st.tuples(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["C", "Z"]), max_size=3),
    st.booleans(),
)
ROWS = st.lists(VALUES, min_size=1, max_size=8, unique_by=repr)


def grid_of(function: Any, rows: list[tuple[Any, ...]], seed: int = 5) -> sweep.Grid:
    """Declare a grid with one cell for each tuple."""
    names = ("integer", "real", "text", "flag")
    cells = tuple(dict(zip(names, row, strict=True)) for row in rows)
    return sweep.Grid("some", function, cells, seed)


@given(ROWS, st.data())
@settings(max_examples=40, deadline=None)
def test_order_and_subset_of_the_cells_change_no_row(
    cells: Any, rows: list[tuple[Any, ...]], data: st.DataObject
) -> None:
    whole = sweep.run(grid_of(cells.anything, rows))
    chosen = data.draw(st.lists(st.sampled_from(range(len(rows))), min_size=1, unique=True))
    part = sweep.run(grid_of(cells.anything, [rows[index] for index in chosen]))
    assert_frame_equal(part, whole.iloc[chosen].reset_index(drop=True), check_exact=True)


def test_table_has_the_grid_s_order_and_types(cells: Any) -> None:
    table = sweep.run(grid_of(cells.anything, [(2, 0.5, "b", True), (1, 0.5, "a", False)]))
    assert list(table.columns) == ["integer", "real", "text", "flag", "draw", "value", "echo"]
    assert table["integer"].tolist() == [2, 1]
    assert table[["integer", "draw"]].dtypes.eq(np.int64).all()
    assert table[["real", "value"]].dtypes.eq(np.float64).all()
    assert table["flag"].dtype == np.bool_
    assert all(pd.api.types.is_string_dtype(table[name]) for name in ("text", "echo"))


def test_processes_change_no_row(cells: Any, tmp_path: Path) -> None:
    grid = grid_of(cells.anything, [(index, index / 3, "ü", True) for index in range(9)])
    here = sweep.run(grid)
    store = tmp_path / "some.sqlite"
    assert_frame_equal(sweep.run(grid, workers=3, store=store), here, check_exact=True)
    assert_frame_equal(sweep.run(grid, store=store), here, check_exact=True)


def test_small_and_large_grid_share_a_store(
    gate: Any, cells: Any, tmp_path: Path, stored: Any
) -> None:
    gate.open()
    store = tmp_path / "shared.sqlite"
    small = sweep.Grid("fast", cells.gated, sweep.Grid.product(index=[7, 2]), seed=3)
    few = sweep.run(small, store=store)
    whole = sweep.run(cells.GATED, store=store)
    assert set(gate.calls().values()) == {1}
    assert stored(store) == list(range(12))
    assert_frame_equal(few, whole.iloc[[7, 2]].reset_index(drop=True), check_exact=True)
    assert_frame_equal(whole, sweep.run(cells.GATED), check_exact=True)


def test_seed_counts(cells: Any) -> None:
    rows = [(1, 0.5, "a", True)]
    draws = [sweep.run(grid_of(cells.anything, rows, seed)).draw[0] for seed in (0, 1, 2**64)]
    assert len(set(draws)) == 3


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("no mapping", "the result must map names to values, got [1]"),
        ("nothing", "returned the columns []; expected at least one"),
        ("a list", "'value' must be a number, a string or a boolean, got list"),
        ("another type", "returned {'value': 'int'}, another cell returned {'value': 'float'}"),
        ("another name", "returned {'other': 'float'}, another cell returned {'value': 'float'}"),
        ("the cell's key", "returned the columns ['value', 'index']"),
        ("an odd name", "the result's names must be identifiers, got 'a b'"),
        ("too large", "'value' must fit into 64 bits"),
        ("a control character", "'value' must be printable text"),
    ],
)
def test_what_is_no_row_is_refused_and_not_stored(
    what: str, reason: str, cells: Any, tmp_path: Path, stored: Any
) -> None:
    grid = sweep.Grid("odd", cells.misshapen, sweep.Grid.product(index=[0, 1], what=[what]), 0)
    with pytest.raises(sweep.CellFailed) as caught:
        sweep.run(grid, store=tmp_path / "odd.sqlite")
    assert f"cell {{'index': 1, 'what': {what!r}}} of sweep 'odd'" in str(caught.value)
    assert reason in str(caught.value)
    assert stored(tmp_path / "odd.sqlite") == [0]


def test_workers_are_counted(cells: Any) -> None:
    with pytest.raises(ValueError, match="at least one worker, got workers=0"):
        sweep.run(cells.GATED, workers=0)
    with pytest.raises(ValueError, match="a scheduler has its own workers"):
        sweep.run(cells.GATED, workers=2, scheduler="tcp://localhost:1")
