"""How an instance is worked on: lengths of the class lists, memory, and what is too large."""

import math
from bisect import bisect_left
from dataclasses import dataclass

import numba
import numpy as np

from slth.arrays import Ints
from slth.subset_sum import _kernels
from slth.subset_sum.errors import InstanceTooLarge

MEMORY = 768 << 20  # bytes for the lists of all threads together
CHUNK_STEPS = 100_000, 100_000_000  # least and most work per chunk: up to fractions of a second
CHUNK_VALUES = 1 << 22  # samples per chunk
MOST_STEPS = 1 << 36  # of loops without lists: a few minutes
MOST_POINTS = 1 << 31  # sums of both halves that are swept: half a minute
MOST_QUARTER = 1 << 19  # sums of a quarter, which are run through for each block of the sweep
TOO_MANY = 1 << 40  # more than any of these


@dataclass(frozen=True, eq=False)
class Plan:
    """Working memory of one instance.

    Attributes
    ----------
    n : int
        Number of samples.
    counts : ndarray of int64, shape (ceil(n / 2) + 1, classes)
        ``counts[t, j]``: length of class j after t samples.
    words, spare : int
        Lengths of the two working arrays.
    threads : int
        Threads whose memory fits.
    steps : int
        Rough number of elementary steps.
    sweep : bool
        Whether the lists do not fit and the instances are swept, one after the other.
    """

    n: int
    counts: Ints
    words: int
    spare: int
    threads: int
    steps: int
    sweep: bool

    def rows(self, instances: int) -> int:
        """Return how many of the instances make up a chunk."""
        least, most = (max(1, bound // self.steps) for bound in CHUNK_STEPS)
        fair = math.ceil(instances / (4 * self.threads))
        return max(1, min(max(fair, least), most, CHUNK_VALUES // max(1, self.n)))


def _classes(n: int, size: int) -> int:
    """Return the largest size of a class: at most half of the samples are chosen, or left out."""
    half = n - n // 2
    return half if size < 0 else min(size, n - size, half)


def _count(t: int, j: int, sized: bool) -> int:
    """Return the length of class j after t samples; too much is all the same."""
    if not sized:
        return 1 << min(t, TOO_MANY.bit_length())
    count = 1
    for i in range(min(j, t - j)):
        count = count * (t - i) // (i + 1)
        if count > TOO_MANY:
            return TOO_MANY
    return count if j <= t else 0


def _room(t: int, last: int, sized: bool) -> int:
    return 1 + sum(_count(t, j, sized) + 2 for j in range(last + 1))


def _list_bytes(n: int, size: int, sized: bool) -> int:
    last = _classes(n, size) if sized else 0
    return 32 * _room(n - n // 2, last, sized)


def can_sweep(n: int, size: int) -> bool:
    """Whether four short lists can generate all sums of both halves in minutes."""
    last = _classes(n, size) if size >= 0 else 0
    half, quarter = (
        sum(_count(t, j, size >= 0) for j in range(last + 1)) for t in (n - n // 2, -(-n // 4))
    )
    return half <= MOST_POINTS // 2 and quarter <= MOST_QUARTER


def plan(
    n: int, size: int, *, sized: bool, lists: bool, sweep: bool = False, threads: int | None = None
) -> Plan:
    """Lay out the work for n samples and ``size`` terms (-1: any), or refuse it.

    ``sized`` keeps one list per size; ``lists=False`` is for sizes that need none; ``sweep``
    allows to do with four lists of a quarter each what does not fit.

    Raises
    ------
    InstanceTooLarge
        If the lists of one instance do not fit into ``MEMORY``, or the work takes too long.
    """
    threads = numba.config.NUMBA_NUM_THREADS if threads is None else threads

    def steps(m: int) -> int:
        return 1 + 20 * m + _count(m, max(0, min(size, m - size) - 1), True)

    def feasible(m: int) -> bool:
        if sweep and 0 <= min(size, m - size) <= _kernels.SMALL:
            return steps(m) <= MOST_STEPS
        return _list_bytes(m, size, sized) <= MEMORY or (sweep and can_sweep(m, size))

    if not feasible(n):
        sizes = range(max(size, 0), n)
        fits = sizes[bisect_left(sizes, True, key=lambda m: not feasible(m)) - 1]
        terms = f"size={size}" if size >= 0 else "any size"
        raise InstanceTooLarge(
            f"n={n} with {terms} is too large: the largest n that can be solved exactly is {fits}"
            + sweep * "; within a tolerance, solve_window searches a window of any number"
        )
    if not lists:
        return Plan(n, np.zeros((1, 1), np.int64), 0, n, threads, steps(n), sweep=False)
    needed = _list_bytes(n, size, sized)
    if needed > MEMORY:
        return Plan(n, np.zeros((1, 1), np.int64), 0, 0, threads, MOST_STEPS, sweep=True)
    half = n - n // 2
    last = _classes(n, size) if sized else 0
    counts = np.array(
        [[_count(t, j, sized) for j in range(last + 1)] for t in range(half + 1)], np.int64
    )
    quarter = 4 * _room(half - half // 2, last, sized)
    spare = max(n, 1 << min(half, _kernels.TABLE_BITS), quarter)
    threads = max(1, min(threads, MEMORY // needed))
    return Plan(n, counts, needed // 8, spare, threads, needed // 5, sweep=False)
