"""Exact references for the theory: rational Irwin–Hall arithmetic and exact subset sums."""

from collections.abc import Callable
from fractions import Fraction
from math import comb, factorial

import numpy as np
import pytest
from numpy.typing import NDArray

SmallestError = Callable[[NDArray[np.float64], float, int | None], float]
Rational = Callable[[Fraction, int], Fraction]


def _irwin_hall(u: Fraction, k: int, power: int) -> Fraction:
    terms = ((-1) ** j * comb(k, j) * (u - j) ** power for j in range(int(min(u, Fraction(k))) + 1))
    return sum(terms, Fraction(0)) / factorial(power)


@pytest.fixture(scope="session")
def irwin_hall_pdf() -> Rational:
    """Density of the sum of k uniforms on [0, 1] at u in [0, k), exactly."""
    return lambda u, k: _irwin_hall(u, k, k - 1)


@pytest.fixture(scope="session")
def irwin_hall_cdf() -> Rational:
    """Its distribution function, exactly."""
    return lambda u, k: _irwin_hall(u, k, k) if u > 0 else Fraction(0)


def _sums_by_size(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    sums, sizes = np.zeros(1), np.zeros(1, dtype=np.int64)
    for value in x:
        sums, sizes = np.concatenate([sums, sums + value]), np.concatenate([sizes, sizes + 1])
    return sums, sizes


@pytest.fixture(scope="session")
def smallest_error() -> SmallestError:
    """Smallest |sum - z| over the subsets of x with the given size (None: any), by two halves."""

    def solve(x: NDArray[np.float64], z: float, size: int | None) -> float:
        half = len(x) // 2
        (a, a_sizes), (b, b_sizes) = _sums_by_size(x[:half]), _sums_by_size(x[half:])
        pairs = [(a, b)]
        if size is not None:
            pairs = [(a[a_sizes == j], b[b_sizes == size - j]) for j in range(size + 1)]
        best = np.inf
        for left, right in pairs:
            if left.size and right.size:
                ordered, wanted = np.sort(right), z - left
                place = np.searchsorted(ordered, wanted)
                above = np.abs(ordered[np.minimum(place, right.size - 1)] - wanted)
                below = np.abs(ordered[np.maximum(place - 1, 0)] - wanted)
                best = min(best, float(np.min(np.minimum(above, below))))
        return best

    return solve
