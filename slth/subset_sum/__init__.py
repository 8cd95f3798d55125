"""Exact subset sums: one instance or many, fixed size or any size; counting and covering."""

from .cost import Cost, cost
from .counting import count, sums
from .covering import covering_radius
from .covering_bounds import covering_radius_bounds
from .errors import InstanceTooLarge, SubsetNotFound
from .solution import BatchSolution, Objective, Solution
from .solve import solve, solve_many
from .window import solve_window

__all__ = [
    "BatchSolution",
    "Cost",
    "InstanceTooLarge",
    "Objective",
    "Solution",
    "SubsetNotFound",
    "cost",
    "count",
    "covering_radius",
    "covering_radius_bounds",
    "solve",
    "solve_many",
    "solve_window",
    "sums",
]
