"""One instance on the integer grid of the compiled solvers."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from slth.arrays import Ints
from slth.subset_sum import _kernels


@dataclass(frozen=True, eq=False)
class GridInstance:
    """Samples times 4 · 2^exponent, rounded to integers, for sums of ``size`` terms.

    Attributes
    ----------
    v : ndarray of int64, shape (n,)
        The integers; negated where the terms to leave out are chosen instead.
    size : int
        Number of entries of v to choose (-1: any), at most n / 2.
    shift : int
        A sum over x, on the grid, is ``shift`` plus a sum over v.
    terms, exponent : int
        Number of terms the grid is made for.
    exact : bool
        Whether nothing was rounded.
    """

    v: Ints
    size: int
    shift: int
    terms: int
    exponent: int
    exact: bool

    @classmethod
    def of(cls, x: npt.NDArray[np.float64], size: int) -> "GridInstance":
        """Put the samples on the grid."""
        v = np.empty(len(x), np.int64)
        terms = _kernels.terms_at_most(len(x), size)
        exponent = _kernels.grid_exponent(x, terms)
        exact = _kernels.to_grid(x, exponent, v)
        if 2 * size > len(x):
            return cls(-v, len(x) - size, int(v.sum()), terms, exponent, exact)
        return cls(v, size, 0, terms, exponent, exact)
