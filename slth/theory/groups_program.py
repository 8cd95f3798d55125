r"""The proof by groups as a program: it returns k different indices, and its steps can be drawn.

The reserve is sorted into 8 cells of [-1, 1]; it gives the references and, one exchange after the
other, sums of j terms that are nowhere far apart.  Groups make an interval around 0 grow until it
covers $W=[-\frac14,\frac14]$.  For a target one then goes back through the groups.  No subset is
searched for.  Derived for this project.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slth.theory._common import between
from slth.theory.groups import CELLS, GroupPlan

WINDOW = 0.25
"""The groups cover [-1/4, 1/4]."""


class ShortCellError(ValueError):
    """A cell of the reserve has too few samples: one of the draws that Theorem G lets fail."""


@dataclass(frozen=True, eq=False)
class Intervals:
    """Disjoint closed intervals within the window, from left to right.

    Parameters
    ----------
    low, high : float64 array, shape (r,)
        Their ends.

    Examples
    --------
    >>> covered = around_zero(0.125)
    >>> covered.fraction, covered.nearest([0.0, 0.25])
    (0.5, array([0.   , 0.125]))
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @property
    def fraction(self) -> float:
        """$v$, the covered part of the window."""
        return float((self.high - self.low).sum() / (2.0 * WINDOW))

    def nearest(self, points: ArrayLike) -> NDArray[np.float64]:
        """Nearest point of the intervals; a point inside is its own."""
        z = np.asarray(points, dtype=np.float64)
        here = np.maximum(np.searchsorted(self.low, z, side="right") - 1, 0)
        inside = np.clip(z, self.low[here], self.high[here])
        following = self.low[np.minimum(here + 1, self.low.size - 1)]
        return np.where(np.abs(following - z) < np.abs(inside - z), following, inside)


def around_zero(radius: float) -> Intervals:
    r"""$A_0=[-r,r]$.

    Parameters
    ----------
    radius : float
        r, in (0, 1/4]: half the tolerance.

    Returns
    -------
    Intervals

    Raises
    ------
    ValueError
        If the radius is out of range.

    Examples
    --------
    >>> around_zero(0.125).fraction
    0.5
    """
    end = float(between(radius, "radius", 0.0, WINDOW, closed="high"))
    return Intervals(np.array([-end]), np.array([end]))


def spread(covered: Intervals, shifts: ArrayLike) -> Intervals:
    r"""$A\cup\bigcup_l((A+d_l)\cap W)$: what a group with $d_l=X_l-y$ makes of A.

    Parameters
    ----------
    covered : Intervals
        A.
    shifts : array_like of float, shape (m,)
        Samples minus reference.

    Returns
    -------
    Intervals

    Examples
    --------
    >>> spread(around_zero(0.0625), [0.125, 0.25, 3.0])
    Intervals(low=array([-0.0625]), high=array([0.25]))
    """
    moves = np.append(0.0, np.asarray(shifts, dtype=np.float64))
    low = np.maximum(covered.low + moves[:, None], -WINDOW).ravel()
    high = np.minimum(covered.high + moves[:, None], WINDOW).ravel()
    order = np.flatnonzero(low < high)
    order = order[np.argsort(low[order])]
    low, reached = low[order], np.maximum.accumulate(high[order])
    new = np.append(True, low[1:] > reached[:-1])
    return Intervals(low[new], reached[np.append(np.flatnonzero(new)[1:] - 1, -1)])


@dataclass(frozen=True, eq=False)
class Prepared:
    r"""What the program knows before it sees a target.

    Parameters
    ----------
    x : float64 array, shape (n,)
        The samples: first the reserve, then group after group.
    plan : GroupPlan
        How they are used.
    references : int64 array, shape (K,)
        Indices of the references $y_i$.
    order : int64 array, shape (8 j,)
        j samples of each cell; the exchange slides a window of j along it.
    way : float64 array, shape (7 j + 1,)
        The sums in that window, rising by at most one half.
    covered : tuple of Intervals
        $A_0,\dots,A_K$.
    """

    x: NDArray[np.float64]
    plan: GroupPlan
    references: NDArray[np.int64]
    order: NDArray[np.int64]
    way: NDArray[np.float64]
    covered: tuple[Intervals, ...]

    @property
    def uncovered(self) -> float:
        """$1-v$ after the last group; below epsilon every target within reach is served."""
        return 1.0 - self.covered[-1].fraction


@dataclass(frozen=True, eq=False)
class Choice:
    """The k terms that the program chose for one target.

    Parameters
    ----------
    indices : int64 array, shape (k,)
        All different.
    step : int
        So many exchanges were made in the reserve.
    taken : int64 array, shape (K,)
        Which sample of each group stands in for its reference; -1 where the reference stays.
    path : float64 array, shape (K + 1,)
        The point of the window that each group reaches, from $A_0$ to near the target.
    error : float
        Distance of their sum from the target.
    """

    indices: NDArray[np.int64]
    step: int
    taken: NDArray[np.int64]
    path: NDArray[np.float64]
    error: float


def prepare(x: ArrayLike, plan: GroupPlan, epsilon: float) -> Prepared:
    r"""Sort the reserve, choose references with $|T|\le\frac14$, and let the groups grow.

    Parameters
    ----------
    x : array_like of float, shape (n,)
        Samples in [-1, 1], at least ``plan.samples``.
    plan : GroupPlan
        How they are used.
    epsilon : float
        Tolerance, in (0, 1/2].

    Returns
    -------
    Prepared

    Raises
    ------
    ShortCellError
        If a cell of the reserve has fewer than k samples.
    ValueError
        If the samples are too few or out of range.

    Notes
    -----
    Lemma 3 and the first half of the proof of Theorem G.

    Examples
    --------
    >>> from slth.theory.groups import halves
    >>> x = np.random.default_rng(1).uniform(-1, 1, 2016)
    >>> prepare(x, halves(2016, 16), 2**-8).uncovered < 2**-8
    True
    """
    samples = between(x, "x", -1.0, 1.0, closed="low high")
    if samples.ndim != 1 or samples.size < plan.samples:
        raise ValueError(f"the plan needs {plan.samples} samples, got shape {samples.shape}")
    tolerance = float(between(epsilon, "epsilon", 0.0, 0.5, closed="high"))
    cells = _cells(samples[: plan.reserve], plan.terms)
    references, total = np.empty(plan.groups, dtype=np.int64), 0.0
    for i in range(plan.groups):
        references[i] = cells[CELLS // 2 if total <= 0 else CELLS // 2 - 1].pop()
        total += samples[references[i]]
    order = np.array([cell[: plan.steering] for cell in cells], dtype=np.int64).ravel()
    partial = np.append(0.0, np.cumsum(samples[order]))
    way = partial[plan.steering :] - partial[: partial.size - plan.steering]
    covered = [around_zero(tolerance / 2)]
    for group, y in zip(_groups(samples, plan), samples[references], strict=True):
        covered.append(spread(covered[-1], group - y))
    return Prepared(samples, plan, references, order, way, tuple(covered))


def choose(prepared: Prepared, z: float) -> Choice:
    r"""Choose k different indices whose sum is near z.

    The reserve brings the target into the window; from there the nearest covered point goes back
    through the groups, to the interval around 0.

    Parameters
    ----------
    prepared : Prepared
        Samples, and what the groups cover.
    z : float
        Target; within ``plan.reach``, and with ``prepared.uncovered`` below epsilon, the error is
        below epsilon.

    Returns
    -------
    Choice

    Notes
    -----
    Second half of the proof of Theorem G.

    Examples
    --------
    >>> from slth.theory.groups import halves
    >>> x = np.random.default_rng(1).uniform(-1, 1, 2016)
    >>> choice = choose(prepare(x, halves(2016, 16), 2**-8), 3.9)
    >>> len(set(choice.indices.tolist())), choice.error < 2**-8
    (16, True)
    """
    x, plan = prepared.x, prepared.plan
    left = z - x[prepared.references].sum()
    step = int(np.abs(left - prepared.way).argmin())
    path = np.empty(plan.groups + 1)
    path[-1] = prepared.covered[-1].nearest(left - prepared.way[step])
    taken = np.empty(plan.groups, dtype=np.int64)
    for i, group in reversed(list(enumerate(_groups(x, plan)))):
        # First the reference, then the others: which of them came from what was covered before?
        origins = path[i + 1] - np.append(0.0, group - x[prepared.references[i]])
        taken[i] = np.abs(prepared.covered[i].nearest(origins) - origins).argmin() - 1
        path[i] = origins[taken[i] + 1]
    of_groups = plan.reserve + plan.members * np.arange(plan.groups) + taken
    indices = np.concatenate(
        (
            prepared.order[step : step + plan.steering],
            np.where(taken < 0, prepared.references, of_groups),
        )
    )
    return Choice(indices, step, taken, path, abs(math.fsum(x[indices]) - z))


def serves(x: ArrayLike, plan: GroupPlan, epsilon: float) -> bool:
    r"""Whether all targets within ``plan.reach`` are served: full cells, and $1-v<\varepsilon$.

    Parameters
    ----------
    x, plan, epsilon : array_like, GroupPlan or float
        As for :func:`prepare`.

    Returns
    -------
    bool

    Raises
    ------
    ValueError
        If the samples are too few or out of range.

    Examples
    --------
    >>> from slth.theory.groups import halves
    >>> serves(np.random.default_rng(1).uniform(-1, 1, 2016), halves(2016, 16), 2**-8)
    True
    """
    try:
        return prepare(x, plan, epsilon).uncovered < epsilon
    except ShortCellError:
        return False


def _groups(x: NDArray[np.float64], plan: GroupPlan) -> NDArray[np.float64]:
    """Return the samples of the groups, shape (K, m)."""
    return x[plan.reserve : plan.samples].reshape(plan.groups, plan.members)


def _cells(reserve: NDArray[np.float64], needed: int) -> list[list[int]]:
    """Return the indices of the reserve by cells of [-1, 1], from left to right."""
    cell = np.minimum((reserve + 1.0) * (CELLS / 2), CELLS - 1).astype(np.int64)
    counts = np.bincount(cell, minlength=CELLS)
    if counts.min() < needed:
        raise ShortCellError(
            f"cell {counts.argmin()} of the reserve holds {counts.min()} samples, needs {needed}"
        )
    return [np.flatnonzero(cell == c).tolist() for c in range(CELLS)]
