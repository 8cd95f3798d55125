r"""Direct coverage: the smallest n from which on every target in $[-\sqrt k,\sqrt k]$ is hit.

Samples are added one by one, and further samples never take a subset away; so for each tolerance
there is a first n at which the covering radius of the k-subset sums is small enough.
"""

from collections.abc import Callable, Iterable
from functools import cache
from math import comb

import numpy as np
from numpy.typing import NDArray

from slth.subset_sum import covering_radius, covering_radius_bounds
from slth.sweep import Grid

MOST_SUMS = 1 << 26  # of one sample; a second


def cell(*, rng: np.random.Generator, k: int, finest: int, sample: int) -> dict[str, int]:
    r"""First covering n of one growing sample, for the tolerances $2^{-2},\dots,2^{-finest}$.

    Parameters
    ----------
    rng : numpy.random.Generator
        The cell's own generator.
    k, finest : int
        Size of the subsets, and bits of the finest tolerance.
    sample : int
        Number of the sample.

    Returns
    -------
    dict
        ``bits_2``, ``bits_3``, …: n for each tolerance.
    """
    stream = rng.uniform(-1, 1, size=64)

    def prefix(n: int) -> NDArray[np.float64]:
        nonlocal stream
        while len(stream) < n:
            stream = np.append(stream, rng.uniform(-1, 1, size=len(stream)))
        return stream[:n]

    times = cover_times(prefix, k, range(2, finest + 1))
    return {f"bits_{bits}": n for bits, n in times.items()}


def cover_times(
    prefix: Callable[[int], NDArray[np.float64]],
    k: int,
    bits: Iterable[int],
    reach: float | None = None,
) -> dict[int, int]:
    r"""Smallest n with $\sup_{|z|\le u}\min_{|S|=k}|\Sigma_S-z|\le2^{-b}$, for each b.

    Parameters
    ----------
    prefix : callable
        Returns the first n samples of one growing sample.
    k : int
        Size of the subsets, >= 1.
    bits : iterable of int
        The b, ascending.
    reach : float, optional
        The largest target u; the root of k, if left out.

    Returns
    -------
    dict
        From b to n.

    Examples
    --------
    >>> grow = np.random.default_rng(0).uniform(-1, 1, size=100)
    >>> cover_times(lambda n: grow[:n], 3, [2, 4])
    {2: 7, 4: 12}
    """
    end = float(np.sqrt(k)) if reach is None else reach

    @cache
    def radius(n: int) -> float:
        if k == 1 and reach is None:
            return _radius_of_points(prefix(n))
        return covering_radius(prefix(n), interval=(-end, end), size=k)

    def covers(n: int, tolerance: float) -> bool:
        if comb(n, k) <= MOST_SUMS:
            return radius(n) <= tolerance
        return _covers_by_bounds(prefix(n), k, end, tolerance)

    found, low = {}, k - 1  # n = low is always too few
    for b in bits:
        step, high = max(1, low // 16), low + 1
        while not covers(high, 2.0**-b):
            low, high = high, high + step
        while high - low > 1:
            middle = (low + high) // 2
            if covers(middle, 2.0**-b):
                high = middle
            else:
                low = middle
        found[b] = high
    return found


def _radius_of_points(x: NDArray[np.float64]) -> float:
    """Covering radius for k = 1, where a hundred thousand points are no rarity."""
    x = np.sort(x)
    return float(max(x[0] + 1, np.diff(x).max(initial=0.0) / 2, 1 - x[-1]))


def _covers_by_bounds(x: NDArray[np.float64], k: int, end: float, tolerance: float) -> bool:
    """Decide by two-sided bounds, refined until they do: for the rare samples of bad luck."""
    cells = 1 << 14
    while True:
        low, high = covering_radius_bounds(x, interval=(-end, end), size=k, cells=cells)
        if high <= tolerance or low > tolerance:
            return high <= tolerance
        cells *= 4


def grid(sizes: Iterable[int], finest: int, samples: int) -> Grid:
    """Declare the sweep over these sizes of subsets, with so many samples each."""
    cells = Grid.product(k=sizes, finest=[finest], sample=range(samples))
    return Grid("cover", cell, cells, seed=2024)


GRID = grid(range(1, 9), 14, 250)
