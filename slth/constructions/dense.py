"""One dense layer of the target from two random matrices: the building block of Theorem 3."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slth.arrays import Bools
from slth.constructions.pair import pair_masks
from slth.objectives import Objective


@dataclass(frozen=True, eq=False)
class DenseMasks:
    """Masks of the two random layers that stand for one dense layer.

    Attributes
    ----------
    first : ndarray of bool, shape (hidden, in)
    second : ndarray of bool, shape (out, hidden)
    """

    first: Bools
    second: Bools


def dense_masks(
    weights: NDArray[np.floating],
    first: NDArray[np.floating],
    second: NDArray[np.floating],
    *,
    tolerance: float,
    size: int | None = None,
    objective: Objective = "best",
    signed: bool = True,
) -> DenseMasks:
    r"""Prune two random matrices until they compute a dense layer, up to ``tolerance`` per weight.

    .. math::
        \Big|\sum_{h\in S^\pm_{ij}} B_{ih}\,A_{hj}^\pm \mp W_{ij}\Big| \le \tau
        \qquad\text{for all } i, j

    Input $j$ owns $n$ hidden units for its positive half and, if inputs are signed,
    the next $n$ for its negative half.  Such a unit keeps its weight to input $j$ only,
    and only if that weight has the sign of the half (the unit is *live*).  All outputs share the
    live units: output $i$ picks the subset $S_{ij}$ whose products sum to its weight.
    Units that no output picks are removed altogether.

    Parameters
    ----------
    weights : ndarray, shape (out, in)
        The target layer $W$.
    first : ndarray, shape (hidden, in)
        The random layer $A$; ``hidden`` is a multiple of the number of (input, half) pairs.
    second : ndarray, shape (out, hidden)
        The random layer $B$.
    tolerance : float
        Largest admissible error $\tau$ of a slope.
    size : int, optional
        Take exactly this many live products for every slope; any number otherwise.
    objective : {"best", "feasible", "fewest"}
        Which admissible subset to take, see :func:`slth.subset_sum.solve_many`.  For "feasible"
        subsets of any size, the first 40 live products are searched; the others are added one by
        one where a weight is large.
    signed : bool
        Whether inputs may be negative.

    Returns
    -------
    DenseMasks

    Raises
    ------
    ValueError
        If the shapes do not fit.
    TicketNotFound
        If some slope cannot be approximated.
    InstanceTooLarge
        If there are too many live products for the solver; the message says how many it can take.

    Notes
    -----
    Proof of Theorem 3 of Natale et al. 2024: at most $4 d_1 d_2 k$ of the
    $2 d_1^2 n + 2 d_1 d_2 n$ random weights are kept (half of both for inputs that are
    non-negative).

    Examples
    --------
    One weight, four hidden units, non-negative inputs.  The live products are 0.5, 0.25 and 0.125:

    >>> A = np.array([[0.5], [-1.0], [0.25], [0.125]])
    >>> B = np.array([[1.0, 1.0, 1.0, 1.0]])
    >>> masks = dense_masks(np.array([[0.625]]), A, B, tolerance=0.0, signed=False)
    >>> masks.second
    array([[ True, False, False,  True]])
    >>> masks.first.ravel()
    array([ True, False, False,  True])
    """
    if weights.ndim != 2 or first.ndim != 2 or second.ndim != 2:
        raise ValueError(
            f"dense layers are matrices, got shapes {weights.shape}, {first.shape}, {second.shape}"
        )
    return DenseMasks(
        *pair_masks(
            weights,
            first,
            second,
            tolerance=tolerance,
            size=size,
            objective=objective,
            signed=signed,
        ).layers
    )
