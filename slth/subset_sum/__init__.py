"""Exact subset sums: one instance or many, fixed size or any size; counting and covering."""

from slth.objectives import Objective
from slth.subset_sum.cost import Cost, cost
from slth.subset_sum.counting import count, sums
from slth.subset_sum.covering import covering_radius
from slth.subset_sum.covering_bounds import covering_radius_bounds
from slth.subset_sum.errors import InstanceTooLarge, SubsetNotFound
from slth.subset_sum.solution import BatchSolution, Solution
from slth.subset_sum.solve import solve, solve_many
from slth.subset_sum.window import solve_window

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
