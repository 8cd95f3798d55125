r"""One logarithm by groups: all targets with exactly k terms, for every k.

The window is $W=[-\frac14,\frac14]$, and $v=2|A|$ the fraction of it that a set A covers.  A
*group* is a reference y, $|y|\le\frac12$, and m uniform samples; it replaces A by
$A'=A\cup\bigcup_l((A+X_l-y)\cap W)$: "take the reference, or one of the others instead of it", one
term in any case.  A row of groups covers nearly all of W, and a reserve brings the target there.
Derived for this project; :mod:`slth.theory.groups_program` is the proof as a program.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom, poisson

from slth.arrays import FloatOrFloats
from slth.theory._common import as_floats, between, integers, smallest_integer

CELLS = 8
"""The reserve is sorted into so many cells of [-1, 1]."""

MOST_CELLS = 16  # of the window, for exact laws: 65,536 sets


@dataclass(frozen=True)
class GroupPlan:
    r"""How the samples are used: $n_0$ in reserve, and $K=K_1+K_2$ groups of m each.

    Of $k=K+j$ terms each group gives one, and the reserve j.

    Parameters
    ----------
    terms : int
        k >= 1.
    reserve : int
        $n_0\ge8k$: every cell can hold k samples.
    groups : int
        K, 0 <= K <= k.
    growing : int
        $K_1\le K$ of them make the covered part grow, the others fill it.
    members : int
        m >= 1.

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> plan = GroupPlan(terms=16, reserve=231, groups=7, growing=4, members=26)
    >>> plan.steering, plan.samples, round(plan.reach, 2)
    (9, 413, 6.5)
    """

    terms: int
    reserve: int
    groups: int
    growing: int
    members: int

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        integers(self.terms, "terms k", 1)
        integers(self.reserve, "reserve", CELLS * self.terms)
        integers(self.members, "members m of a group", 1)
        between(self.groups, "groups", 0, self.terms, closed="low high")
        between(self.growing, "growing", 0, self.groups, closed="low high")

    @property
    def steering(self) -> int:
        """$j=k-K$ terms from the reserve."""
        return self.terms - self.groups

    @property
    def samples(self) -> int:
        """$n_0+Km$."""
        return self.reserve + self.groups * self.members

    @property
    def reach(self) -> float:
        r"""$\frac34j-\frac14$: targets up to there are served, whatever the references."""
        return 0.75 * self.steering - 0.25


def halves(n: int, k: int) -> GroupPlan:
    r"""$n_0=\lfloor\frac n2\rfloor$, $K=\lfloor\frac k2\rfloor$, $K_1=\lfloor\frac K2\rfloor$.

    The groups have $m=\lfloor\frac nk\rfloor$ samples each, so that all n are enough.

    Parameters
    ----------
    n, k : int
        Samples, and terms: k >= 1 and n >= 16 k.

    Returns
    -------
    GroupPlan

    Raises
    ------
    ValueError
        If n is below 16 k.

    Notes
    -----
    The choice in the proof of Theorem 1.

    Examples
    --------
    >>> halves(5648, 16)
    GroupPlan(terms=16, reserve=2824, groups=8, growing=4, members=353)
    """
    return GroupPlan(k, n // 2, k // 2, k // 4, n // k)


def growth(theta: ArrayLike = 1.0) -> FloatOrFloats:
    r"""$c_\theta=\frac{1-e^{-\theta}}{4\theta}$: a group multiplies v by $c_\theta m$ on average.

    Parameters
    ----------
    theta : array_like of float
        As long as $mv\le4\theta$; theta > 0.

    Returns
    -------
    float64, shape of theta

    Raises
    ------
    ValueError
        If theta is not positive.

    Notes
    -----
    Lemma 1, $1-(1-\frac v4)^m\ge c_\theta mv$.

    Examples
    --------
    >>> round(float(growth()), 3)
    0.158
    """
    span = between(theta, "theta", 0.0, np.inf)
    return as_floats(-np.expm1(-span) / (4.0 * span))


def expected_uncovered(m: ArrayLike, v: ArrayLike) -> FloatOrFloats:
    r"""$\mathbb E[1-v']=(1-v)(1-\frac v4)^m$: Lemma 1(a).

    Parameters
    ----------
    m : array_like of int
        Samples of the group, >= 0.
    v : array_like of float
        Covered fraction in [0, 1].

    Returns
    -------
    float64, broadcast shape

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> float(expected_uncovered(2, 0.5))
    0.3828125
    """
    covered = between(v, "v", 0.0, 1.0, closed="low high")
    return as_floats((1.0 - covered) * (1.0 - covered / 4.0) ** integers(m, "m", 0))


def group_failure(m: ArrayLike, theta: float = 1.0, beta: float = 1 / 16) -> FloatOrFloats:
    r"""$q=e^{-2(c_\theta-\beta)^2m}$: bound on $\Pr[v'<\min(\beta mv,4\theta\beta)]$, Lemma 1(b).

    Parameters
    ----------
    m : array_like of int
        Samples of the group, >= 0.
    theta, beta : float
        theta > 0 and 0 < beta < $c_\theta$.

    Returns
    -------
    float64, shape of m
        Below $e^{-m/55}$ for theta = 1 and beta = 1/16.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    McDiarmid's inequality for the copies of a part of A: one sample moves v by at most v.

    Examples
    --------
    >>> bool(group_failure(55) < 1 / np.e)
    True
    """
    mean = float(growth(theta))
    gain = between(beta, "beta", 0.0, mean)
    return as_floats(np.exp(-2.0 * (mean - gain) ** 2 * integers(m, "m", 0)))


def union_law(copies: ArrayLike, m: int, cells: int) -> NDArray[np.float64]:
    r"""Law of $U_1\cup\dots\cup U_m$, each $U_l$ drawn from the same list of sets of cells.

    $\Pr[\bigcup U_l\subseteq S]=\Pr[U_1\subseteq S]^m$, and the law follows by inclusion and
    exclusion.

    Parameters
    ----------
    copies : array_like of int, shape (..., r)
        r equally likely sets; bit i of a set is cell i.
    m : int
        Sets that are drawn, >= 1.
    cells : int
        1 to 16.

    Returns
    -------
    float64 array, shape (..., 2**cells)
        Entry S is the probability of the union S; no rounding for r a power of two, $r^m\le2^{53}$.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> union_law([0b01, 0b10], 2, 2)
    array([0.  , 0.25, 0.25, 0.5 ])
    """
    drawn = int(integers(m, "m", 1))
    count = int(between(integers(cells, "cells", 1), "cells", 0, MOST_CELLS, closed="high"))
    sets = between(copies, "copies", 0, 2**count, closed="low").astype(np.int64)
    shape = sets.shape[:-1]
    law = np.zeros((sets[..., 0].size, 2**count))
    np.add.at(law, (np.arange(len(law))[:, None], sets.reshape(len(law), -1)), 1 / sets.shape[-1])

    def over_subsets(values: NDArray[np.float64], sign: float) -> None:
        for bit in range(count):
            pair = values.reshape(len(values), -1, 2, 2**bit)
            pair[:, :, 1] += sign * pair[:, :, 0]

    over_subsets(law, 1.0)
    law **= drawn
    over_subsets(law, -1.0)
    return law.reshape(*shape, -1)


def group_copies(
    covered: ArrayLike, cells: int, reference: int = 0, step: int = 1
) -> NDArray[np.int64]:
    r"""$(A+X-y)\cap W$ for every X of a lattice in [-1, 1), W being cut into equal cells.

    Parameters
    ----------
    covered : array_like of int, shape (...)
        Sets A of cells; bit i is cell i, the leftmost cell first.
    cells : int
        1 to 16; samples are whole numbers of cells, and a unit has 2 * cells of them.
    reference : int
        y in cells; $|y|\le\frac12$ is ``abs(reference) <= cells``.
    step : int
        Only samples that are multiples of so many cells; it divides 2 * cells.

    Returns
    -------
    int64 array, shape (..., 4 * cells / step)

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> group_copies([0b11, 0b01], 2)
    array([[0, 0, 0, 1, 3, 2, 0, 0],
           [0, 0, 0, 0, 1, 2, 0, 0]])
    """
    count = int(between(integers(cells, "cells", 1), "cells", 0, MOST_CELLS, closed="high"))
    sets = between(covered, "covered", 0, 2**count, closed="low").astype(np.int64)
    stride = int(integers(step, "step", 1))
    if 2 * count % stride:
        raise ValueError(f"step must divide {2 * count}, got {step}")
    shifts = np.clip(np.arange(-2 * count, 2 * count, stride) - reference, -count, count)
    moved = [sets << d if d >= 0 else sets >> -d for d in shifts.tolist()]
    inside: NDArray[np.int64] = np.stack(moved, axis=-1) & (2**count - 1)
    return inside


def growth_failure(
    covered: ArrayLike, cells: int, m: int, beta: float = 1 / 16, step: int = 1
) -> float:
    r"""$\max_A\Pr[v'<\min(\beta mv,4\beta)]$ over some sets of cells, by exact laws.

    Parameters
    ----------
    covered, cells, step : array_like or int
        Sets A, the window's cells, and the lattice of samples, as in :func:`group_copies`.
    m : int
        Samples of the group, >= 1.
    beta : float
        Growth that is asked for, > 0.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    What Lemma 1(b) bounds by :func:`group_failure`; with reference 0.

    Examples
    --------
    >>> growth_failure([1], 16, 64) < float(group_failure(64))
    True
    """
    sets = np.asarray(covered)
    law = union_law(group_copies(sets, cells, 0, step), m, cells)
    v = np.bitwise_count(sets) / cells
    after = np.bitwise_count(sets[..., None] | np.arange(2**cells)) / cells
    gain = float(between(beta, "beta", 0.0, np.inf))
    short = after < np.minimum(gain * m * v, 4.0 * gain)[..., None] - 1e-12
    return float((law * short).sum(axis=-1).max())


def reserve_failure(n0: ArrayLike, k: ArrayLike) -> FloatOrFloats:
    r"""$8\Pr[\mathrm{Bin}(n_0,\frac18)<k]$: some cell of the reserve has fewer than k samples.

    Parameters
    ----------
    n0, k : array_like of int
        Samples in reserve, >= 0, and terms, >= 1.

    Returns
    -------
    float64, broadcast shape
        At most 1.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Lemma 3: if every cell has k, then $|z-T|\le\frac34j$ is reached within a quarter.

    Examples
    --------
    >>> round(float(reserve_failure(256, 16)), 6)
    0.002743
    """
    held, size = integers(n0, "n0", 0), integers(k, "size k", 1)
    return as_floats(np.minimum(CELLS * binom.cdf(size - 1, held, 1 / CELLS), 1.0))


def short_cell(n0: int, k: int) -> float:
    r"""$\Pr[\min_iN_i<k]$ for the numbers $N_1,\dots,N_8$ of samples in the cells, exactly.

    Parameters
    ----------
    n0, k : int
        Samples in reserve, >= 0, and terms, >= 1.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    The counts are independent Poisson variables, given their sum.

    Examples
    --------
    >>> round(short_cell(256, 16), 6)
    0.002742
    """
    held, size = int(integers(n0, "n0", 0)), int(integers(k, "size k", 1))
    one = poisson.pmf(np.arange(held + 1), held / CELLS)
    one[:size] = 0.0
    for _ in range(3):  # 2^3 cells
        one = np.convolve(one, one)[: held + 1]
    return float(1.0 - one[held] / poisson.pmf(held, held))


def successes_needed(m: int, epsilon: float, theta: float = 1.0, beta: float = 1 / 16) -> int:
    r"""$s=\max(0,\lceil\log\frac{2\theta\beta}\varepsilon/\log(\beta m)\rceil)$.

    Parameters
    ----------
    m : int
        Samples of a group, $\beta m>1$.
    epsilon : float
        Tolerance, in (0, 1/2].
    theta, beta : float
        As in :func:`group_failure`.

    Returns
    -------
    int
        Groups that must do what Lemma 1(b) says, to grow from $v_0=2\varepsilon$ to
        $4\theta\beta$.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> successes_needed(353, 2**-16)
    3
    """
    tolerance = float(between(epsilon, "epsilon", 0.0, 0.5, closed="high"))
    rate = float(between(beta * int(integers(m, "m", 1)), "beta m", 1.0, np.inf))
    return max(0, int(np.ceil(np.log(2.0 * theta * beta / tolerance) / np.log(rate))))


def failure_bound(
    plan: GroupPlan, epsilon: float, theta: float = 1.0, beta: float = 1 / 16
) -> float:
    r"""$8\Pr[\mathrm{Bin}(n_0,\frac18)<k]+\Pr[\mathrm{Bin}(K_1,1-q)<s]+\dots$: Theorem G.

    The third term is $\frac{1-4\theta\beta}\varepsilon(1-\theta\beta)^{mK_2}$.  All targets up to
    ``plan.reach`` are served within epsilon, except with at most this probability.

    Parameters
    ----------
    plan : GroupPlan
        How the samples are used.
    epsilon : float
        Tolerance, in (0, 1/2].
    theta, beta : float
        As in :func:`group_failure`.

    Returns
    -------
    float
        At most 1; and 1 where $\beta m\le1$, so that groups need not grow.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> failure_bound(halves(5648, 16), 2**-16) <= 2**-16
    True
    >>> failure_bound(halves(5647, 16), 2**-16) <= 2**-16
    False
    """
    tolerance = float(between(epsilon, "epsilon", 0.0, 0.5, closed="high"))
    failing = float(group_failure(plan.members, theta, beta))
    if beta * plan.members <= 1:
        return 1.0
    wanted = successes_needed(plan.members, tolerance, theta, beta)
    growing = float(binom.cdf(wanted - 1, plan.growing, 1.0 - failing))
    filling = (1.0 - theta * beta) ** (plan.members * (plan.groups - plan.growing))
    open_yet = (1.0 - 4.0 * theta * beta) / tolerance * filling
    return min(1.0, float(reserve_failure(plan.reserve, plan.terms)) + growing + open_yet)


def least_samples(k: int, epsilon: float) -> int:
    r"""Smallest n at which the bound of Theorem G, with :func:`halves`, is at most epsilon.

    Parameters
    ----------
    k : int
        Terms, with $\frac34\lceil\frac k2\rceil\ge\sqrt k+\frac14$: 9 is the first such k.
    epsilon : float
        Tolerance and probability, in (0, 1/2].

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If epsilon is out of range, or targets up to $\sqrt k$ are beyond the plan's reach.

    Examples
    --------
    >>> least_samples(16, 2**-16)
    5648
    """
    size = int(integers(k, "size k", 1))
    if halves(16 * size, size).reach < np.sqrt(size):
        raise ValueError(f"half of k={k} terms do not reach the root of k")

    def enough(n: NDArray[np.int64]) -> NDArray[np.bool_]:
        return np.asarray(failure_bound(halves(int(n), size), epsilon) <= epsilon)

    high = 16 * size
    while not enough(np.asarray(high)):
        high *= 2
    return int(smallest_integer(enough, np.asarray(16 * size), np.asarray(high)))
