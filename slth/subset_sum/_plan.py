"""How an instance is worked on: lengths of the class lists, memory, and what is too large."""

import math
from dataclasses import dataclass

import numba
import numpy as np

from . import _kernels
from .errors import InstanceTooLarge

MEMORY = 768 << 20  # bytes for the lists of all threads together
CHUNK_STEPS = 100_000, 100_000_000  # least and most work per chunk: up to fractions of a second
CHUNK_VALUES = 1 << 22  # samples per chunk


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
    """

    n: int
    counts: _kernels.Ints
    words: int
    spare: int
    threads: int
    steps: int

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
    return math.comb(t, j) if sized else 1 << t


def _room(t: int, last: int, sized: bool) -> int:
    return 1 + sum(_count(t, j, sized) + 2 for j in range(last + 1))


def _list_bytes(n: int, size: int, sized: bool) -> int:
    last = _classes(n, size) if sized else 0
    return 32 * _room(n - n // 2, last, sized)


def plan(n: int, size: int, *, sized: bool, lists: bool, threads: int | None = None) -> Plan:
    """Lay out the work for n samples and ``size`` terms (-1: any), or refuse it.

    ``sized`` keeps one list per size; ``lists=False`` is for sizes that need none.

    Raises
    ------
    InstanceTooLarge
        If the lists of one instance do not fit into ``MEMORY``.
    """
    threads = numba.config.NUMBA_NUM_THREADS if threads is None else threads
    if not lists:
        steps = 1 + 20 * n + math.comb(n, max(0, min(size, n - size) - 1))
        return Plan(n, np.zeros((1, 1), np.int64), 0, n, threads, steps)
    needed = _list_bytes(n, size, sized)
    if needed > MEMORY:
        fits = n
        while _list_bytes(fits, size, sized) > MEMORY:
            fits -= 1
        terms = f"size={size}" if size >= 0 else "any size"
        raise InstanceTooLarge(
            f"n={n} with {terms} needs lists of {needed / 2**30:.3g} GiB; "
            f"the largest n that can be solved exactly is {fits}"
        )
    half = n - n // 2
    last = _classes(n, size) if sized else 0
    counts = np.array(
        [[_count(t, j, sized) for j in range(last + 1)] for t in range(half + 1)], np.int64
    )
    quarter = 4 * _room(half - half // 2, last, sized)
    spare = max(n, 1 << min(half, _kernels.TABLE_BITS), quarter)
    threads = max(1, min(threads, MEMORY // needed))
    return Plan(n, counts, needed // 8, spare, threads, needed // 5)
