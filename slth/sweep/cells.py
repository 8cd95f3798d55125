"""One cell: evaluated in a way that any process can report, and checked to be a row."""

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from slth.sweep.canonical import Cell, Scalar, generator, plain
from slth.sweep.errors import CellFailed
from slth.sweep.grid import Grid


@dataclass(frozen=True)
class Failure:
    """What a function raised, as text: not every exception survives the way between processes."""

    error: str
    trace: str = ""


def attempt(
    function: Callable[..., Mapping[str, Scalar]], seed: int, cell: Mapping[str, Scalar]
) -> Cell | Failure:
    """Evaluate a cell with its own generator; return its results, or the failure.

    Parameters
    ----------
    function, seed, cell : various
        As in :class:`slth.sweep.Grid`.
    """
    try:
        return _row(function(rng=generator(seed, cell), **cell))
    except Exception as error:
        return Failure(f"{type(error).__name__}: {error}", traceback.format_exc())


def _row(result: Any) -> Cell:
    if not isinstance(result, Mapping):
        raise TypeError(f"the result must map names to values, got {result!r}")
    for name in result:
        if not isinstance(name, str) or not name.isidentifier():
            raise TypeError(f"the result's names must be identifiers, got {name!r}")
    return {key: plain(key, value) for key, value in result.items()}


def checked(
    grid: Grid, cell: Mapping[str, Scalar], result: Cell | Failure, other: Cell | None
) -> Cell:
    """Return a result that makes a table together with the other results.

    Parameters
    ----------
    grid, cell : Grid or mapping of str to Scalar
        What was evaluated.
    result : Cell or Failure
        What :func:`attempt` returned.
    other : Cell or None
        The result of another cell, if there is one.

    Raises
    ------
    CellFailed
        If the function raised, or its result has other columns or types than the others.
    """
    where = f"cell {dict(cell)} of sweep '{grid.name}'"
    if isinstance(result, Failure):
        failed = CellFailed(f"{where} failed: {result.error}")
        failed.add_note(result.trace)
        raise failed
    if not result or not result.keys().isdisjoint(cell):
        raise CellFailed(
            f"{where} returned the columns {list(result)}; expected at least one, "
            "and none of the cell's own"
        )
    if other is not None and types_of(result) != types_of(other):
        raise CellFailed(
            f"{where} returned {types_of(result)}, another cell returned {types_of(other)}"
        )
    return result


def types_of(row: Mapping[str, Scalar]) -> dict[str, str]:
    """Return the name of the type of each entry, in an order that does not depend on the row's."""
    return {key: type(value).__name__ for key, value in sorted(row.items())}
