"""One subset sum per coefficient: the step that every construction consists of."""

from functools import partial
from math import fsum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from slth.arrays import Bools
from slth.constructions.not_found import Miss, TicketNotFound
from slth.objectives import Objective
from slth.subset_sum import solve_many
from slth.tickets.judges.pairs import HALVES

# Of a free size, the first subset within tolerance is sought among this many products: 2^40 subsets
# are plenty, and the solver's memory is spared however many samples there are.  Most weights are
# hit among the first few, for which the solver need not be prepared for long lists.
MOST_FEASIBLE = 40
_FIRST_FEASIBLE = 24

# Share of the products searched among that a weight may need on average; a larger one is first
# brought down to it by products that are added one by one.
_COMFORTABLE = 0.25


class Choose(Protocol):
    """What :func:`choose` is an instance of: how hidden units are chosen for all coefficients."""

    def __call__(
        self,
        weights: NDArray[np.floating],
        incoming: NDArray[np.floating],
        second: NDArray[np.floating],
        *,
        tolerance: float,
        size: int | None,
        objective: Objective,
        signed: bool,
    ) -> Bools:
        """Choose."""


def choose(
    weights: NDArray[np.floating],
    incoming: NDArray[np.floating],
    second: NDArray[np.floating],
    *,
    tolerance: float,
    size: int | None,
    objective: Objective,
    signed: bool,
) -> Bools:
    r"""Choose hidden units whose products sum to each coefficient, up to ``tolerance``.

    .. math::
        \Big|\sum_{h\in S^\pm_{rj}} B_{rh}\,a_h^\pm \mp W_{rj}\Big| \le \tau
        \qquad\text{for all } r, j

    Input $j$ owns $n$ hidden units for its positive half and, if inputs are signed,
    the next $n$ for its negative half.  A unit is *live* if the weight with which it reads
    its input has the sign of the half, and only live units are chosen.  All rows share them.
    A coefficient 0 is hit by the empty subset, exactly and for nothing, unless the size is fixed.

    Parameters
    ----------
    weights : ndarray, shape (rows, in)
        The coefficients $W$; what a row is (an output, or an output and a tap of its kernel)
        does not matter.
    incoming : ndarray, shape (hidden,)
        The weight $a_h$ of each hidden unit to its own input.
    second : ndarray, shape (rows, hidden)
        The random coefficients $B$.
    tolerance, size, objective, signed : float, int or None, str, bool
        As for :func:`slth.constructions.dense_masks`.

    Returns
    -------
    ndarray of bool, shape (rows, hidden)

    Raises
    ------
    TicketNotFound
        If some coefficient cannot be approximated; it names the one that is missed by most.
    InstanceTooLarge
        If there are too many live products for the solver.

    Notes
    -----
    Proof of Theorem 3 of Natale et al. 2024.
    """
    if any(map(np.iscomplexobj, (weights, incoming, second))):
        raise ValueError("weights must be real numbers, got complex ones")
    rows, inputs = weights.shape
    halves = 1 + signed
    blocks = (inputs, halves, len(incoming) // (inputs * halves))
    signs = np.array([1.0, -1.0])[:halves]
    own = incoming.astype(np.float64).reshape(blocks) * signs[:, None]
    live = own > 0
    counts = live.sum(axis=2)
    goals = weights.astype(np.float64)[:, :, None] * signs
    outgoing = second.reshape(rows, *blocks)
    chosen = np.zeros(outgoing.shape, np.bool_)
    errors = np.empty(goals.shape)
    # Instances of one length are solved together; the longest first, which may be refused.
    for count in np.unique(counts)[::-1].tolist():
        column, half = np.nonzero(counts == count)
        unit = np.nonzero(live[column, half])[1].reshape(len(column), count)
        place = (column[:, None], half[:, None], unit)
        slopes = outgoing[:, *place] * own[place]
        masks, error = _solve(
            slopes.reshape(rows * len(column), count),
            goals[:, column, half].ravel(),
            tolerance,
            size,
            objective,
        )
        chosen[:, *place] = masks.reshape(rows, *unit.shape)
        errors[:, column, half] = error.reshape(rows, len(column))
    if errors.max() > tolerance:
        row, missed, side = np.unravel_index(int(errors.argmax()), errors.shape)
        raise TicketNotFound(
            Miss(
                index=(int(row), int(missed)),
                half=HALVES[side],
                weight=float(weights[row, missed]),
                tolerance=tolerance,
                error=float(errors[row, missed, side]),
                samples=blocks[2],
                live=int(counts[missed, side]),
            )
        )
    return chosen.reshape(second.shape)


def _solve(
    slopes: NDArray[np.float64],
    goals: NDArray[np.float64],
    tolerance: float,
    size: int | None,
    objective: Objective,
) -> tuple[Bools, NDArray[np.float64]]:
    """Solve many instances; where there are too few products, nothing is chosen."""
    count = slopes.shape[1]
    masks, errors = np.zeros(slopes.shape, np.bool_), np.abs(goals)
    if count == 0 and size is None:
        return masks, errors
    if size is None and not goals.all():
        rest = np.flatnonzero(goals)
        if len(rest):
            masks[rest], errors[rest] = _solve(
                slopes[rest], goals[rest], tolerance, size, objective
            )
        return masks, errors
    if size is not None and size > count:
        return masks, np.full(len(goals), np.inf)
    limit = None if objective == "best" else tolerance
    search = partial(solve_many, size=size, objective=objective, tolerance=limit)
    if size is not None or objective != "feasible" or count <= _FIRST_FEASIBLE:
        solution = search(slopes, goals)
        return solution.masks, solution.errors
    masks = _approach(slopes, goals)
    rest = goals - (slopes * masks).sum(axis=1)
    missed = np.arange(len(goals))
    errors = np.empty(len(goals))
    for window in (_FIRST_FEASIBLE, min(count, MOST_FEASIBLE)):
        solution = search(slopes[missed, :window], rest[missed])
        masks[missed, :window], errors[missed] = solution.masks, solution.errors
        missed = missed[~solution.found]
        if len(missed) == 0:
            break
    for row in np.flatnonzero(masks[:, MOST_FEASIBLE:].any(axis=1)).tolist():
        # Not from the rest, which was rounded.
        errors[row] = abs(fsum([*slopes[row, masks[row]].tolist(), -goals[row]]))
    return masks, errors


def _approach(slopes: NDArray[np.float64], goals: NDArray[np.float64]) -> Bools:
    """Bring large goals within the reach of the first products, by adding later ones.

    A later product is added where it brings the rest closer to zero, as long as the rest is more
    than a share of what the first products of its sign add up to.
    """
    masks = np.zeros(slopes.shape, np.bool_)
    first = slopes[:, :MOST_FEASIBLE] * np.sign(goals)[:, None]
    comfortable = _COMFORTABLE * np.maximum(first, 0.0).sum(axis=1)
    rest = goals.copy()
    for unit in range(MOST_FEASIBLE, slopes.shape[1]):
        far = np.abs(rest) > comfortable
        if not far.any():
            break
        closer = far & (np.abs(rest - slopes[:, unit]) < np.abs(rest))
        masks[closer, unit] = True
        rest[closer] -= slopes[closer, unit]
    return masks
