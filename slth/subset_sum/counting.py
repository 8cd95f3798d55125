"""How many subsets hit a target, and all subset sums."""

import math
from collections.abc import Callable
from typing import SupportsIndex

import numpy as np
import numpy.typing as npt

from slth.arrays import Floats
from slth.subset_sum import _kernels
from slth.subset_sum._grid_instance import GridInstance
from slth.subset_sum._instance import (
    check_scale,
    checked_samples,
    checked_size,
    checked_target,
    checked_tolerance,
)
from slth.subset_sum._lists import REACH, Lists
from slth.subset_sum._long import exact
from slth.subset_sum.errors import InstanceTooLarge

MOST_SUMS = 1 << 25  # what `sums` returns at most: 256 MiB


def count(
    x: npt.ArrayLike, z: float, *, tolerance: float, size: SupportsIndex | None = None
) -> int:
    """Count the subsets that hit a target within a tolerance.

    Y = #{S ⊆ [n] : |Σ_S - z| ≤ tolerance}, over |S| = k when ``size=k``: the random variable whose
    first two moments prove Theorem 2 of Natale et al. (2024).

    Parameters
    ----------
    x : array_like or torch.Tensor, shape (n,)
        Samples, finite. Numbers as in :func:`solve`.
    z : float
        Target.
    tolerance : float
        Largest admissible error, itself admitted.
    size : int, optional
        Number of terms k; any number, including none, if left out.

    Returns
    -------
    int
        The exact number; subsets are counted, not different sums.

    Raises
    ------
    InstanceTooLarge
        The lists of sums would not fit into memory; names the largest n.
    ValueError
        Arguments that are not finite or do not fit.

    Notes
    -----
    One walk along the border of the table of all sums per pair of classes: about 2^(n/2) steps,
    however many subsets are counted.

    Examples
    --------
    >>> count([1.0, 2.0, 3.0, 4.0], 5.0, tolerance=0.0, size=2)
    2
    >>> count([1.0, 2.0, 3.0, 4.0], 5.0, tolerance=1.0)
    6
    """
    samples = checked_samples(x, "x", "(n,)", 1).astype(np.float64)
    target = checked_target(z)
    limit = checked_tolerance(tolerance)
    check_scale(samples, np.array([target]))
    k = checked_size(size, len(samples))
    grid = GridInstance.of(samples, k)
    t, lo, hi, slack, outer = _kernels.target_on_grid(
        target, limit, grid.terms, grid.exponent, grid.exact
    )
    rank = _ranks(grid)

    def within(first: int, last: int) -> int:
        base = t - grid.shift
        return rank(base + last) - rank(base + first - 1) if first <= last else 0

    inner = outer if slack else 0
    number = within(lo + inner, hi - inner)
    if outer and within(lo - outer, hi + outer) != number:  # too close to the edge for 64 bits
        v, whole, reach = exact.to_integers(samples.tolist(), target, limit)
        return exact.count(v, whole - reach, whole + reach, None if k < 0 else k)
    return number


def sums(x: npt.ArrayLike, *, size: SupportsIndex | None = None) -> npt.NDArray[np.float64]:
    """Return all subset sums in order, each as often as it occurs.

    {Σ_S : S ⊆ [n]} as a multiset, over |S| = k when ``size=k``.

    Parameters
    ----------
    x : array_like or torch.Tensor, shape (n,)
        Samples, finite. Numbers as in :func:`solve`.
    size : int, optional
        Number of terms k; any number, including none, if left out.

    Returns
    -------
    ndarray of float64, shape (2**n,) or (binom(n, k),)
        Ascending; accumulated in float64.

    Raises
    ------
    InstanceTooLarge
        More than 2^25 sums; names the largest n.
    ValueError
        Arguments that are not finite or do not fit.

    Examples
    --------
    >>> sums([1.0, 2.0, -4.0])
    array([-4., -3., -2., -1.,  0.,  1.,  2.,  3.])
    >>> sums([1.0, 2.0, -4.0], size=2)
    array([-3., -2.,  3.])
    """
    samples = checked_samples(x, "x", "(n,)", 1).astype(np.float64)
    check_scale(samples, np.zeros(1))
    n, k = len(samples), checked_size(size, len(samples))
    check_number_of_sums(n, k, MOST_SUMS)
    if 2 * k > n:  # far fewer ways to leave out: also far fewer intermediate sums
        return math.fsum(samples) - sums(samples, size=n - k)[::-1]
    left, right = (_class_sums(half, k) for half in np.array_split(samples, 2))
    result = _combine(left, right, max(k, 0))
    result.sort()
    return result


def number_of_sums(n: int, size: int) -> int:
    """Return how many subsets of n there are, of ``size`` elements or (-1) in all."""
    return 1 << n if size < 0 else math.comb(n, size)


def check_number_of_sums(n: int, size: int, most: int) -> None:
    """Refuse to enumerate more than ``most`` sums."""
    if number_of_sums(n, size) > most:
        fits = n
        while number_of_sums(fits, size) > most:
            fits -= 1
        terms = f"size={size}" if size >= 0 else "any size"
        raise InstanceTooLarge(
            f"n={n} with {terms} has {number_of_sums(n, size):.3g} subset sums; "
            f"the largest n whose sums can be enumerated is {fits}"
        )


def _ranks(grid: GridInstance) -> Callable[[int], int]:
    """Return the function that counts the sums of the instance up to a bound."""
    if 1 <= grid.size <= _kernels.SMALL:
        return lambda bound: _kernels.rank_small(grid.v, grid.size, min(max(bound, -REACH), REACH))
    lists = Lists.of(grid.v, grid.size)
    return lambda bound: lists.rank(bound)[0]


def _class_sums(x: Floats, size: int) -> list[Floats]:
    """Return the sums of 0, 1, ..., ``size`` terms, one array each; -1: one array with all."""
    if len(x) == 0:
        return [np.zeros(1)]
    if len(x) == 1:
        return [np.append(0.0, x)] if size < 0 else [np.zeros(1), x][: size + 1]
    left, right = (_class_sums(half, size) for half in np.array_split(x, 2))
    return [_combine(left, right, j) for j in range(max(0, min(size, len(x))) + 1)]


def _combine(left: list[Floats], right: list[Floats], size: int) -> Floats:
    """Return all sums of one term from each side whose sizes add up to ``size``."""
    parts = [
        np.add.outer(left[j], right[size - j]).ravel()
        for j in range(max(0, size - len(right) + 1), min(size + 1, len(left)))
    ]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
