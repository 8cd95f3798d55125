"""Finished cells on disk: an SQLite file to which rows are added, never changed.

Each finished cell is one transaction, so that a process may be killed at any moment.  The runner
holds the file alone while it runs.  The key of a row is SHA-256 of (function, seed, cell): grids of
one function and seed, a small one and a large one, may share a store.
"""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from slth.sweep.canonical import Cell, canonical, sha256
from slth.sweep.code import code_digest
from slth.sweep.errors import StoreError
from slth.sweep.grid import Grid

_APPLICATION_ID = 0x736C7468  # "slth": tells our files from other people's SQLite files
_FORMAT = 1
_SCHEMA = (
    "CREATE TABLE sweep (function TEXT NOT NULL, seed TEXT NOT NULL, code TEXT NOT NULL) STRICT",
    "CREATE TABLE cells (key TEXT PRIMARY KEY, cell TEXT NOT NULL, result TEXT NOT NULL,"
    " checksum TEXT NOT NULL) STRICT",
    "CREATE TRIGGER no_replacement BEFORE INSERT ON cells"
    " WHEN EXISTS (SELECT 1 FROM cells WHERE key = NEW.key)"
    " BEGIN SELECT RAISE(ABORT, 'finished cells are never replaced'); END",
    "CREATE TRIGGER no_removal BEFORE DELETE ON cells"
    " BEGIN SELECT RAISE(ABORT, 'finished cells are never removed'); END",
    "CREATE TRIGGER no_change BEFORE UPDATE ON cells"
    " BEGIN SELECT RAISE(ABORT, 'finished cells are never changed'); END",
    f"PRAGMA application_id = {_APPLICATION_ID}",
    f"PRAGMA user_version = {_FORMAT}",
)


class Store:
    """The finished cells of a function and a seed; see :func:`open_store`."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    def results(self, grid: Grid) -> dict[str, Cell]:
        """Return the stored results of the grid's cells, by key.

        Raises
        ------
        StoreError
            If a row is not as it was written.
        """
        wanted = set(grid.cell_keys())
        found = {}
        rows = self._connection.execute("SELECT key, cell, result, checksum FROM cells")
        for key, cell, result, checksum in rows:
            if checksum != _checksum(key, cell, result):
                raise StoreError(f"the store {self._path} was altered: cell {cell}; remove it")
            if key in wanted:
                found[key] = json.loads(result)
        return found

    def add(self, key: str, cell: Cell, result: Cell) -> None:
        """Add a finished cell; afterwards it is on disk.

        Parameters
        ----------
        key, cell, result : str or Cell
            The cell's key, the cell, and what the function returned.
        """
        texts = (key, canonical(cell), json.dumps(result))
        self._connection.execute(
            "INSERT INTO cells VALUES (?, ?, ?, ?)", (*texts, _checksum(*texts))
        )


@contextlib.contextmanager
def open_store(path: Path, grid: Grid) -> Iterator[Store]:
    """Open the store of a grid's function and seed, or make it; nobody else can meanwhile.

    Parameters
    ----------
    path : pathlib.Path
        The file; its folder is made if need be.
    grid : Grid
        Whose cells are to be stored.

    Raises
    ------
    StoreError
        If the file is no store, is damaged, belongs to another function, seed or version of the
        function, is in use, or cannot be written.
    """
    with contextlib.ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"the store {path} cannot be made: {error}") from error
        try:
            connection = sqlite3.connect(path, isolation_level=None, timeout=0)
            stack.callback(connection.close)
            _claim(connection, path, grid)
            yield Store(connection, path)
        except sqlite3.OperationalError as error:
            reason = "is in use by another run" if "locked" in str(error) else f"fails: {error}"
            raise StoreError(f"the store {path} {reason}") from error
        except sqlite3.DatabaseError as error:
            raise StoreError(f"{path} is no store of a sweep, or is damaged: {error}") from error


def _claim(connection: sqlite3.Connection, path: Path, grid: Grid) -> None:
    """Lock the file, lay it out if it is new, and refuse what is not this grid's store."""
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA synchronous = FULL")
    own = (grid.function_name, str(grid.seed), code_digest(grid.function))
    connection.execute("BEGIN EXCLUSIVE")  # the lock stays when the transaction ends
    if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,):
        for statement in _SCHEMA:
            connection.execute(statement)
        connection.execute("INSERT INTO sweep VALUES (?, ?, ?)", own)
    connection.execute("COMMIT")
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != _APPLICATION_ID:
        raise StoreError(f"{path} is an SQLite file, but no store of a sweep")
    if version != _FORMAT:
        raise StoreError(f"the store {path} has format {version}; this version reads {_FORMAT}")
    (state,) = connection.execute("PRAGMA integrity_check").fetchone()
    if state != "ok":
        raise StoreError(f"the store {path} is damaged: {state}; remove it")
    stored = connection.execute("SELECT function, seed, code FROM sweep").fetchone()
    words = ("function {}", "seed {}", "code {:.12}")
    for word, theirs, ours in zip(words, stored, own, strict=True):
        if theirs != ours:
            raise StoreError(
                f"the store {path} belongs to another sweep: {word.format(theirs)}, "
                f"not {word.format(ours)}; remove it or name another"
            )


def _checksum(key: str, cell: str, result: str) -> str:
    return sha256(f"{key}\n{cell}\n{result}")
