"""What is asked of a subset: a word that solvers, constructions and tickets share."""

from typing import Literal, TypeAlias, get_args

Objective: TypeAlias = Literal["best", "feasible", "fewest"]
"""The smallest error; the first within tolerance; the fewest terms within tolerance."""

OBJECTIVES: tuple[Objective, ...] = get_args(Objective)
