"""Tables as versioned data files, which tell when they were altered or made for another grid."""

import csv
import hashlib
import io
import json
import platform
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from slth import resources
from slth.files import write_atomically
from slth.sweep.canonical import Scalar, canonical
from slth.sweep.cells import types_of
from slth.sweep.errors import DataError
from slth.sweep.grid import Grid
from slth.sweep.tables import frame, results_of

_FORMAT = 1
_PARSERS: dict[str, Callable[[str], Scalar]] = {
    "int": int,
    "float": float,
    "bool": {"True": True, "False": False}.__getitem__,
    "str": str,
}


def save(table: pd.DataFrame, grid: Grid, folder: str | Path) -> Path:
    """Write a table to ``folder/name.csv``, and beside it a JSON file that vouches for it.

    Floats are written with the fewest digits that name them, so that they come back bit by bit.
    Each file is written aside and then renamed.

    Parameters
    ----------
    table : pandas.DataFrame
        What :func:`slth.sweep.run` returned.
    grid : Grid
        The grid that it ran.
    folder : str or pathlib.Path
        Made if need be.

    Returns
    -------
    pathlib.Path
        The CSV file.

    Raises
    ------
    DataError
        If the table is not that of the grid.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from slth.sweep import example, load, run, save
    >>> with TemporaryDirectory() as folder:
    ...     path = save(run(example.GRID), example.GRID, folder)
    ...     print(path.name, load(example.GRID, folder).heads.sum())
    coins.csv ...
    """
    results = results_of(grid, table)
    rows = [{**cell, **result} for cell, result in zip(grid.cells, results, strict=True)]
    for row in rows:
        if types_of(row) != types_of(rows[0]):
            raise DataError(f"the rows have different types: {rows[0]}, {row}")
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows(row.values() for row in rows)  # csv writes floats with repr
    content = text.getvalue().encode()
    description = {
        "format": _FORMAT,
        "name": grid.name,
        "grid": grid.declaration,
        "function": grid.function_name,
        "seed": grid.seed,
        "cells": len(rows),
        "columns": {key: type(value).__name__ for key, value in rows[0].items()},
        "grid_sha256": grid.digest,
        "csv_sha256": hashlib.sha256(content).hexdigest(),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("numba", "numpy", "scipy", "slth")},
        },
    }
    path = Path(folder) / f"{grid.name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content)
    write_atomically(path.with_suffix(".json"), f"{json.dumps(description, indent=1)}\n".encode())
    return path


def load(grid: Grid, folder: str | Path | None = None) -> pd.DataFrame:
    """Read the table that :func:`save` wrote, bit by bit.

    Parameters
    ----------
    grid : Grid
        The grid whose table is wanted.
    folder : str or pathlib.Path, optional
        Where it was saved; by default, the tables that come with the package.

    Raises
    ------
    DataError
        If there is none, if it was altered, or if it was made for another grid; the message says
        what differs and how to make it again.
    """
    try:
        home = resources.path("data") if folder is None else Path(folder)
        return _load(grid, home / f"{grid.name}.csv")
    except (DataError, FileNotFoundError) as error:
        declaration = grid.declaration or "MODULE:GRID"
        raise DataError(
            f"{error}; make it again with 'python -m slth.sweep {declaration}'"
        ) from None


def _load(grid: Grid, path: Path) -> pd.DataFrame:
    description_path = path.with_suffix(".json")
    try:
        description = json.loads(description_path.read_text("utf-8"))
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"there is no {error.filename}") from None
    except ValueError as error:
        raise DataError(f"{description_path} is no description of a table: {error}") from None
    try:
        if description["format"] != _FORMAT:
            raise DataError(f"{path} has format {description['format']}, not {_FORMAT}")
        if description["csv_sha256"] != hashlib.sha256(content).hexdigest():
            raise DataError(f"{path} was altered after it was made")
        table = _parse(content.decode(), description["columns"])
        if description["grid_sha256"] != grid.digest:
            difference = _difference(grid, description, table)
            raise DataError(f"{path} was made for another grid: {difference}")
        results_of(grid, table)
    except DataError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{description_path} does not describe {path.name}: {error!r}") from None
    return table


def _parse(text: str, types: Mapping[str, str]) -> pd.DataFrame:
    names, *rows = csv.reader(io.StringIO(text, newline=""))
    columns: dict[str, list[Scalar]] = {name: [] for name in names}
    for row in rows:
        for name, entry in zip(names, row, strict=True):
            columns[name].append(_PARSERS[types[name]](entry))
    return frame(columns)


def _difference(grid: Grid, description: Mapping[str, Any], table: pd.DataFrame) -> str:
    """Say in which respects a stored table is not the grid's."""
    own = {"name": grid.name, "function": grid.function_name, "seed": grid.seed}
    found = [
        f"{word} {description[word]} instead of {value}"
        for word, value in own.items()
        if description[word] != value
    ]
    names = [name for name in grid.columns if name in table.columns]
    stored_cells = {canonical(cell) for cell in table[names].to_dict("records")}
    own_cells = {canonical(cell) for cell in grid.cells}
    if missing := own_cells - stored_cells:
        found.append(f"{len(missing)} cells are missing, such as {min(missing)}")
    if extra := stored_cells - own_cells:
        found.append(f"{len(extra)} cells do not belong to it, such as {min(extra)}")
    return "; ".join(found) or "the cells are in another order"
