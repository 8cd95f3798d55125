"""The compiled part: one instance is put on an integer grid and solved there without rounding.

All compiled functions live in this one file, because Numba's cache watches only the file of the
function that is called: a change of a helper elsewhere would leave stale machine code behind.

*Grid.* ``x`` and ``z`` are multiplied by a power of two and rounded to 64-bit integers, so that
sums and comparisons are exact. Where the rounding changed a value, ``slack`` bounds what it can do
to a distance, and an answer counts as settled only if no other subset comes within that slack.
Distances are measured in quarters of a grid unit: ``t`` is the target moved to the nearest of
``z + 1/4`` and ``z + 3/4``, which keeps the order of all distances and leaves no two subsets with
different sums at the same distance.

*Search.* Horowitz and Sahni: the sums of each half, one sorted list per size ("class"), grown by
merging; then two walkers from opposite corners of each table ``left[i] + right[j] - t``. A walker
discards a row or a column with every step, all of whose other cells are no better than the one it
stands on.
"""

import math
from typing import NamedTuple, cast

import numba
import numpy as np

from slth.arrays import Bools, Floats, Ints, SmallInts
from slth.subset_sum._compiled import compiled


def _typed(value: int) -> int:
    """Make a constant that callees take as a variable: they are compiled once, not per value."""
    return cast(int, np.int64(value))


SUM_BITS = 58  # |sum| <= 2**58 grid units, so four times a sum fits between LOW and HIGH
LOW, HIGH = _typed(-(1 << 62)), _typed(1 << 62)  # fences around every list
SMALL = 4  # up to this size: nested loops around two pointers, no lists
LONG = 64  # lists from this length on are worked on in four places at once
TABLE_BITS = 12  # segments this short are searched through a table of all their sums

BEST, FEASIBLE, FEWEST = 0, 1, 2
NOT_FOUND, FOUND, UNSETTLED = 0, 1, 2

ZERO, ONE, NONE = _typed(0), _typed(1), _typed(-1)

u = numba.uint64  # an unsigned index saves Numba's test for negative indices


# Named tuples stay among compiled functions: to take one from Python, or return one, costs
# microseconds at each call, as much as a small instance.


class Window(NamedTuple):
    """What ``target_on_grid`` returns, by name."""

    t: int
    lo: int
    hi: int
    slack: int
    outer: int


class Stretch(NamedTuple):
    """One sorted list: where it begins in the array of all, and how long it is."""

    first: int
    length: int


class Tables(NamedTuple):
    """The sorted class lists in ``S`` of both halves of n values, and which pairs of them count.

    They begin at ``left`` and ``right``; ``counts`` and ``offsets`` as in ``_grow``; ``size``
    terms are chosen, or (-1) any number.
    """

    S: Ints
    left: int
    right: int
    n: int
    size: int
    counts: Ints
    offsets: Ints


class Corners(NamedTuple):
    """Where two walkers stand: one in row ``i`` and column ``j``, one in ``p`` and ``q``."""

    i: int
    j: int
    p: int
    q: int


class Nearest(NamedTuple):
    """Smallest and second smallest distance so far, and the places of the smallest."""

    best: int
    second: int
    i: int
    j: int


class Work(NamedTuple):
    """Working memory: ``S`` for the lists, which begin at ``begin``, and ``scratch`` for the rest.

    ``counts`` and ``offsets`` as in ``_grow``.
    """

    counts: Ints
    offsets: Ints
    S: Ints
    begin: Ints
    scratch: Ints


# --- grid ----------------------------------------------------------------------------------------


@compiled
def terms_at_most(n: int, size: int) -> int:
    """How many terms a sum on the grid has: where the terms to leave out are chosen, up to n."""
    return max(1, size) if 0 <= 2 * size <= n else n


@compiled
def grid_exponent(x: Floats, terms: int) -> int:
    """Power of two that scales ``x`` so that no sum of so many entries exceeds 2**SUM_BITS."""
    largest = 0.0
    for value in x:
        largest = max(largest, abs(value))
    bits = 0
    while (1 << bits) < terms:
        bits += 1
    return SUM_BITS - bits - math.frexp(largest)[1]


@compiled
def to_grid(x: Floats, exponent: int, v: Ints) -> bool:
    """Write four times the scaled and rounded ``x`` to ``v``; tell whether nothing was lost."""
    half = exponent // 2  # in two steps, since 2**exponent itself may overflow
    up, up_again = math.ldexp(1.0, half), math.ldexp(1.0, exponent - half)
    down, down_again = math.ldexp(1.0, half - exponent), math.ldexp(1.0, -half)
    exact = True
    for i in range(x.size):
        g = np.rint(x[i] * up * up_again)
        exact &= g * down * down_again == x[i]
        v[i] = np.int64(g) * 4
    return exact


@compiled
def _scaled(value: float, exponent: int) -> tuple[float, bool]:
    half = exponent // 2
    result = value * math.ldexp(1.0, half) * math.ldexp(1.0, exponent - half)
    back = result * math.ldexp(1.0, half - exponent) * math.ldexp(1.0, -half)
    return result, back == value or math.isinf(result)


@compiled
def target_on_grid(
    z: float, tolerance: float, terms: int, exponent: int, exact: bool
) -> tuple[int, int, int, int, int]:
    """Target ``t``, and the window ``[lo, hi]`` of distances w = 4 sum - t that are within reach.

    Then the slack of the grid, 0 if nothing was rounded, and the slack of the window: from
    ``lo - outer`` to ``hi + outer`` the distance may still round to the tolerance.
    """
    end = 1 << SUM_BITS
    unknown = (1 << 62) - 1  # with this slack nothing is surely inside, nothing surely outside
    scaled, kept = _scaled(z, exponent)
    slack = 0 if exact and kept else 2 * terms + 8
    if abs(scaled) > end:  # beyond every sum: where exactly changes no order
        t = (4 * end + 5) if scaled > 0 else -(4 * end + 5)
        reach = math.ldexp(1.0, min(SUM_BITS - exponent, 1023))
        if tolerance < (abs(z) - reach) * (1.0 - 1e-15):
            return t, 1, 0, slack, slack
        return t, 1, 0, slack, unknown
    # |scaled| has an exact fraction; one counted from the floor of a negative target may round to 1
    below = scaled < 0.0
    whole = math.floor(abs(scaled))
    rest = abs(scaled) - whole
    upper = rest > 0.5 or (below and rest == 0.5)  # a tie goes to the lower integer
    t = 4 * int(whole) + (3 if upper else 1)
    if below:
        t = -t if rest > 0.0 else -4 * int(whole) + 1
    if tolerance < 0.0:
        return t, 1, 0, slack, slack
    radius, kept = _scaled(tolerance, exponent)
    if radius > 2.0 * end:
        return t, -4 * end - t, 4 * end - t, slack, slack
    reach = math.floor(radius)
    part = radius - reach
    carry = min(rest, part) >= 1.0 - max(rest, part)  # rest + part >= 1, free of rounding
    lo = max(int(whole) - int(reach) + int(rest > part), -end)
    hi = min(int(whole) + int(reach) + int(carry), end)
    if below:
        lo, hi = -hi, -lo
    outer = slack
    if rest > 0.0 or part > 0.0 or radius >= 2.0**52 or not kept:
        outer += 8 + int(radius * 2.0**-50)
    return t, 4 * lo - t, 4 * hi - t, slack, outer


# --- sorted lists of sums, one per size ----------------------------------------------------------


@compiled
def _merge(S: Ints, same: Stretch, shifted: Stretch, x: int, out: int) -> None:
    """Merge list ``same`` with list ``shifted`` + x into S[out:], with fences.

    Without branches, from both ends of the result at once, of a long one also from its middle to
    both sides: two or four chains of dependent loads that the processor overlaps.
    """
    (a, na), (b, nb) = same, shifted
    total = na + nb
    steps = total >> 1
    middle = 0  # where the inner two start, and how much of the result before it is from a
    before = 0
    if total >= LONG:
        steps = total >> 2
        middle = 2 * steps
        before, most = max(0, middle - nb), min(na, middle)
        while before < most:
            half = (before + most) >> 1
            if S[u(a + half)] <= S[u(b + middle - half - 1)] + x:
                before = half + 1
            else:
                most = half
    i, j, p, q = a, b, a + na - 1, b + nb - 1
    head, tail = out, out + total - 1
    k, m = a + before, b + middle - before
    g, h = k - 1, m - 1
    down, up = out + middle - 1, out + middle
    for _ in range(steps):
        one, two = S[u(i)], S[u(j)] + x
        first = one <= two
        S[u(head)] = one if first else two
        i += first
        j += 1 - first
        head += 1
        one, two = S[u(p)], S[u(q)] + x
        first = one > two
        S[u(tail)] = one if first else two
        p -= first
        q -= 1 - first
        tail -= 1
        if total >= LONG:
            one, two = S[u(k)], S[u(m)] + x
            first = one <= two
            S[u(up)] = one if first else two
            k += first
            m += 1 - first
            up += 1
            one, two = S[u(g)], S[u(h)] + x
            first = one > two
            S[u(down)] = one if first else two
            g -= first
            h -= 1 - first
            down -= 1
    if total < LONG:
        k, m, up = i, j, head
    while up <= tail:
        one, two = S[u(k)], S[u(m)] + x
        first = one <= two
        S[u(up)] = one if first else two
        k += first
        m += 1 - first
        up += 1
    S[u(out - 1)] = LOW
    S[u(out + total)] = HIGH


@compiled
def _offsets(counts: Ints, elements: int, classes: int, offsets: Ints) -> int:
    """Where each class begins, with room for its two fences; returns the room of all classes."""
    position = 1
    for j in range(classes):
        offsets[j] = position
        position += counts[elements, j] + 2
    return position


@compiled
def _grow(
    v: Ints,
    lo: int,
    hi: int,
    counts: Ints,
    sized: int,
    offsets: Ints,
    room: int,
    S: Ints,
    base: int,
) -> int:
    """Build the sorted class lists of v[lo:hi] in S[base:base + 2 room]; returns where they begin.

    ``counts[t, j]`` is the length of class j after t elements. ``sized = 1``: class j holds the
    sums of j elements; ``sized = 0``: a single class holds all sums.
    """
    classes = counts.shape[1]
    source, sink = base, base + room
    for j in range(classes):
        for buffer in (source, sink):
            S[buffer + offsets[j] - 1] = LOW
            S[buffer + offsets[j]] = HIGH
    S[source + 1], S[source + 2] = 0, HIGH
    for t in range(hi - lo):
        x = v[lo + t]
        if sized:
            S[sink + 1], S[sink + 2] = 0, HIGH
        for j in range(sized, min(t + 1, classes - 1) + 1):
            less = j - sized
            same = Stretch(source + offsets[j], counts[t, j])
            shifted = Stretch(source + offsets[less], counts[t, less])
            _merge(S, same, shifted, x, sink + offsets[j])
        source, sink = sink, source
    return source


@compiled
def grow_halves(
    v: Ints, lo: int, hi: int, counts: Ints, sized: bool, offsets: Ints, S: Ints
) -> tuple[int, int]:
    """Build the class lists of both halves of v[lo:hi]; returns where they begin in S."""
    middle = (lo + hi) // 2
    room = _offsets(counts, hi - middle, counts.shape[1], offsets)
    left = _grow(v, lo, middle, counts, int(sized), offsets, room, S, ZERO)
    right = _grow(v, middle, hi, counts, int(sized), offsets, room, S, 2 * room)
    return left, right


# --- search --------------------------------------------------------------------------------------


@compiled
def _note(S: Ints, i: int, j: int, w: int, t: int, near: Nearest) -> Nearest:
    """Enter a cell among the two best.

    With a new best come its neighbours that are farther on the same side of the target: all cells
    that were not visited are worse than one of them, or than another cell that was.
    """
    key = abs(w)
    if key < near.best:
        away = -1 if w < 0 else 1
        rival = min(abs(S[i + away] + S[j] - t), abs(S[i] + S[j + away] - t))
        return Nearest(key, min(near.best, rival), i, j)
    if i != near.i or j != near.j:
        return Nearest(near.best, min(near.second, key), near.i, near.j)
    return near


@compiled
def _walk(S: Ints, corners: Corners, t: int, accept: int, near: Nearest) -> Nearest:
    """Smallest and second smallest |S[row] + S[column] - t| in rows i..p and columns q..j.

    Two walkers, from opposite corners, discard one row or column each in turn; they stop early at
    a distance <= accept.
    """
    i, j, p, q = corners
    while i <= p and j >= q and near.best > accept:
        w = S[u(i)] + S[u(j)] - t
        if abs(w) < near.second:
            near = _note(S, i, j, w, t, near)
        row = w < 0
        i += row
        j -= 1 - row
        w = S[u(p)] + S[u(q)] - t
        if abs(w) < near.second:
            near = _note(S, p, q, w, t, near)
        row = w > 0
        p -= row
        q += 1 - row
    return near


@compiled
def _walk_table(
    S: Ints, rows: Stretch, columns: Stretch, t: int, accept: int, near: Nearest
) -> Nearest:
    """Walk the table of the sums of two lists; a large one with four walkers, for speed.

    Its middle row reaches t in column ``cut``: rows up to it matter from there on, and rows from it
    on matter up to there.
    """
    (a, na), (b, nb) = rows, columns
    i, p, q, j = a, a + na - 1, b, b + nb - 1
    if na * nb < LONG * LONG:
        return _walk(S, Corners(i, j, p, q), t, accept, near)
    middle = a + (na >> 1)
    cut, most = b, b + nb
    while cut < most:
        half = (cut + most) >> 1
        if S[u(middle)] + S[u(half)] < t:
            cut = half + 1
        else:
            most = half
    k, p, q, h = middle, middle, cut, cut - 1
    g, m = a + na - 1, b  # the second part: rows k..g, columns m..h
    while i <= p and j >= q and k <= g and h >= m and near.best > accept:
        w = S[u(i)] + S[u(j)] - t
        if abs(w) < near.second:
            near = _note(S, i, j, w, t, near)
        row = w < 0
        i += row
        j -= 1 - row
        w = S[u(p)] + S[u(q)] - t
        if abs(w) < near.second:
            near = _note(S, p, q, w, t, near)
        row = w > 0
        p -= row
        q += 1 - row
        w = S[u(k)] + S[u(h)] - t
        if abs(w) < near.second:
            near = _note(S, k, h, w, t, near)
        row = w < 0
        k += row
        h -= 1 - row
        w = S[u(g)] + S[u(m)] - t
        if abs(w) < near.second:
            near = _note(S, g, m, w, t, near)
        row = w > 0
        g -= row
        m += 1 - row
    near = _walk(S, Corners(i, j, p, q), t, accept, near)
    return _walk(S, Corners(k, h, g, m), t, accept, near)


@compiled
def _walk_classes(tables: Tables, t: int, accept: int) -> tuple[Nearest, int]:
    """Walk every pair of classes with as many elements together as asked.

    Returns how many of them the left one has, besides the nearest.
    """
    S, left, right, n, size, counts, offsets = tables
    nl = n // 2
    nr = n - nl
    near, taken = Nearest(HIGH, HIGH, NONE, NONE), 0
    sized = size >= 0
    last = counts.shape[1] - 1
    for j in range(max(0, size - min(nr, last)), min(nl, last, max(size, 0)) + 1):
        other = size - j if sized else 0
        before = near.i
        rows = Stretch(left + offsets[j], counts[nl, j])
        columns = Stretch(right + offsets[other], counts[nr, other])
        near = _walk_table(S, rows, columns, t, accept, near)
        if near.i != before:
            taken = j
        if near.best <= accept:
            break
    return near, taken


@compiled
def _look_up(v: Ints, lo: int, hi: int, size: int, total: int, S: Ints, chosen: Bools) -> None:
    """Choose the first subset of the short segment v[lo:hi] with the sum ``total``."""
    S[0] = 0
    for bit in range(hi - lo):
        x, width = v[lo + bit], 1 << bit
        for mask in range(width):
            S[u(width + mask)] = S[u(mask)] + x
    for mask in range(1 << (hi - lo)):
        if S[u(mask)] == total:
            members = 0
            for bit in range(hi - lo):
                members += mask >> bit & 1
            if size < 0 or members == size:
                for bit in range(hi - lo):
                    chosen[lo + bit] = mask >> bit & 1
                return


@compiled
def _recover(
    v: Ints, lo: int, hi: int, size: int, total: int, counts: Ints, S: Ints, chosen: Bools
) -> None:
    """Choose a subset of v[lo:hi] that is known to exist: split until tables are short enough."""
    if hi - lo <= TABLE_BITS:
        _look_up(v, lo, hi, size, total, S, chosen)
        return
    offsets = np.empty(counts.shape[1], np.int64)
    todo = np.empty((64, 4), np.int64)  # two per halving are waiting at most
    waiting = 1
    todo[0, 0], todo[0, 1], todo[0, 2], todo[0, 3] = lo, hi, size, total
    while waiting > 0:
        waiting -= 1
        lo, hi, size, total = todo[waiting, 0], todo[waiting, 1], todo[waiting, 2], todo[waiting, 3]
        if hi - lo <= TABLE_BITS:
            _look_up(v, lo, hi, size, total, S, chosen)
            continue
        middle = (lo + hi) // 2
        left, right = grow_halves(v, lo, hi, counts, size >= 0, offsets, S)
        tables = Tables(S, left, right, hi - lo, size, counts, offsets)
        near, taken = _walk_classes(tables, total, ZERO)
        first, rest = (taken, size - taken) if size >= 0 else (-1, -1)
        todo[waiting, 0], todo[waiting, 1] = lo, middle
        todo[waiting, 2], todo[waiting, 3] = first, S[near.i]
        todo[waiting + 1, 0], todo[waiting + 1, 1] = middle, hi
        todo[waiting + 1, 2], todo[waiting + 1, 3] = rest, S[near.j]
        waiting += 2


@compiled
def _sort(s: Ints) -> None:
    """Shell's sort: short lists, and far less to compile than Numba's own."""
    gap = 1
    while gap < s.size:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, s.size):
            x, j = s[u(i)], i
            while j >= gap and s[u(j - gap)] > x:
                s[u(j)] = s[u(j - gap)]
                j -= gap
            s[u(j)] = x
        gap //= 3


@compiled
def _small(v: Ints, size: int, t: int, accept: int, s: Ints, chosen: Bools) -> tuple[int, int]:
    """Sizes up to SMALL: loops over the smallest members, two pointers for the last two."""
    n = v.size
    best, second = HIGH, HIGH
    w0, w1, w2, w3 = 0, 0, 0, 0
    for i in range(n):
        s[i] = v[i]
        chosen[i] = False
    if size == 0:
        return abs(t), HIGH
    if size == 1:
        for i in range(n):
            key = abs(s[i] - t)
            if key < best:
                best, second, w3 = key, best, s[i]
            else:
                second = min(second, key)
    else:
        _sort(s[:n])
        for p in range(n if size == 4 else 1):
            first = s[p] if size == 4 else 0
            begin = p + 1 if size == 4 else 0
            for q in range(begin, n if size >= 3 else begin + 1):
                fixed = first + (s[q] if size >= 3 else 0)
                i, j = (q + 1 if size >= 3 else begin), n - 1
                while i < j:
                    w = fixed + s[u(i)] + s[u(j)] - t
                    below = w < 0
                    key = abs(w)
                    if key < second:
                        if key < best:
                            second = best
                            if j - i > 1:  # the best of the cells discarded with this one
                                near = s[i] + s[j - 1] if below else s[i + 1] + s[j]
                                second = min(second, abs(fixed + near - t))
                            best, w0, w1, w2, w3 = key, first, s[q], s[i], s[j]
                            if best <= accept:
                                break
                        else:
                            second = key
                    i += below
                    j -= 1 - below
                if best <= accept:
                    break
            if best <= accept:
                break
    for place in range(4 - size, 4):
        value = w0 if place == 0 else (w1 if place == 1 else (w2 if place == 2 else w3))
        for i in range(n):
            if v[i] == value and not chosen[i]:
                chosen[i] = True
                break
    return best, second


# --- one instance, and many ----------------------------------------------------------------------


@compiled
def _closest(
    v: Ints, n: int, size: int, t: int, accept: int, work: Work, chosen: Bools
) -> tuple[int, int]:
    """Smallest and second smallest distance over the first n values; marks the best subset.

    ``work.begin`` tells where the lists of the halves begin; NONE has them built.
    """
    counts, offsets, S, begin, scratch = work
    if 0 <= size <= SMALL:
        return _small(v[:n], size, t, accept, scratch, chosen)
    middle = n // 2
    if begin[0] == NONE:
        begin[0], begin[1] = grow_halves(v, ZERO, n, counts, size >= 0, offsets, S)
    tables = Tables(S, begin[0], begin[1], n, size, counts, offsets)
    near, taken = _walk_classes(tables, t, accept)
    first, rest = (taken, size - taken) if size >= 0 else (-1, -1)
    _recover(v, ZERO, middle, first, S[near.i], counts, scratch, chosen)
    _recover(v, middle, n, rest, S[near.j], counts, scratch, chosen)
    return near.best, near.second


@compiled
def _signed(v: Ints, chosen: Bools, t: int) -> int:
    w = -t
    for i in range(v.size):
        if chosen[i]:
            w += v[i]
    return w


@compiled
def _report(x: Floats, z: float, chosen: Bools) -> tuple[float, float]:
    """Sum over the mask and |sum - z|, accumulated in twice the working precision."""
    high, low = 0.0, 0.0
    for i in range(x.size):
        if chosen[i]:
            total = high + x[i]
            part = total - high
            low += (high - (total - part)) + (x[i] - part)
            high = total
    rest = high - z
    part = rest - high
    lost = (high - (rest - part)) + (-z - part)
    return high + low, abs(rest + (lost + low))


@compiled
def _copy(source: Bools, sink: Bools) -> None:
    for i in range(source.size):
        sink[i] = source[i]


@compiled
def _settle(w: int, best: int, second: int, window: Window) -> int:
    """Whether the best subset, at distance w, lies within the window, and nothing else can."""
    _, lo, hi, slack, outer = window
    if slack > 0 and second - best <= 2 * slack:
        return UNSETTLED
    if lo + outer <= w <= hi - outer or (slack == 0 and lo <= w <= hi):
        return FOUND
    if w < lo - outer or w > hi + outer:
        return NOT_FOUND
    return UNSETTLED


@compiled
def _first_within(v: Ints, size: int, window: Window, work: Work, chosen: Bools) -> int:
    """Search growing prefixes, so that an easy tolerance is met long before the lists are long."""
    t = window.t
    accept = min(window.hi, -window.lo) - window.outer
    n = max(8, size + min(size, 4))
    while True:
        n = min(n, v.size)
        work.begin[0] = NONE
        best, second = _closest(v, n, size, t, accept, work, chosen)
        if best <= accept:
            return FOUND
        if n == v.size:
            return _settle(_signed(v, chosen, t), best, second, window)
        chosen[:] = False
        n += max(4, n // 4)


@compiled
def _fewest_within(v: Ints, window: Window, work: Work, chosen: Bools) -> int:
    """Best subset of each size in turn, up to the first size that meets the tolerance."""
    t, lo, hi, slack, outer = window
    n = v.size
    closest, second_closest = HIGH, HIGH
    trial = np.zeros(n, np.bool_)
    for size in range(n + 1):
        trial[:] = False
        best, second = _closest(v, n, size, t, NONE, work, trial)
        w = _signed(v, trial, t)
        if best < closest:
            closest, second_closest = best, min(closest, second)
            _copy(trial, chosen)
        else:
            second_closest = min(second_closest, best)
        if w < lo - outer or w > hi + outer:
            continue
        _copy(trial, chosen)
        return _settle(w, best, second, window)
    return UNSETTLED if slack > 0 and second_closest - closest <= 2 * slack else NOT_FOUND


@compiled
def solve_rows(
    X: Floats, Z: Floats, tolerance: float, size: int, objective: int, counts: Ints,
    words: int, spare: int, masks: Bools, sums: Floats, errors: Floats, states: SmallInts,
) -> None:  # fmt: skip
    """Solve one instance per row of ``X`` (or all for its only row) and entry of ``Z``.

    ``size = -1`` is any size; ``tolerance = -1.0`` is none; ``counts`` as in ``_grow``; ``words``
    and ``spare`` are the lengths of the working arrays for the lists and for all else.
    """
    n = X.shape[1]
    v, begin = np.empty(n, np.int64), np.empty(2, np.int64)
    offsets = np.empty(counts.shape[1], np.int64)
    S, scratch = np.empty(words, np.int64), np.empty(spare, np.int64)
    work = Work(counts, offsets, S, begin, scratch)
    complement = 2 * size > n  # choose what to leave out instead: -v, and t less the whole sum
    terms = n - size if complement else size
    at_most = terms_at_most(n, size)
    exponent, exact, whole = 0, True, 0
    for r in range(Z.size):
        x, z, chosen = X[min(r, X.shape[0] - 1)], Z[r], masks[r]
        if r < X.shape[0]:
            exponent = grid_exponent(x, at_most)
            exact = to_grid(x, exponent, v)
            whole = 0
            begin[0] = NONE
            if complement:
                for i in range(n):
                    whole += v[i]
                    v[i] = -v[i]
        t, lo, hi, slack, outer = target_on_grid(z, tolerance, at_most, exponent, exact)
        window = Window(t - whole, lo, hi, slack, outer)
        chosen[:] = False
        if objective == BEST:
            accept = ONE if slack == 0 else NONE  # no distance is less than one
            best, second = _closest(v, n, terms, window.t, accept, work, chosen)
            state = UNSETTLED if slack > 0 and second - best <= 2 * slack else FOUND
        elif objective == FEASIBLE:
            state = _first_within(v, terms, window, work, chosen)
        else:
            state = _fewest_within(v, window, work, chosen)
        if complement:
            for i in range(n):
                chosen[i] = not chosen[i]
        sums[r], errors[r] = _report(x, z, chosen)
        states[r] = state


# --- counting and covering -----------------------------------------------------------------------


@compiled
def rank(
    S: Ints, left: int, right: int, n: int, size: int, counts: Ints, offsets: Ints, bound: int
) -> tuple[int, int, int]:
    """Count the sums <= bound; also the largest of them, and the smallest of the others."""
    nl = n // 2
    nr = n - nl
    last = counts.shape[1] - 1
    number, under, over = 0, LOW, HIGH
    for c in range(max(0, size - min(nr, last)), min(nl, last, max(size, 0)) + 1):
        other = size - c if size >= 0 else 0
        i, q = left + offsets[c], right + offsets[other]
        p, j = i + counts[nl, c] - 1, q + counts[nr, other] - 1
        while i <= p and j >= q:
            total = S[u(i)] + S[u(j)]
            if total <= bound:
                number += j - q + 1
                under = max(under, total)
                i += 1
            else:
                over = min(over, total)
                j -= 1
    return number, under, over


@compiled
def gather(
    S: Ints, left: int, right: int, n: int, size: int, counts: Ints, offsets: Ints,
    lo: int, hi: int, found: Ints,
) -> int:  # fmt: skip
    """Write the sums in [lo, hi], in no order, to ``found``; returns how many there are."""
    nl = n // 2
    nr = n - nl
    last = counts.shape[1] - 1
    number = 0
    for c in range(max(0, size - min(nr, last)), min(nl, last, max(size, 0)) + 1):
        other = size - c if size >= 0 else 0
        a, b = left + offsets[c], right + offsets[other]
        end = b + counts[nr, other]
        for i in range(a, a + counts[nl, c]):
            while end > b and S[u(i)] + S[u(end - 1)] > hi:
                end -= 1
            j = end - 1
            while j >= b and S[u(i)] + S[u(j)] >= lo:
                found[u(number)] = S[u(i)] + S[u(j)]
                number += 1
                j -= 1
    return number


@compiled
def rank_small(v: Ints, size: int, bound: int) -> int:
    """Count the sums <= bound of ``size`` elements, at most SMALL, without lists."""
    s = v.copy()
    _sort(s)
    n, number = s.size, 0
    if size == 1:
        for i in range(n):
            number += s[i] <= bound
        return number
    for p in range(n if size == 4 else 1):
        first = s[p] if size == 4 else 0
        begin = p + 1 if size == 4 else 0
        for q in range(begin, n if size >= 3 else begin + 1):
            fixed = first + (s[q] if size >= 3 else 0)
            i, j = (q + 1 if size >= 3 else begin), n - 1
            while i < j:
                if fixed + s[u(i)] + s[u(j)] <= bound:
                    number += j - i
                    i += 1
                else:
                    j -= 1
    return number


# --- many instances searched elsewhere: their grids, verdicts and reports ------------------------


@compiled
def grid_rows(X: Floats, Z: Floats, tolerance: float, size: int, V: Ints, windows: Ints) -> None:
    """Write each row of X on its grid to V, and ``t, lo, hi, slack, outer`` to ``windows``.

    As in ``solve_rows``, the rows of V are negated and ``t`` moved where 2 size > n.
    """
    n = X.shape[1]
    at_most = terms_at_most(n, size)
    exponent, exact, whole = 0, True, 0
    for r in range(Z.size):
        if r < X.shape[0]:
            exponent = grid_exponent(X[r], at_most)
            exact = to_grid(X[r], exponent, V[r])
            whole = 0
            if 2 * size > n:
                for i in range(n):
                    whole += V[r, i]
                    V[r, i] = -V[r, i]
        t, lo, hi, slack, outer = target_on_grid(Z[r], tolerance, at_most, exponent, exact)
        windows[0, r], windows[1, r], windows[2, r] = t - whole, lo, hi
        windows[3, r], windows[4, r] = slack, outer


@compiled
def settle_rows(w: Ints, second: Ints, windows: Ints, states: SmallInts) -> None:
    """State of each instance, from its smallest signed distance and the second smallest."""
    for r in range(w.size):
        t, lo, hi = windows[0, r], windows[1, r], windows[2, r]
        window = Window(t, lo, hi, windows[3, r], windows[4, r])
        states[r] = _settle(w[r], abs(w[r]), second[r], window)


@compiled
def report_rows(X: Floats, Z: Floats, masks: Bools, sums: Floats, errors: Floats) -> None:
    """Write the sum and the error of each mask."""
    for r in range(Z.size):
        sums[r], errors[r] = _report(X[min(r, X.shape[0] - 1)], Z[r], masks[r])
