"""Subset sums in Python's integers: for instances that need more than 64 bits.

Every float64 is an integer multiple of a power of two, so that nothing is rounded here, whatever
the range of the values. A list entry packs a sum and its mask into one integer, the mask in the
low bits; ``sorted`` merges the two runs that it finds in linear time.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import combinations

from slth.subset_sum.errors import InstanceTooLarge

LONGEST = 1 << 21  # entries of one list of sums
REACH = 2 * (LONGEST.bit_length() - 1)  # samples, any size
SMALL = 4  # up to this size no lists are built

Answer = tuple[int, list[int]]  # distance from the target, and the indices that reach it


def to_integers(x: Sequence[float], z: float, tolerance: float) -> tuple[list[int], int, int]:
    """Scale samples and target to integers; the third value is the largest admissible distance.

    A distance is within the tolerance if it is so once rounded to a float64: if it does not exceed
    the middle between the tolerance and the next float (or lies below, where that rounds up).
    """
    ulp = math.ulp(tolerance)
    ratios = [value.as_integer_ratio() for value in (*x, z, tolerance, ulp)]
    scale = 2 * max(denominator for _, denominator in ratios)
    *v, target, reach, step = [
        numerator * (scale // denominator) for numerator, denominator in ratios
    ]
    odd = reach // step % 2
    return v, target, reach + step // 2 - odd


def closest(v: Sequence[int], target: int, size: int | None = None) -> Answer:
    """Subset of ``v`` with the sum closest to the target."""
    n = len(v)
    if size is not None and 2 * size > n:
        distance, left_out = closest([-value for value in v], target - sum(v), n - size)
        return distance, sorted(set(range(n)) - set(left_out))
    if size is not None and size <= SMALL:
        return _closest_small(v, target, size)
    best = None
    for a, b in _tables(v, size):
        i, j = 0, len(b) - 1
        while i < len(a) and j >= 0:
            packed = a[i] + b[j]
            w = (packed >> n) - target
            if best is None or abs(w) < best[0]:
                best = abs(w), packed
            if w < 0:
                i += 1
            else:
                j -= 1
    assert best is not None
    return best[0], [i for i in range(n) if best[1] >> i & 1]


def fewest(v: Sequence[int], target: int, tolerance: int) -> Answer:
    """Closest subset of the smallest size that meets the tolerance, or of any size if none does."""
    answers = []
    for size in range(len(v) + 1):
        answers.append(closest(v, target, size))
        if answers[-1][0] <= tolerance:
            return answers[-1]
    return min(answers, key=lambda answer: answer[0])


def count(v: Sequence[int], lo: int, hi: int, size: int | None = None) -> int:
    """Count the subsets with a sum in [lo, hi]."""
    n = len(v)
    if size is not None and 2 * size > n:
        whole = sum(v)
        return count(v, whole - hi, whole - lo, n - size)
    return sum(
        bisect_left(b, ((hi + 1) << n) - entry) - bisect_left(b, (lo << n) - entry)
        for a, b in _tables(v, size)
        for entry in a
    )


def _closest_small(v: Sequence[int], target: int, size: int) -> Answer:
    order = sorted(range(len(v)), key=v.__getitem__)
    if size < 2:
        choices: list[list[int]] = [[i] for i in order] if size else [[]]
        return min((abs(sum(v[i] for i in chosen) - target), chosen) for chosen in choices)
    best: Answer | None = None
    for head in combinations(range(len(v)), size - 2):
        rest = target - sum(v[order[p]] for p in head)
        i, j = (head[-1] + 1 if head else 0), len(v) - 1
        while i < j:
            w = v[order[i]] + v[order[j]] - rest
            if best is None or abs(w) < best[0]:
                best = abs(w), sorted(order[p] for p in (*head, i, j))
            if w < 0:
                i += 1
            else:
                j -= 1
    assert best is not None
    return best


def _tables(v: Sequence[int], size: int | None) -> Iterator[tuple[list[int], list[int]]]:
    """Pairs of packed lists whose entries combine to all admissible subsets."""
    n = len(v)
    middle, half = n // 2, n - n // 2
    longest = 1 << half if size is None else math.comb(half, min(size, half // 2))
    if longest > LONGEST:
        raise InstanceTooLarge(
            f"these n={n} samples differ too much in scale for 64-bit arithmetic, and the exact "
            f"arithmetic that they need reaches n={REACH} at most"
        )
    last = None if size is None else min(size, half)
    left, right = _grow(v[:middle], 0, n, last), _grow(v[middle:], middle, n, last)
    if size is None or last is None:
        yield left[0], right[0]
    else:
        for j in range(max(0, size - half), min(size, middle) + 1):
            yield left[j], right[size - j]


def _grow(values: Sequence[int], first: int, shift: int, last: int | None) -> list[list[int]]:
    """Sorted packed sums, one list per size up to ``last``, or a single list of all."""
    lists: list[list[int]] = [[0], *([] for _ in range(last or 0))]
    for place, value in enumerate(values):
        item = (value << shift) + (1 << (first + place))
        if last is None:
            lists = [sorted(lists[0] + [entry + item for entry in lists[0]])]
        else:
            grown = (
                sorted(lists[j] + [entry + item for entry in lists[j - 1]])
                for j in range(1, last + 1)
            )
            lists = [[0], *grown]
    return lists
