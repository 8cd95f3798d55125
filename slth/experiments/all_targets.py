r"""The proofs that one sample serves all targets, as programs that look at a sample.

Each splits off a *reserve*, of which j samples bring the sum near a target; blocks, or pairs, do
the rest.  That by groups is :mod:`slth.theory.groups_program`.
"""

from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slth import subset_sum
from slth.arrays import Floats


def exchange(reserve: ArrayLike, j: int) -> Floats:
    """Return sums of j numbers of the reserve, from the smallest such sum to the largest.

    The j smallest are exchanged for the largest, one after the other.

    Parameters
    ----------
    reserve : array_like
        Shape (R,).
    j : int
        0 <= j <= R.

    Returns
    -------
    float64 array, shape (min(j, R - j) + 1,)

    Examples
    --------
    >>> exchange([0.5, -1.0, 0.25], 2)
    array([-0.75,  0.75])
    """
    x = np.sort(np.asarray(reserve, dtype=np.float64))
    swaps = min(j, len(x) - j)
    steps = x[::-1][:swaps] - x[:swaps]
    way: Floats = x[:j].sum() + np.append(0.0, np.cumsum(steps))
    return way


def blocks_serve(
    x: Floats, k: int, epsilon: float, blocks: int, block: int, reach: float | None = None
) -> bool:
    r"""Whether blocks and reserve serve a grid of targets within $\frac\varepsilon2$.

    Parameters
    ----------
    x : array of float64
        Samples: first the blocks, then the reserve.
    k, epsilon : int or float
        Terms, of which ``min(k, block // 2)`` come from a block, and tolerance.
    blocks, block : int
        Number of blocks, and samples of each.
    reach : float, optional
        Largest target; the root of k, if left out.

    Examples
    --------
    >>> x = np.random.default_rng(1).uniform(-1, 1, 400)
    >>> blocks_serve(x, 20, 0.25, 40, 6), blocks_serve(x, 20, 0.25, 1, 6)
    (True, False)
    """
    end = np.sqrt(k) if reach is None else reach
    part, targets = min(k, block // 2), int(np.ceil(2 * end / epsilon))
    z = end * ((2 * np.arange(targets) + 1) / targets - 1)
    way = exchange(x[blocks * block :], k - part)
    rest = z - way[_nearest(way, z)]
    chosen = list(combinations(range(block), part))
    sums = np.sort(x[: blocks * block].reshape(blocks, block)[:, chosen].sum(axis=2).ravel())
    return bool(np.abs(sums[_nearest(sums, rest)] - rest).max() <= epsilon / 2)


def pairs_serve(x: Floats, k: int, pairs: int, epsilon: float) -> bool:
    r"""Whether pairs and reserve serve all of $[-\sqrt k,\sqrt k]$ within $\varepsilon$.

    Parameters
    ----------
    x : array of float64
        2 k samples: one of each pair, the other of each pair, the reserve.
    k, pairs, epsilon : int or float
        Terms, pairs, tolerance.

    Examples
    --------
    >>> x = np.random.default_rng(1).uniform(-1, 1, 400)
    >>> pairs_serve(x, 200, 40, 2**-4), pairs_serve(x, 200, 5, 2**-4)
    (True, False)
    """
    other, D = x[pairs : 2 * pairs], x[:pairs] - x[pairs : 2 * pairs]
    low, high = exchange(x[2 * pairs :], k - pairs)[[0, -1]] + other.sum()
    if low > 1 - np.sqrt(k) or high < np.sqrt(k) - 1:
        return False
    if subset_sum.covering_radius(D[:14]) <= epsilon:  # a few are quickly enumerated
        return True
    return bool(subset_sum.covering_radius_bounds(D)[1] <= epsilon)


def subset_by_pairs(
    x: Floats, k: int, pairs: int, z: float, *, steered: bool = True
) -> NDArray[np.int64]:
    """Choose k entries whose sum is near z: one of each pair, the others from the reserve.

    Parameters
    ----------
    x, k, pairs : array of float64 or int
        As for :func:`pairs_serve`.
    z : float
        Target.
    steered : bool
        Whether the reserve is exchanged until it is near the target.

    Examples
    --------
    >>> x = np.random.default_rng(1).uniform(-1, 1, 400)
    >>> chosen = subset_by_pairs(x, 200, 40, 3.0)
    >>> len(set(chosen.tolist())), bool(abs(x[chosen].sum() - 3) < 1e-4)
    (200, True)
    """
    first, other = x[:pairs], x[pairs : 2 * pairs]
    rest = np.arange(2 * pairs, len(x))[np.argsort(x[2 * pairs :])]
    way = exchange(x[rest], k - pairs) + other.sum()
    swaps = int(np.abs(way - z).argmin()) if steered else 0
    searched = min(pairs, 20)
    taken = np.zeros(pairs, bool)
    taken[:searched] = subset_sum.solve((first - other)[:searched], z - way[swaps]).mask
    of_pairs = np.arange(pairs) + np.where(taken, 0, pairs)
    return np.concatenate(
        (of_pairs, rest[swaps : k - pairs], rest[len(rest) - swaps :]), dtype=np.int64
    )


def _nearest(ordered: Floats, points: Floats) -> NDArray[np.int64]:
    """Index of the entry nearest to each point."""
    if len(ordered) == 1:
        return np.zeros(len(points), np.int64)
    after = np.searchsorted(ordered, points).clip(1, len(ordered) - 1)
    left = points - ordered[after - 1] < ordered[after] - points
    return np.where(left, after - 1, after)
