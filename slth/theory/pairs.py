r"""From one target to all by pairs: fixed-size subset sums from random subset sums.

Of m disjoint pairs $(X_i,X_i')$ take one each.  The sum is $T+\sum_{i\in Q}D_i$ with
$T=\sum_iX_i'$, $D_i=X_i-X_i'$ and any $Q\subseteq[m]$: a random subset sum of any size, in which
every choice has m terms.  The other samples, the *reserve*, supply j more terms and bring the sum
within 1 of the target.  Derived for this project.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slth.arrays import FloatOrFloats
from slth.theory._common import as_floats, between, integers
from slth.theory.coverage import failure_bound, failure_by_bits


@dataclass(frozen=True)
class Triangular:
    r"""Law of $X-X'$ for independent X, X' uniform on [-1, 1]: density $\frac14(2-|x|)$ on [-2, 2].

    Examples
    --------
    >>> law = Triangular()
    >>> law.pdf([0.0, 1.0, 3.0])
    array([0.5 , 0.25, 0.  ])
    >>> law.cdf([-2.0, 0.0, 1.0])
    array([0.   , 0.5  , 0.875])
    """

    def pdf(self, x: ArrayLike) -> FloatOrFloats:
        """Density."""
        return as_floats(np.maximum(2.0 - np.abs(np.asarray(x, dtype=np.float64)), 0.0) / 4.0)

    def cdf(self, x: ArrayLike) -> FloatOrFloats:
        """Distribution function."""
        inside = np.clip(np.asarray(x, dtype=np.float64), -2.0, 2.0)
        tail = (2.0 - np.abs(inside)) ** 2 / 8.0
        return as_floats(np.where(inside < 0, tail, 1.0 - tail))

    def sample(
        self, rng: np.random.Generator | int, shape: int | tuple[int, ...]
    ) -> NDArray[np.float64]:
        """Draw differences of uniform samples."""
        generator = np.random.default_rng(rng)
        return generator.uniform(-1, 1, shape) - generator.uniform(-1, 1, shape)


def mean_distance(covered: ArrayLike) -> float:
    r"""$\frac1{a(2-a)}\int_A\int_{A^c}|x-y|$ for a union A of equal cells of [-1, 1], of length a.

    It is at most 1, with equality for end intervals, and so the differences of pairs have on
    [-1, 1] the drift $\ge\frac12v(1-v)$ of uniform samples.

    Parameters
    ----------
    covered : array_like of bool, shape (cells,)
        Which cells belong to A; some, and not all.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If A is empty or everything.

    Examples
    --------
    >>> mean_distance([True, True, True, False])
    1.0
    >>> round(mean_distance([True, False] * 500), 2)
    0.67
    """
    inside = np.asarray(covered, dtype=bool)
    if inside.all() or not inside.any():
        raise ValueError("the mean distance needs a covered and an uncovered cell")
    # Between different cells the mean distance is that of their centres.
    centres = (np.arange(inside.size) + 0.5) * (2.0 / inside.size) - 1.0
    return float(np.abs(centres[inside][:, None] - centres[~inside]).mean())


def pair_failure(m: int, epsilon: float) -> float:
    r"""Bound on the probability that a $w\in[-1,1]$ is farther than epsilon from all $\sum_QD_i$.

    Parameters
    ----------
    m : int
        Pairs, >= 0.
    epsilon : float
        Tolerance, in (0, 1].

    Returns
    -------
    float
        At most 1.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Derived for this project: differences of pairs satisfy the drift inequality of uniform samples,
    and so the two phases of da Cunha et al. 2023 give the same bound
    (:func:`slth.theory.coverage.failure_bound`).

    Examples
    --------
    >>> round(pair_failure(155, 2**-8) * 2**9, 2)  # half of 2^-8
    0.98
    """
    tolerance = float(between(epsilon, "epsilon", 0.0, 1.0, closed="high"))
    return failure_bound(m, tolerance / 4, partial(failure_by_bits, volume=tolerance / 2))


def steering_failure(
    reserve: ArrayLike, terms: ArrayLike, reach: ArrayLike, fixed: ArrayLike = 0
) -> FloatOrFloats:
    r"""$2\exp\big(-\frac{t^2}{2(R+m)}\big)$, $t=\frac{j(R-j)}{R+1}+1-u$: some y in [-u, u] is far.

    y is far if no j-subset of the reserve of R uniform samples, plus the sum of m further ones, is
    within 1 of it.  Exchange one element after the other to come from the j smallest to the j
    largest; no exchange changes the sum by more than 2, so only the two ends can be short of u.
    The expected sum of the j largest is $\frac{j(R-j)}{R+1}$, and a sample moves it by at most 2:
    McDiarmid's inequality.

    Parameters
    ----------
    reserve, terms : array_like of int
        R, and 0 <= j <= R.
    reach : array_like of float
        u >= 0.
    fixed : array_like of int
        m >= 0.

    Returns
    -------
    float64, broadcast shape
        1 where t <= 0.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Derived for this project.

    Examples
    --------
    >>> bool(steering_failure(300, 200, 17.3) < 0.05)
    True
    """
    held, used = integers(reserve, "reserve", 0), integers(terms, "terms", 0)
    if np.any(used > held):
        raise ValueError(f"the reserve of {reserve!r} samples cannot supply {terms!r} terms")
    target = between(reach, "reach", 0.0, np.inf, closed="low")
    noise = held + integers(fixed, "fixed", 0)
    slack = np.maximum(used * (held - used) / (held + 1.0) + 1.0 - target, 0.0)
    exponent = slack**2 / np.maximum(2.0 * noise, 1.0)
    return as_floats(np.minimum(2.0 * np.exp(-exponent), 1.0))


def all_targets_failure(k: int, epsilon: float) -> float:
    r"""Bound on the probability that 2k uniform samples miss a target in $[-\sqrt k,\sqrt k]$.

    $\min_{m\le k}$ of :func:`pair_failure` of m pairs and :func:`steering_failure` of a reserve of
    $2(k-m)$ samples, of which half are used.

    Parameters
    ----------
    k : int
        Size of the subsets, >= 1.
    epsilon : float
        Tolerance, in (0, 1].

    Returns
    -------
    float
        At most 1; further samples beyond 2k never harm.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Derived for this project; Corollary 1 of Natale et al. 2024 without the square of the logarithm.

    Examples
    --------
    >>> 0 < all_targets_failure(400, 2**-8) < 2**-8
    True
    """
    size = int(integers(k, "size k", 1))
    pairs = np.arange(1, size + 1)
    steering = np.asarray(
        steering_failure(2 * (size - pairs), size - pairs, np.sqrt(size), fixed=pairs)
    )
    best = 1.0
    # From the fewest pairs on, steering only gets worse and covering only better.
    for m in pairs[steering < 1.0].tolist():
        if steering[m - 1] >= best:
            break
        best = min(best, float(steering[m - 1]) + pair_failure(m, epsilon))
    return best


def required_size(epsilon: float) -> int:
    r"""Smallest $k_0$ from which on 2k samples miss a target with probability at most epsilon.

    Parameters
    ----------
    epsilon : float
        Tolerance and probability, in (0, 1].

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If epsilon is out of range.

    Notes
    -----
    The smallest k with :func:`all_targets_failure` at most epsilon.  Derived for this project.

    Examples
    --------
    >>> required_size(2**-4), required_size(2**-8)
    (225, 373)
    """
    tolerance = float(between(epsilon, "epsilon", 0.0, 1.0, closed="high"))
    high = 1
    while all_targets_failure(high, tolerance) > tolerance:
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        if all_targets_failure(middle, tolerance) <= tolerance:
            high = middle
        else:
            low = middle
    return high
