"""Closest subset of up to 60 samples: a sweep over all sums in order, a block at a time.

Schroeppel and Shamir (1981) enumerate the sums of each half in order from two lists of a quarter
each, so that memory stays small. Instead of their heaps we take the sums of both halves that lie in
a short range, so few that they fit into the processor's cache, and sort them.

A subset with the sums l and r in the two halves is at distance |l - (t - r)|. We mark all l and all
t - r on one line. The l are multiples of 4 and t is odd, so that the last bit tells the two kinds
apart, and the least distance is that of two neighbours of different kinds.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice, product
from typing import TypeVar

import numpy as np

from slth.arrays import Ints
from slth.subset_sum._long import kernels
from slth.subset_sum._long.half import Half

Lists = list[tuple[Ints, Ints]]
T = TypeVar("T")
U = TypeVar("U")

BLOCK = 1 << 20  # points that are sorted at a time: 8 MiB
NONE = 1 << 62  # more than any distance
SPACING = 4  # points of one kind are so far apart, or equal


class TooManyCandidates(Exception):  # noqa: N818
    """More subsets are equally good on the grid than can be compared exactly."""


@dataclass(frozen=True, eq=False)
class _Line:
    """Points of both kinds for one way to divide the terms between the halves."""

    even: Lists
    odd: Lists
    sizes: tuple[int, int]

    def ends(self) -> tuple[int, int]:
        """Smallest and largest point."""
        lists = [*self.even, *self.odd]
        return min(int(a[0] + b[0]) for a, b in lists), max(int(a[-1] + b[-1]) for a, b in lists)


@dataclass(frozen=True, eq=False)
class _Block:
    """Points of a line in [lo, hi): all of ``number``, or only those that matter."""

    line: _Line
    lo: int
    hi: int
    number: int
    points: Ints | None = None

    def sorted_points(self) -> Ints:
        if self.points is not None:
            return self.points
        points = np.empty(self.number, np.int64)
        used = 0
        for a, b in (*self.line.even, *self.line.odd):
            used = kernels.gather(a, b, self.lo, self.hi, points, used)
        points.sort()
        return points


def closest(
    v: Ints, size: int, t: int, *, accept: int, slack: int, most: int, threads: int
) -> list[int]:
    """Masks of the subsets of ``size`` entries of v (-1: any) with the sums closest to t.

    With ``slack = 0`` one subset at the least distance; else all whose distance exceeds the least
    by at most ``2 slack``. The sweep stops early at a distance <= ``accept``, with one subset.

    Raises
    ------
    TooManyCandidates
        If there are more than ``most``.
    """
    middle = len(v) // 2
    left, right = Half.of(v[:middle], size), Half.of(v[middle:], size)
    best, where = NONE, (_Line([], [], (0, 0)), 0, 0)
    near: list[tuple[int, _Block]] = []
    for line in _lines(left, right, size, t):
        before: tuple[int, _Block] | None = None
        for block, (first, last, least, at) in _ahead(
            _nearest, _blocks(line, *_range(line)), threads
        ):
            if (
                before is not None
                and (first - before[0]) & 1
                and first - before[0] <= best + 2 * slack
            ):
                near.append((first - before[0], before[1]))
                if first - before[0] < best:
                    best, where = first - before[0], (line, before[0], first)
            if least <= best + 2 * slack:
                near.append((least, block))
                if least < best:
                    best, where = least, (line, at, at + least)
            before = last, block
            if best <= max(accept, 1 - slack):
                break
        if best <= max(accept, 1 - slack):
            break
    if slack == 0 or best <= accept:
        line, one, two = where
        even, odd = (two, one) if one & 1 else (one, two)
        return _subsets(left, right, line.sizes, even, t - odd, 0)[:1]
    reach = best + 2 * slack
    found: set[int] = set()
    for least, block in near:
        if least > reach:
            continue
        line = block.line
        for even, odd in _near_pairs(line, block.lo - reach, block.hi + reach, reach, most):
            found.update(_subsets(left, right, line.sizes, even, t - odd, most))
            if len(found) > most:
                raise TooManyCandidates
    return sorted(found)


def _lines(left: Half, right: Half, size: int, t: int) -> Iterator[_Line]:
    every = (
        [(-1, -1)]
        if size < 0
        else [(j, size - j) for j in range(max(0, size - right.n), min(size, left.n) + 1)]
    )
    for sizes in every:
        even = [(a, b) for (a, _), (b, _) in left.pairs(sizes[0])]
        odd = [((t - a)[::-1].copy(), -b[::-1].copy()) for (a, _), (b, _) in right.pairs(sizes[1])]
        yield _Line(even, odd, sizes)


def _range(line: _Line) -> tuple[int, int]:
    lo, hi = line.ends()
    return lo, hi + 1


def _blocks(line: _Line, lo: int, hi: int) -> Iterator[_Block]:
    """Divide [lo, hi) into blocks that are short enough, in order; empty ones are left out.

    Where one kind has no points, or both have a single value, only the outermost points matter.
    """
    number, ends = 0, []
    kinds = 0
    for lists in (line.even, line.odd):
        counts = [kernels.tally(a, b, lo, hi) for a, b in lists]
        here = sum(count for count, _, _ in counts)
        if here:
            kinds += 1
            number += here
            ends += [min(low for _, low, _ in counts), max(high for _, _, high in counts)]
    if kinds == 0:
        return
    if kinds == 1 or hi - lo <= SPACING:
        yield _Block(line, lo, hi, number, np.unique(np.array(ends)))
    elif number <= BLOCK:
        yield _Block(line, lo, hi, number)
    else:
        step = -(-(hi - lo) // min(2 * number // BLOCK, (hi - lo) // SPACING + 1))
        for start in range(lo, hi, step):
            yield from _blocks(line, start, min(start + step, hi))


def _nearest(block: _Block) -> tuple[int, int, int, int]:
    """First and last point, least distance between points of different kinds, and where."""
    points = block.sorted_points()
    return int(points[0]), int(points[-1]), *kernels.nearest(points, NONE)


def _ahead(function: Callable[[T], U], items: Iterator[T], threads: int) -> Iterator[tuple[T, U]]:
    """Map in threads, in order, a few items ahead."""
    if threads == 1:
        for item in items:
            yield item, function(item)
        return
    pool = ThreadPoolExecutor(threads)
    try:
        waiting: deque[tuple[T, Future[U]]] = deque()
        for item in items:
            waiting.append((item, pool.submit(function, item)))
            if len(waiting) > 2 * threads:
                done, future = waiting.popleft()
                yield done, future.result()
        for done, future in waiting:
            yield done, future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _near_pairs(line: _Line, lo: int, hi: int, reach: int, most: int) -> set[tuple[int, int]]:
    """All pairs of an even and an odd point at most ``reach`` apart whose lower one is in [lo, hi).

    The range is halved until its points fit into a block.
    """
    end = hi + reach
    even, odd = (_count(lists, lo, end) for lists in (line.even, line.odd))
    if even == 0 or odd == 0:
        return set()
    if even + odd > BLOCK:
        if hi - lo <= SPACING:
            raise TooManyCandidates
        middle = (lo + hi) // 2
        lower = _near_pairs(line, lo, middle, reach, most)
        return lower | _near_pairs(line, middle, hi, reach, most)
    pairs = np.empty((most, 2), np.int64)
    number = kernels.near_pairs(_Block(line, lo, end, even + odd).sorted_points(), reach, pairs)
    if number > most:
        raise TooManyCandidates
    return {(int(one), int(two)) for one, two in pairs[:number]}


def _count(lists: Lists, lo: int, hi: int) -> int:
    return sum(kernels.tally(a, b, lo, hi)[0] for a, b in lists)


def _subsets(
    left: Half, right: Half, sizes: tuple[int, int], first: int, second: int, most: int
) -> list[int]:
    """Return the masks of subsets with these sums in the two halves, of all or more than most."""
    lower, upper = left.subsets(first, sizes[0], most), right.subsets(second, sizes[1], most)
    return [one | two << left.n for one, two in islice(product(lower, upper), most + 1)]
