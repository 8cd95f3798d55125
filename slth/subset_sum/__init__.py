"""Exact subset sums: one instance or many, fixed size or any size; counting and covering."""

from .errors import InstanceTooLarge, SubsetNotFound
from .solution import BatchSolution, Objective, Solution
from .solve import solve, solve_many

__all__ = [
    "BatchSolution",
    "InstanceTooLarge",
    "Objective",
    "Solution",
    "SubsetNotFound",
    "solve",
    "solve_many",
]
