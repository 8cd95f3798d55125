"""One instance at a time, decided in exact arithmetic: what lists of 64-bit sums cannot settle."""

import math

import numpy as np
import numpy.typing as npt

from slth.arrays import Floats
from slth.objectives import Objective
from slth.subset_sum import _kernels
from slth.subset_sum._grid_instance import GridInstance
from slth.subset_sum._long import exact, sweep
from slth.subset_sum._plan import can_sweep

EASY = 24  # up to this n Python's integers are as fast as the sweep
PREFIXES = 36, 44, 52  # an easy tolerance is met by the first samples alone
CANDIDATES = 1 << 16  # subsets that are compared exactly at most


def settle(
    x: Floats, z: float, size: int, tolerance: float, objective: Objective, threads: int
) -> tuple[npt.NDArray[np.bool_], float, float, bool]:
    """Mask, sum and error of the answer, and whether the tolerance (-1: none) is met."""
    v, target, limit = exact.to_integers(x.tolist(), z, max(tolerance, 0.0))
    indices = None
    if len(x) > EASY and can_sweep(len(x), size):
        indices = _by_sweep(x, z, size, tolerance, objective, threads)
    if indices is None:
        if objective == "fewest":
            _, indices = exact.fewest(v, target, limit)
        else:
            _, indices = exact.closest(v, target, None if size < 0 else size)
    mask = np.zeros(len(x), np.bool_)
    mask[indices] = True
    terms = x[indices].tolist()
    found = objective == "best" or abs(sum(v[i] for i in indices) - target) <= limit
    return mask, math.fsum(terms), abs(math.fsum([*terms, -z])), found


def _by_sweep(
    x: Floats, z: float, size: int, tolerance: float, objective: Objective, threads: int
) -> list[int] | None:
    """Return the indices of the answer; None if too many subsets are equally good on the grid."""
    v, target, limit = exact.to_integers(x.tolist(), z, max(tolerance, 0.0))

    def closest(n: int, terms: int, first: bool) -> tuple[int, list[int]]:
        """Distance and indices of the best of the first n samples, or the first within reach."""
        grid = GridInstance.of(x[:n], terms)
        t, lo, hi, slack, outer = _kernels.target_on_grid(
            z, tolerance, grid.terms, grid.exponent, grid.exact
        )
        masks = sweep.closest(
            grid.v, grid.size, t - grid.shift,
            accept=min(hi, -lo) - outer if first else -1,
            slack=slack, most=CANDIDATES, threads=threads,
        )  # fmt: skip
        left_out = terms != grid.size
        choices = [[i for i in range(n) if (mask >> i & 1) != left_out] for mask in masks]
        return min((abs(sum(v[i] for i in chosen) - target), chosen) for chosen in choices)

    try:
        if objective == "best":
            return closest(len(x), size, False)[1]
        for n in (*(n for n in PREFIXES if max(size, 0) <= n < len(x)), len(x)):
            distance, chosen = closest(n, size, True)
            if distance <= limit:
                break
        if objective == "fewest" and distance <= limit:  # else no size meets the tolerance
            for terms in range(len(chosen)):
                distance, fewer = closest(len(x), terms, False)
                if distance <= limit:
                    return fewer
            return closest(len(x), len(chosen), False)[1]
        return chosen
    except sweep.TooManyCandidates:
        return None
