"""The store: only added to, and refused where it is damaged or not ours."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from slth import sweep
from slth.sweep import Grid, StoreError


@pytest.fixture
def grid(cells: Any) -> Grid:
    """Declare a small grid."""
    return Grid("some", cells.anything, Grid.product(k=range(20)), 1)


@pytest.fixture
def path(grid: Grid, tmp_path: Path) -> Path:
    """Fill a store."""
    path = tmp_path / "some.sqlite"
    sweep.run(grid, store=path)
    return path


def execute(path: Path, *statements: str) -> None:
    """Change a file behind the store's back."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM cells",
        "UPDATE cells SET result = '{}'",
        "REPLACE INTO cells SELECT * FROM cells",
    ],
)
def test_rows_are_only_added(statement: str, path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(sqlite3.IntegrityError):
        execute(path, statement)
    assert path.read_bytes() == before


def test_other_sweeps_are_refused(grid: Grid, path: Path, cells: Any) -> None:
    other_seed = Grid("some", cells.anything, grid.cells, 2)
    with pytest.raises(StoreError, match="belongs to another sweep: seed 1, not seed 2; remove it"):
        sweep.run(other_seed, store=path)
    other = Grid("some", cells.gated, Grid.product(index=[1]), 1)
    with pytest.raises(StoreError, match=r"function sweep_cells.anything, not function .*gated"):
        sweep.run(other, store=path)


def test_a_changed_function_is_refused(
    grid: Grid, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slth.sweep.store.code_digest", lambda function: "0" * 64)
    with pytest.raises(StoreError, match=r"code \w{12}, not code 000000000000; remove it"):
        sweep.run(grid, store=path)


@pytest.mark.parametrize("column", ["key", "cell", "result", "checksum"])
def test_an_altered_row_is_refused(column: str, grid: Grid, path: Path) -> None:
    execute(
        path,
        "DROP TRIGGER no_change",
        f"UPDATE cells SET {column} = {column} || ' ' WHERE rowid = 7",
    )
    with pytest.raises(StoreError, match="was altered: cell"):
        sweep.run(grid, store=path)


def test_foreign_files_are_refused_and_left_alone(grid: Grid, tmp_path: Path) -> None:
    text = tmp_path / "text.sqlite"
    text.write_text("no database, but a long text. " * 100)
    database = tmp_path / "foreign.sqlite"
    execute(database, "CREATE TABLE other (x)")
    newer = tmp_path / "newer.sqlite"
    sweep.run(grid, store=newer)
    execute(newer, "PRAGMA user_version = 2")
    folder = tmp_path / "folder"
    folder.mkdir()
    for file, reason in [
        (text, "is no store of a sweep, or is damaged: file is not a database"),
        (database, "is an SQLite file, but no store of a sweep"),
        (newer, "has format 2; this version reads 1"),
        (folder, "unable to open database file"),
        (text / "below", "cannot be made"),
    ]:
        before = file.read_bytes() if file.is_file() else b""
        with pytest.raises(StoreError, match=reason):
            sweep.run(grid, store=file)
        assert not file.is_file() or file.read_bytes() == before


def test_a_damaged_file_is_refused(grid: Grid, path: Path) -> None:
    whole = path.read_bytes()
    refused = 0
    for start in range(0, len(whole), 1024):
        path.write_bytes(whole[:start] + bytes(512) + whole[start + 512 :])
        try:
            table = sweep.run(grid, store=path)
        except StoreError:
            refused += 1
        else:  # nothing was there: the rows are the true ones
            assert table.equals(sweep.run(grid))
    assert refused > 3


def test_a_truncated_file_is_refused(grid: Grid, path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(StoreError, match="damaged"):
        sweep.run(grid, store=path)
