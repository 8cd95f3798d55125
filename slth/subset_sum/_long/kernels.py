"""Compiled steps of the sweep: sums of two sorted lists within a range, and near neighbours.

Separate from the other compiled functions and sharing none with them, so that Numba's cache, which
watches only this file, never holds stale code.
"""

from slth.arrays import Ints
from slth.subset_sum._compiled import compiled


@compiled
def tally(a: Ints, b: Ints, lo: int, hi: int) -> tuple[int, int, int]:
    """Count the sums in [lo, hi) of one term from each sorted list; the smallest, the largest."""
    number, smallest, largest = 0, hi, lo
    p, q = b.size, b.size
    for i in range(a.size):
        while p > 0 and a[i] + b[p - 1] >= lo:
            p -= 1
        while q > 0 and a[i] + b[q - 1] >= hi:
            q -= 1
        if p < q:
            number += q - p
            smallest = min(smallest, a[i] + b[p])
            largest = max(largest, a[i] + b[q - 1])
    return number, smallest, largest


@compiled
def gather(a: Ints, b: Ints, lo: int, hi: int, points: Ints, used: int) -> int:
    """Append the sums in [lo, hi) to the ``used`` first points; returns how many are used then."""
    p, q = b.size, b.size
    for i in range(a.size):
        while p > 0 and a[i] + b[p - 1] >= lo:
            p -= 1
        while q > 0 and a[i] + b[q - 1] >= hi:
            q -= 1
        for j in range(p, q):
            points[used + j - p] = a[i] + b[j]
        used += max(0, q - p)
    return used


@compiled
def nearest(points: Ints, none: int) -> tuple[int, int]:
    """Return the least distance between an even and an odd one of the sorted points, and where."""
    least, at = none, 0
    for i in range(points.size - 1):
        distance = points[i + 1] - points[i]
        if distance < least and distance & 1:
            least, at = distance, points[i]
    return least, at


@compiled
def near_pairs(points: Ints, reach: int, pairs: Ints) -> int:
    """Write the different pairs (even, odd) of sorted points at most ``reach`` apart to ``pairs``.

    Returns their number, of which the first ``len(pairs)`` are written.
    """
    number = 0
    for i in range(points.size):
        if i > 0 and points[i] == points[i - 1]:
            continue
        j = i + 1
        while j < points.size and points[j] - points[i] <= reach:
            if (points[j] - points[i]) & 1 and points[j] != points[j - 1]:
                if number < pairs.shape[0]:
                    even = points[i] & 1
                    pairs[number, even] = points[i]
                    pairs[number, 1 - even] = points[j]
                number += 1
            j += 1
    return number


@compiled
def matches(a: Ints, b: Ints, total: int, pairs: Ints) -> int:
    """Write the places (i, j) with a[i] + b[j] = total, two sorted lists, to ``pairs``.

    Returns their number, of which the first ``len(pairs)`` are written.
    """
    number, q = 0, b.size - 1
    for i in range(a.size):
        while q >= 0 and a[i] + b[q] > total:
            q -= 1
        j = q
        while j >= 0 and a[i] + b[j] == total:
            if number < pairs.shape[0]:
                pairs[number, 0], pairs[number, 1] = i, j
            number += 1
            j -= 1
        if number >= pairs.shape[0]:
            break
    return number
