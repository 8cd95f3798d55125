"""What the solvers return: which subset, its sum, its error, and which objective produced it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from slth.objectives import Objective


@dataclass(frozen=True, eq=False)
class Solution:
    """One subset S of [n] whose sum approximates the target z.

    Attributes
    ----------
    indices : ndarray of int64, shape (size,)
        Members of S, ascending.
    mask : ndarray of bool, shape (n,)
        ``mask[i]`` tells whether i is in S.
    sum : float
        Σ_S, correctly rounded from the samples that the mask selects.
    error : float
        |Σ_S - z|, correctly rounded; it may differ from ``abs(sum - z)`` by the rounding of
        ``sum``.
    size : int
        Number of terms |S|.
    objective : {"best", "feasible", "fewest"}
        What was asked for.
    window : ndarray of int64 or None
        The samples that were searched, where all others were fixed at random; None where the
        search was over all samples.
    """

    indices: npt.NDArray[np.int64]
    mask: npt.NDArray[np.bool_]
    sum: float
    error: float
    size: int
    objective: Objective
    window: npt.NDArray[np.int64] | None = None

    @property
    def exact(self) -> bool:
        """Whether the search was over all samples; only then does the objective hold."""
        return self.window is None


@dataclass(frozen=True, eq=False)
class BatchSolution:
    """One subset per instance; row r belongs to instance r.

    Attributes
    ----------
    masks : ndarray of bool, shape (m, n)
    sums, errors : ndarray of float64, shape (m,)
        Recomputed from the masks in twice the working precision.
    sizes : ndarray of int64, shape (m,)
        Number of terms.
    found : ndarray of bool, shape (m,)
        Whether the tolerance is met (always, where none was asked for). Where it is not, the row
        holds the subset with the smallest error.
    objective : {"best", "feasible", "fewest"}
        What was asked for.
    """

    masks: npt.NDArray[np.bool_]
    sums: npt.NDArray[np.float64]
    errors: npt.NDArray[np.float64]
    sizes: npt.NDArray[np.int64]
    found: npt.NDArray[np.bool_]
    objective: Objective

    def __len__(self) -> int:
        """Return the number of instances."""
        return len(self.sums)
