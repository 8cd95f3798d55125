r"""A declared sweep: a function, its cells and a seed.

The cell $c$ of a sweep with seed $s$ draws from a generator that is seeded with
$(s, h(c))$, where $h$ is SHA-256 of the cell's canonical JSON.  A row therefore depends
on the function, the seed and its own cell, and on nothing else: not on the other cells, on their
order, or on who computes it.
"""

import inspect
import itertools
import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from slth.sweep.canonical import Cell, Scalar, canonical, plain, sha256
from slth.sweep.errors import GridError


@dataclass(frozen=True)
class Grid:
    """A pure function, the cells on which it is evaluated, and the seed of all randomness.

    Attributes
    ----------
    name : str
        Stem of the files: letters, digits, ``-`` and ``_``.
    function : callable
        A function that a module declares at its top level.  It is called as
        ``function(rng=generator, **cell)`` and returns the result columns of the cell's row.
    cells : tuple of mapping of str to Scalar
        Keyword arguments of the calls: finite numbers, printable strings and booleans.  All have
        the same keys, each key has values of one type, and no two cells are equal.
    seed : int
        A non-negative integer.

    Raises
    ------
    GridError
        If one of these does not hold.

    Examples
    --------
    >>> from slth.sweep import Grid, example, run
    >>> grid = Grid("coins", example.cell, Grid.product(bias=[0.25, 0.5], batch=range(2)), seed=0)
    >>> run(grid)
       bias  batch  tosses  heads
    0  0.25      0    1000    251
    1  0.25      1    1000    245
    2  0.50      0    1000    510
    3  0.50      1    1000    495
    """

    name: str
    function: Callable[..., Mapping[str, Scalar]]
    cells: tuple[Mapping[str, Scalar], ...]
    seed: int

    def __post_init__(self) -> None:
        """Check the declaration and make its values plain."""
        if not re.fullmatch(r"[A-Za-z0-9][\w-]*", self.name, re.ASCII):
            raise GridError(f"the name {self.name!r} of a grid must be letters, digits, '-', '_'")
        try:
            _check_function(self.function)
            object.__setattr__(self, "cells", _checked_cells(self.cells))
            object.__setattr__(self, "seed", _checked_seed(self.seed))
            _check_call(self.function, self.cells[0])
        except GridError as error:
            raise GridError(f"grid '{self.name}': {error}") from None

    @staticmethod
    def product(**values: Iterable[Any]) -> tuple[Cell, ...]:
        """Return every combination of the values, the last key varying fastest.

        Parameters
        ----------
        **values : iterable of object
            For each key of the cells, its values.

        Raises
        ------
        GridError
            If the values of a key are no collection; a single string is none.

        Examples
        --------
        >>> Grid.product(k=[1, 2], law=["uniform"])
        ({'k': 1, 'law': 'uniform'}, {'k': 2, 'law': 'uniform'})
        """
        for key, given in values.items():
            if isinstance(given, str) or not isinstance(given, Iterable):
                raise GridError(f"'{key}' needs a collection of values, got {given!r}")
        combinations = itertools.product(*values.values())
        return tuple(dict(zip(values, chosen, strict=True)) for chosen in combinations)

    @property
    def function_name(self) -> str:
        """Module and name of the function: ``"slth.sweep.example.cell"``."""
        return _name(self.function)

    @property
    def columns(self) -> tuple[str, ...]:
        """The keys of the cells, which are the first columns of the table."""
        return tuple(self.cells[0])

    @property
    def digest(self) -> str:
        """SHA-256 of name, function name, seed and cells; the order of the cells counts."""
        return sha256(canonical([self.name, self.function_name, self.seed, self.cells]))

    @property
    def declaration(self) -> str | None:
        """``"module:attribute"`` if the function's module declares this grid, None otherwise."""
        module = self.function.__module__
        for attribute, value in vars(sys.modules[module]).items():
            if isinstance(value, Grid) and value.digest == self.digest:
                return f"{module}:{attribute}"
        return None

    def cell_keys(self) -> list[str]:
        """Return SHA-256 of (function, seed, cell) of each cell."""
        return [sha256(canonical([self.function_name, self.seed, cell])) for cell in self.cells]


def _name(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__}"


def _checked_seed(seed: Any) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise GridError(f"the seed must be an integer, got {seed!r}")
    if seed < 0:
        raise GridError(f"the seed must not be negative, got {seed}")
    return int(seed)


def _checked_cells(cells: Iterable[Mapping[str, Any]]) -> tuple[Cell, ...]:
    """Return the cells with plain values and with their keys in one order."""
    rows = [{key: _cell_value(key, value) for key, value in cell.items()} for cell in cells]
    if not rows or not rows[0]:
        raise GridError("there must be at least one cell, with at least one key")
    first, seen = rows[0], set()
    for row in rows:
        if row.keys() != first.keys():
            raise GridError(f"the cells {first} and {row} have different keys")
        for key, value in row.items():
            if type(value) is not type(first[key]):
                raise GridError(
                    f"'{key}' is of type {type(first[key]).__name__} in one cell and of type "
                    f"{type(value).__name__} in another: {first[key]!r}, {value!r}"
                )
            if not key.isidentifier():
                raise GridError(f"the key {key!r} of the cells is no Python name")
        text = canonical(row)
        if text in seen:
            raise GridError(f"the cell {row} is there twice")
        seen.add(text)
    return tuple({key: row[key] for key in first} for row in rows)


def _cell_value(key: str, value: Any) -> Scalar:
    try:
        scalar = plain(key, value)
    except TypeError as error:
        raise GridError(f"the cell value {error}") from None
    if isinstance(scalar, float) and not math.isfinite(scalar):
        raise GridError(f"the cell value '{key}' must be finite, got {scalar}")
    return scalar


def _check_function(function: Any) -> None:
    """Refuse what another process cannot import by name."""
    if not inspect.isfunction(function):
        raise GridError(f"expected a function, got {function!r}")
    module = sys.modules.get(function.__module__)
    if (
        function.__module__ == "__main__"
        or getattr(module, function.__qualname__, None) is not function
    ):
        raise GridError(
            f"the function {_name(function)} cannot be imported by another process; "
            "declare it at the top level of a module"
        )


def _check_call(function: Callable[..., Any], cell: Mapping[str, Scalar]) -> None:
    if "rng" in cell:
        raise GridError("'rng' is the generator's name and cannot be a key of the cells")
    try:
        inspect.signature(function).bind(rng=None, **cell)
    except TypeError as error:
        raise GridError(
            f"{_name(function)} cannot be called with rng, {', '.join(cell)}: {error}"
        ) from None
