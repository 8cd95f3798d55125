r"""Figure 1, measured: the smallest n from which on every weight in [-1, 1] is served.

One *gadget* serves one weight for inputs of one sign.  It has n random products $b\,\sigma(a)$, and
serves a weight w if some k of them sum to within $\tau$ of w.  Theorem 3 asks for a tolerance
$\tau=\frac1{2z}$ with $z=m_t/\varepsilon$, the number of target weights over the error.  Further
products never take a subset away, so a growing sample has a smallest n from which on all
$w\in[-1,1]$ are served.  It is found exactly, and nothing but integers is stored.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np

from slth import subset_sum
from slth.arrays import Floats
from slth.sweep import Cell, Grid

Interval: TypeAlias = tuple[float, float]

PER_CELL = {10: 100, 100: 50, 1000: 20, 10_000: 10}  # samples, by z: a second or two
FEW_SUMS = 1 << 21
EDGE = 64  # of single products only those matter whose factors are within 64 tolerances of 1


def cell(
    *, rng: np.random.Generator, law: str, z: int, k: int, trials: int, batch: int
) -> dict[str, str]:
    r"""Find the smallest covering n of ``trials`` samples, for the tolerance $\frac1{2z}$.

    Parameters
    ----------
    rng : numpy.random.Generator
        The cell's own generator.
    law : str
        ``"products"``: exactly k of n products, where dead ones, which are zero, may fill up the
        subset, as in Theorem 3; ``"live products"``: k that are not dead; ``"uniform"``: k of n
        numbers that are uniform on [-1, 1].
    z, k : int
        Target weights over error, and size of the subsets.
    trials, batch : int
        Number of samples in this cell, and its own number among cells that are otherwise equal.

    Returns
    -------
    dict
        ``covers``: each n that occurred with the number of its samples, as in ``"31:2 34:1"``.
    """
    smallest = smallest_cover if k > 1 or law == "uniform" else smallest_cover_by_one
    found = Counter(smallest(own, law, k, 1 / (2 * z)) for own in rng.spawn(trials))
    return {"covers": " ".join(f"{n}:{times}" for n, times in sorted(found.items()))}


def smallest_cover(rng: np.random.Generator, law: str, k: int, tolerance: float) -> int:
    """Return the smallest n whose first n samples cover [-1, 1] with sums of k of them."""
    x = np.empty(0)

    def covered(n: int) -> bool:
        nonlocal x
        while len(x) < n:
            x = np.append(x, draw(rng, law, max(256, len(x))))
        kept = x[:n]
        return covers(kept[kept != 0] if law == "live products" else kept, k, tolerance)

    return first(covered, _guess(law, k, tolerance))


def smallest_cover_by_one(rng: np.random.Generator, law: str, k: int, tolerance: float) -> int:
    r"""Return the smallest n whose first n products cover [-1, 1], one product for each target.

    The targets near 1 and -1 decide, and a product is near them only if both of its factors are
    near 1.  So we draw only products with $a>1-e$ and $|b|>1-e$, $e=64\tau$, and with them their
    places in the sample; where $e\ge1$ these are all live ones.  Targets $|w|<1-e$, where products
    are denser, are taken as covered; we estimate that this is wrong for one sample in $10^8$.
    """
    edge = min(1.0, EDGE * tolerance)
    places, x = np.zeros(1, np.int64), np.empty(0)
    inner = np.arange(edge - 1, 1 - edge, tolerance)

    def covered(number: int) -> bool:
        nonlocal places, x
        while len(x) < number:
            more = max(256, len(x))
            waits = rng.geometric(edge**2 / 2, more)
            places = np.append(places, places[-1] + np.cumsum(waits))
            x = np.append(x, _near_ends(rng, more, edge))
        return _no_gap(np.append(inner, x[:number]), tolerance)

    number = first(covered, 256)
    return int(places[number])


def serves_only_the_ends(rng: np.random.Generator, law: str, n: int, tolerance: float) -> bool:
    """Draw n numbers; return whether single ones serve 1 and -1 but not all weights near them.

    *Near* is 16 tolerances, and only products with both factors so near to 1 are drawn.

    Parameters
    ----------
    rng : numpy.random.Generator
        Used up.
    law : str
        ``"products"`` or ``"uniform"``.
    n, tolerance : int or float
        How many, and how near one of them has to be to a weight.
    """
    edge = min(1.0, 16 * tolerance)
    if law == "uniform":
        x = 1 - edge * rng.random(rng.binomial(n, edge))
        x *= rng.choice([-1.0, 1.0], len(x))
    else:
        x = _near_ends(rng, rng.binomial(n, edge**2 / 2), edge)
    if not len(x) or x.max() < 1 - tolerance or x.min() > tolerance - 1:
        return False
    inner = 1 - edge
    sides = (np.append(side[side > inner], [inner, 1 + tolerance]) for side in (x, -x))
    return any(np.diff(np.sort(side)).max() > 2 * tolerance for side in sides)


def _near_ends(rng: np.random.Generator, number: int, edge: float) -> Floats:
    """Draw products both of whose factors are within ``edge`` of 1, up to a sign."""
    a, b = 1 - edge * rng.random((2, number))
    products: Floats = a * b * rng.choice([-1.0, 1.0], number)
    return products


def draw(rng: np.random.Generator, law: str, n: int) -> Floats:
    """Return n samples of a law; dead products are zero."""
    if law == "uniform":
        return rng.uniform(-1, 1, n)
    a, b = rng.uniform(-1, 1, (2, n))
    products: Floats = np.maximum(a, 0.0) * b
    return products


def first(holds: Callable[[int], bool], guess: int) -> int:
    """Return the smallest positive integer at which a monotone condition holds.

    Examples
    --------
    >>> first(lambda n: n >= 1000, guess=5), first(lambda n: n >= 1000, guess=5000)
    (1000, 1000)
    """
    low, high, step = 0, guess, max(1, guess // 16)
    if holds(high):
        while high > step and holds(high - step):
            high, step = high - step, 2 * step
        low = max(high - step, 0)
    else:
        while not holds(high):
            low, high, step = high, high + step, 2 * step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def covers(x: Floats, k: int, tolerance: float) -> bool:
    """Whether each target in [-1, 1] lies within ``tolerance`` of a sum of exactly k of x.

    Bounds decide most cases.  The others are decided by what is exact: by all sums where they are
    few, and else by the best sums for one target after the other, where the bounds leave it open.
    """
    live, dead = x[x != 0], int(np.count_nonzero(x == 0))
    sizes = range(max(0, k - dead), min(k, len(live)) + 1)  # zeros fill up
    if not sizes:
        return False
    if k == 1:
        return _no_gap(x, tolerance)
    whole = (-1.0, 1.0)
    for fineness in (4, 16) if k > 2 else ():  # all pairs are faster than a grid
        if (decision := _decided(live, sizes, tolerance, whole, fineness)) is not None:
            return decision
    if sum(math.comb(len(live), size) for size in sizes) <= FEW_SUMS:
        sums = np.concatenate([subset_sum.sums(live, size=size) for size in sizes])
        return _no_gap(sums, tolerance)
    return _covers_interval(live, sizes, tolerance, whole)


def _no_gap(points: Floats, tolerance: float) -> bool:
    ends = 1 + tolerance
    inside = points[abs(points) <= ends]
    return bool(np.diff(np.sort(np.append(inside, [-ends, ends]))).max() <= 2 * tolerance)


def _decided(
    live: Floats, sizes: range, tolerance: float, interval: Interval, fineness: int
) -> bool | None:
    """Whether the interval is covered, if a grid of this many cells per 2 tolerances can tell."""
    cells = math.ceil(fineness * (interval[1] - interval[0]) / (2 * tolerance))
    if len(sizes) == len(live) + 1:
        x, size = live, None
    else:
        x, size = np.append(live, np.zeros(sizes[-1] - sizes[0])), sizes[-1]
    lower, upper = subset_sum.covering_radius_bounds(x, interval=interval, size=size, cells=cells)
    return upper <= tolerance if upper <= tolerance or lower > tolerance else None


def _covers_interval(live: Floats, sizes: range, tolerance: float, interval: Interval) -> bool:
    """Halve the interval until the bounds decide, or until it is so short that we can walk."""
    if (decision := _decided(live, sizes, tolerance, interval, 64)) is not None:
        return decision
    low, high = interval
    if high - low < 8 * tolerance:
        return _walk(live, sizes, tolerance, interval)
    middle = (low + high) / 2
    halves = ((low, middle), (middle, high))
    return all(_covers_interval(live, sizes, tolerance, half) for half in halves)


def _walk(live: Floats, sizes: range, tolerance: float, interval: Interval) -> bool:
    """Go from the best sum for a target to the first target that it does not serve."""
    target, last = interval[0], -math.inf
    while target <= interval[1]:
        best = min(
            (subset_sum.solve(live, target, size=size) for size in sizes),
            key=lambda solution: solution.error,
        )
        if best.error > tolerance or best.sum <= last:
            return False
        last = best.sum
        target = math.nextafter(last + tolerance, math.inf)
    return True


def _guess(law: str, k: int, tolerance: float) -> int:
    """So many samples that there are a dozen subsets for each tolerance."""
    live = k
    while sum(math.comb(live, size) for size in range(k + 1)) * tolerance < 12:
        live += max(1, live // 16)
    return live if law == "uniform" else 2 * live


def sizes(law: str, z: int) -> tuple[int, ...]:
    """Return sizes k of subsets, from 1 to about half of the samples that are needed."""
    most = math.log2(z) - 1 if law == "uniform" else math.log2(z) + 8
    return (1, 2, 3, 4, 5, 6, *range(8, math.floor(most) + 1, 2))


def grid(trials: Mapping[tuple[str, int], int]) -> Grid:
    """Declare the sweep with so many samples for each law and z (a key of ``PER_CELL``)."""
    cells: list[Cell] = []
    for (law, z), number in trials.items():
        for k in sizes(law, z):
            size = PER_CELL[z] // 5 if k == 2 and z >= 1000 else PER_CELL[z]
            cells += Grid.product(
                law=[law], z=[z], k=[k], trials=[size], batch=range(-(-number // size))
            )
    return Grid("figure-one", cell, tuple(cells), seed=1)


GRID = grid(
    {
        ("products", 10): 2000,
        ("products", 100): 2000,
        ("products", 1000): 400,
        ("products", 10_000): 200,
        ("live products", 100): 400,
        ("uniform", 100): 400,
        ("uniform", 10_000): 200,
    }
)
