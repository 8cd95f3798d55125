"""Sweeps: one pure function on a declared grid of cells, run once, stored, and re-checked.

A :class:`Grid` says which function is evaluated on which cells from which seed; each cell has its
own random generator, made from the seed and the cell alone.  :func:`run` evaluates the grid, on
local processes or on a Dask cluster, and resumes where an earlier run was stopped; :func:`save` and
:func:`load` keep the table as a versioned data file; :func:`recheck` computes a random sample of
its cells again.  ``python -m slth.sweep MODULE:GRID`` runs and saves a grid.
"""

from slth.sweep.canonical import Cell, Scalar
from slth.sweep.errors import (
    CellFailed,
    DataError,
    GridError,
    SchedulerLost,
    StoreError,
    SweepError,
    WorkersLost,
)
from slth.sweep.files import load, save
from slth.sweep.grid import Grid
from slth.sweep.recheck import Rechecked, recheck
from slth.sweep.run import run

__all__ = [
    "Cell",
    "CellFailed",
    "DataError",
    "Grid",
    "GridError",
    "Rechecked",
    "Scalar",
    "SchedulerLost",
    "StoreError",
    "SweepError",
    "WorkersLost",
    "load",
    "recheck",
    "run",
    "save",
]
