"""How well the subset sums of many samples cover an interval: bounds from a grid."""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import SupportsIndex

import numpy as np
import numpy.typing as npt

from slth.subset_sum import _bit_planes
from slth.subset_sum._gaps import Gaps
from slth.subset_sum._instance import (
    check_scale,
    checked_integer,
    checked_interval,
    checked_samples,
    checked_size,
)
from slth.subset_sum.counting import number_of_sums
from slth.subset_sum.errors import InstanceTooLarge

MOST_BITS = 1 << 32  # of all planes together: 512 MiB
MOST_STEPS = 1 << 30  # words to unite for a grid that holds every sum
NOWHERE = -1


def covering_radius_bounds(
    x: npt.ArrayLike,
    *,
    interval: tuple[float, float] = (-1.0, 1.0),
    size: SupportsIndex | None = None,
    cells: int = 1 << 16,
) -> tuple[float, float]:
    """Enclose the worst best error over all targets of an interval, for any number of samples.

    lower ≤ sup over z in the interval of min_S |Σ_S - z| ≤ upper, over |S| = k when ``size=k``:
    what :func:`covering_radius` computes exactly for few samples.

    Parameters
    ----------
    x : array_like or torch.Tensor, shape (n,)
        Samples, finite. Numbers as in :func:`solve`.
    interval : (float, float)
        Both ends belong to it; low < high.
    size : int, optional
        Number of terms k; any number, including none, if left out.
    cells : int
        The interval is divided into at least so many cells, and fewer than twice so many. Time and
        memory grow with it, and the bounds approach each other.

    Returns
    -------
    (float, float)
        Rigorous bounds: the rounding of the samples to the grid and of the bounds to float64 is
        accounted for.

    Raises
    ------
    InstanceTooLarge
        More than 2^32 bits; names how many cells work.
    ValueError
        Arguments that are not finite or do not fit, an empty interval.

    Notes
    -----
    The recursion of Lueker (1998), f_t(z) = f_{t-1}(z) or f_{t-1}(z - x_t), as a bit set that is
    united with itself shifted by x_t; with a fixed size one set per number of terms. A sample is
    h (g + δ), with h the width of a cell, g an integer and |δ| ≤ 1/2. A sum then lies within
    h (Σ g + c ± d), where c ± d encloses all sums of the δ, and the covering radius within h d of
    that of the marked cells. If the grid cannot hold all sums it keeps those whose partial sums
    stay near the interval. The upper bound holds all the same; the lower one is then only that of
    counting, width / (2 · number of subsets), as for all n so large that the gaps are far below h.

    Examples
    --------
    >>> x = np.random.default_rng(0).uniform(-1, 1, 200)
    >>> lower, upper = covering_radius_bounds(x, size=4)
    >>> 0 < lower < upper < 1e-3
    True
    """
    samples = checked_samples(x, "x", "(n,)", 1).astype(np.float64)
    low, high = checked_interval(interval)
    if low == high:
        raise ValueError(f"interval={interval} must not be a single point: use solve")
    cells = checked_integer(cells, "cells")
    if cells < 1:
        raise ValueError(f"cells={cells} must be at least 1")
    check_scale(samples, np.array([low, high]))
    n, k = len(samples), checked_size(size, len(samples))
    values, lo, hi = [Fraction(value) for value in samples.tolist()], Fraction(low), Fraction(high)
    if 2 * k > n:  # choose what to leave out
        lo, hi = lo - sum(values), hi - sum(values)
        values, k = [-value for value in values], n - k
    width = Fraction(2) ** (math.frexp((high - low) / cells)[1] - 1)
    grid = _Grid.of([value / width for value in values], lo / width, hi / width, k, cells)
    marked = grid.marked().radius()
    upper = _extremes(values, lo, hi, k)
    lower = (hi - lo) / (2 * number_of_sums(n, k))
    if marked is not None:
        upper = min(upper, (marked + grid.drift) * width)
        if grid.whole:
            lower = max(lower, (marked - grid.drift) * width)
    return _below(lower), -_below(-upper)


@dataclass(frozen=True, eq=False)
class _Grid:
    """Samples and targets in units of a cell; see the notes above.

    Attributes
    ----------
    shifts : ndarray of int64
        The g.
    lo, hi : Fraction
        Interval of targets less c, counted from the first cell of the grid.
    origin, length : int
        Cell of the empty sum; number of cells.
    size : int
    drift : Fraction
        The d.
    whole : bool
        Whether the grid holds all sums.
    """

    shifts: npt.NDArray[np.int64]
    lo: Fraction
    hi: Fraction
    origin: int
    length: int
    size: int
    drift: Fraction
    whole: bool

    @classmethod
    def of(cls, x: list[Fraction], lo: Fraction, hi: Fraction, size: int, cells: int) -> "_Grid":
        shifts = [round(value) for value in x]
        least, most = _span([value - g for value, g in zip(x, shifts, strict=True)], size)
        centre, drift = (least + most) / 2, (most - least) / 2
        lo, hi = lo - centre, hi - centre
        first = int(_span([Fraction(min(g, 0)) for g in shifts], size)[0])  # of all partial sums
        last = int(_span([Fraction(max(g, 0)) for g in shifts], size)[1])
        planes = size + 1 if size >= 0 else 2
        whole = len(x) * planes * (last - first) <= 64 * MOST_STEPS
        if not whole:
            margin = max(abs(g) for g in shifts)
            first = max(first, min(0, math.floor(lo)) - margin)
            last = min(last, max(0, math.ceil(hi)) + margin)
        length = last - first + 1
        if planes * length > MOST_BITS:
            raise InstanceTooLarge(
                f"cells={cells} needs {planes * length / 2**33:.3g} GiB; "
                f"cells={cells * MOST_BITS // (2 * planes * length)} works"
            )
        end = length + 64  # beyond the last word of a plane
        clipped = np.array([max(-end, min(g, end)) for g in shifts], np.int64)
        return cls(clipped, lo - first, hi - first, -first, length, size, drift, whole)

    def marked(self) -> Gaps:
        planes = np.zeros(
            (self.size + 1 if self.size >= 0 else 2, self.length // 64 + 1), np.uint64
        )
        _bit_planes.reach(self.shifts, self.origin, planes, self.size >= 0)
        end = 64 * planes.shape[1]
        lo, hi = (min(max(z, -1), end) for z in (math.ceil(self.lo), math.floor(self.hi)))
        *places, widest = _bit_planes.gaps(planes[max(self.size, 0)], lo, hi, NOWHERE)
        under, first, last, over = (None if cell == NOWHERE else cell for cell in places)
        return Gaps(self.lo, self.hi, under, first, last, over, widest)


def _span(values: list[Fraction], size: int) -> tuple[Fraction, Fraction]:
    """Return the smallest and the largest sum of ``size`` values, or (-1) of any number."""
    zero = Fraction(0)
    if size < 0:
        return sum((v for v in values if v < 0), zero), sum((v for v in values if v > 0), zero)
    ordered = sorted(values)
    return sum(ordered[:size], zero), sum(ordered[len(ordered) - size :], zero)


def _extremes(values: list[Fraction], lo: Fraction, hi: Fraction, size: int) -> Fraction:
    """Covering radius of the smallest and the largest sum alone."""
    least, most = _span(values, size)
    targets = (lo, hi, min(max((least + most) / 2, lo), hi))
    return max(min(abs(z - least), abs(z - most)) for z in targets)


def _below(value: Fraction) -> float:
    """Return the largest float64 that is not above."""
    near = float(value)
    return near if near <= value else math.nextafter(near, -math.inf)
