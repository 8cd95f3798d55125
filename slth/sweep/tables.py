"""Results as tables, and tables as versioned data files that tell when they were altered."""

import csv
import hashlib
import io
import json
import os
import platform
import secrets
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .errors import DataError
from .grid import Cell, Grid, Scalar, canonical, plain

_FORMAT = 1
_TYPES: dict[str, type] = {"int": int, "float": float, "bool": bool, "str": str}
_DTYPES = {"int": np.dtype(np.int64), "float": np.dtype(float), "bool": np.dtype(bool)}


def table(grid: Grid, results: Sequence[Mapping[str, Scalar]]) -> pd.DataFrame:
    """Return the rows of a grid as a table; integers stay integers."""
    rows = [{**cell, **result} for cell, result in zip(grid.cells, results, strict=True)]
    return _frame({key: [row[key] for row in rows] for key in rows[0]})


def _frame(columns: Mapping[str, Sequence[Scalar]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            key: pd.Series(values, dtype=_DTYPES.get(type(values[0]).__name__, "str"))
            for key, values in columns.items()
        }
    )


def rows_of(grid: Grid, frame: pd.DataFrame) -> list[Cell]:
    """Return the result columns of a table, row by row, as Python scalars.

    Raises
    ------
    DataError
        If the rows are not those of the grid's cells, in their order.
    """
    if tuple(frame.columns[: len(grid.columns)]) != grid.columns:
        raise DataError(
            f"the table begins with the columns {list(frame.columns[: len(grid.columns)])}, "
            f"the cells of grid '{grid.name}' have {list(grid.columns)}"
        )
    if len(frame) != len(grid.cells):
        raise DataError(f"the table has {len(frame)} rows, grid '{grid.name}' {len(grid.cells)}")
    names = list(frame.columns)
    rows = []
    for index, (values, cell) in enumerate(
        zip(frame.itertuples(index=False, name=None), grid.cells, strict=True)
    ):
        try:
            row = {name: plain(name, value) for name, value in zip(names, values, strict=True)}
        except TypeError as error:
            raise DataError(f"row {index} of the table: {error}") from None
        found = {name: row.pop(name) for name in grid.columns}
        if canonical(found) != canonical(dict(cell)):
            raise DataError(
                f"row {index} of the table is {found}, cell {index} of grid '{grid.name}' "
                f"is {dict(cell)}"
            )
        rows.append(row)
    return rows


def save(frame: pd.DataFrame, grid: Grid, folder: str | Path) -> Path:
    """Write a table to ``folder/name.csv``, and beside it a JSON file that vouches for it.

    Floats are written with the fewest digits that name them, so that they come back bit by bit.
    Each file is written aside and then renamed.

    Parameters
    ----------
    frame
        What :func:`slth.sweep.run` returned.
    grid
        The grid that it ran.
    folder
        Made if need be.

    Returns
    -------
    pathlib.Path
        The CSV file.

    Raises
    ------
    DataError
        If the table is not that of the grid.
    """
    results = rows_of(grid, frame)
    first = {**grid.cells[0], **results[0]}
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(first)
    for cell, result in zip(grid.cells, results, strict=True):
        writer.writerow([_written(value) for value in (*cell.values(), *result.values())])
    content = text.getvalue().encode()
    header = {
        "format": _FORMAT,
        "name": grid.name,
        "grid": grid.declaration,
        "grid_digest": grid.digest,
        "function": grid.function_name,
        "seed": grid.seed,
        "cells": len(grid.cells),
        "columns": {key: type(value).__name__ for key, value in first.items()},
        "csv_digest": hashlib.sha256(content).hexdigest(),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("numpy", "scipy", "numba", "slth")},
        },
    }
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{grid.name}.csv"
    _write(path, content)
    _write(path.with_suffix(".json"), f"{json.dumps(header, indent=1)}\n".encode())
    return path


def load(grid: Grid, folder: str | Path) -> pd.DataFrame:
    """Read the table that :func:`save` wrote, bit by bit.

    Parameters
    ----------
    grid
        The grid whose table is wanted.
    folder
        Where it was saved.

    Raises
    ------
    DataError
        If there is none, if its text was altered, or if it was made for another grid; the message
        says what differs and how to make it again.
    """
    path = Path(folder) / f"{grid.name}.csv"
    again = f"; make it again with {remake(grid)}"
    try:
        header = json.loads(path.with_suffix(".json").read_text("utf-8"))
        content = path.read_bytes()
        if header["format"] != _FORMAT:
            raise DataError(f"{path} has format {header['format']}, expected {_FORMAT}{again}")
        if hashlib.sha256(content).hexdigest() != header["csv_digest"]:
            raise DataError(f"{path} was altered after it was made{again}")
        frame = _read(content, header["columns"])
        if header["grid_digest"] != grid.digest:
            raise DataError(
                f"{path} was made for another grid: {_difference(grid, header, frame)}{again}"
            )
    except FileNotFoundError as error:
        raise DataError(f"there is no {error.filename}{again}") from None
    except (KeyError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path.with_suffix('.json')} is no description of a table{again}"
        ) from error
    return frame


def remake(grid: Grid) -> str:
    """Return the command that computes and saves a grid."""
    return f"python -m slth.sweep {grid.declaration or 'MODULE:GRID'}"


def _written(value: Scalar) -> str:
    return repr(value) if isinstance(value, float) else str(value)


def _read(content: bytes, types: Mapping[str, str]) -> pd.DataFrame:
    names, *rows = csv.reader(io.StringIO(content.decode(), newline=""))
    columns: dict[str, list[Scalar]] = {name: [] for name in names}
    for row in rows:
        for name, text in zip(names, row, strict=True):
            columns[name].append(
                text == "True" if types[name] == "bool" else _TYPES[types[name]](text)
            )
    return _frame(columns)


def _difference(grid: Grid, header: Mapping[str, Any], frame: pd.DataFrame) -> str:
    """Say in which respects a stored table is not the grid's."""
    found = []
    for word, stored, own in (
        ("name", header["name"], grid.name),
        ("function", header["function"], grid.function_name),
        ("seed", header["seed"], grid.seed),
    ):
        if stored != own:
            found.append(f"{word} {stored} instead of {own}")
    names = [name for name in frame.columns if name in grid.columns]
    stored_cells = {canonical(cell) for cell in frame[names].to_dict("records")}
    own_cells = {canonical(dict(cell)) for cell in grid.cells}
    if missing := own_cells - stored_cells:
        found.append(f"{len(missing)} cells are missing, such as {min(missing)}")
    if extra := stored_cells - own_cells:
        found.append(f"{len(extra)} cells do not belong to the grid, such as {min(extra)}")
    return "; ".join(found) or "its cells are in another order"


def _write(path: Path, content: bytes) -> None:
    """Write a file: afterwards it is complete or unchanged."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with open(aside, "xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
