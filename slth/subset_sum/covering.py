"""How well the subset sums cover an interval of targets."""

from fractions import Fraction
from typing import SupportsIndex

import numpy as np
import numpy.typing as npt

from slth.subset_sum import _kernels
from slth.subset_sum._gaps import Gaps
from slth.subset_sum._grid_instance import GridInstance
from slth.subset_sum._instance import check_scale, checked_interval, checked_samples, checked_size
from slth.subset_sum._lists import Lists
from slth.subset_sum.counting import check_number_of_sums

MOST_SUMS = 1 << 27  # seconds
CHUNK = 1 << 20  # sums that are in memory at a time
SPACING = 4  # sums on the grid are multiples of this


def covering_radius(
    x: npt.ArrayLike,
    *,
    interval: tuple[float, float] = (-1.0, 1.0),
    size: SupportsIndex | None = None,
) -> float:
    """Return the worst best error over all targets of an interval.

    sup over z in the interval of min_S |Σ_S - z|, over |S| = k when ``size=k``. Every target is
    hit within ε (Corollary 1 of Natale et al. 2024; Lueker 1998 for any size) if and only if this
    is at most ε.

    Parameters
    ----------
    x : array_like or torch.Tensor, shape (n,)
        Samples, finite. Numbers as in :func:`solve`.
    interval : (float, float)
        Both ends belong to it.
    size : int, optional
        Number of terms k; any number, including none, if left out.

    Returns
    -------
    float
        The radius; its own error is at most n² 2^-57 max |x|, and none where the samples are
        multiples of their largest value's last bit.

    Raises
    ------
    InstanceTooLarge
        More than 2^27 sums; names the largest n.
    ValueError
        Arguments that are not finite or do not fit, an empty interval.

    Notes
    -----
    The sums are enumerated in order, a stretch at a time, so that memory stays small; the answer is
    half of the widest gap, or the distance from an end of the interval to the nearest sum.

    Examples
    --------
    >>> covering_radius([0.5, 0.25, 1.0], interval=(0.0, 2.0))
    0.25
    >>> covering_radius([0.5, 0.25, 1.0], interval=(0.0, 2.0), size=2)
    0.75
    """
    samples = checked_samples(x, "x", "(n,)", 1).astype(np.float64)
    ends = checked_interval(interval)
    check_scale(samples, np.array(ends))
    n, k = len(samples), checked_size(size, len(samples))
    check_number_of_sums(n, k, MOST_SUMS)
    grid = GridInstance.of(samples, k)
    unit = Fraction(4) * Fraction(2) ** grid.exponent
    lo, hi = (Fraction(end) * unit - grid.shift for end in ends)
    return float(_radius(Lists.of(grid.v, grid.size), lo, hi) / unit)


def _radius(lists: Lists, lo: Fraction, hi: Fraction) -> Fraction:
    """Covering radius of [lo, hi] in units of the grid."""
    _, under, first = lists.rank(-(-lo.numerator // lo.denominator) - 1)
    _, last, over = lists.rank(hi.numerator // hi.denominator)
    below, above = _point(under), _point(over)
    if first > hi:
        gaps = Gaps(lo, hi, below, None, None, _point(first), 0)
    else:
        gaps = Gaps(lo, hi, below, first, last, above, _widest_gap(lists, first, last))
    radius = gaps.radius()
    assert radius is not None  # there is always a sum
    return radius


def _point(total: int) -> int | None:
    return None if total in (_kernels.LOW, _kernels.HIGH) else total


def _widest_gap(lists: Lists, first: int, last: int) -> int:
    """Widest gap between neighbouring sums from ``first`` to ``last``, both of them sums."""
    widest, width = 0, last - first
    while first < last:
        end = min(last, first + width)
        until, _, over = lists.rank(end)
        number = until - lists.rank(first)[0]
        if number <= CHUNK:
            inside = lists.gather(first + 1, end, number)
        elif width > SPACING:
            width = max(SPACING, width // 2)
            continue
        else:
            inside = np.array([end])  # a single sum, very often
        beyond = np.array([over] if over <= last else [], np.int64)
        points = np.concatenate((np.array([first]), inside, beyond))
        widest = max(widest, int(np.diff(points).max()))
        first = int(points[-1])
        if number < CHUNK // 4:
            width *= 2
    return widest
