r"""Random subset sum: $\log_2(1/\varepsilon)$ samples instead of $1/\varepsilon$ trials.

Lueker 1998; da Cunha, d'Amore, Giroire, Lesfari, Natale and Viennot, "Revisiting the random subset
sum problem", ESA 2023.
"""

import numpy as np
from numpy.typing import ArrayLike

from slth.arrays import FloatOrFloats, IntOrInts
from slth.theory import _success
from slth.theory._common import as_floats, as_ints, between, integers
from slth.theory.entropy import log2_binomial
from slth.theory.laws import SumLaw, Uniform

_UNIFORM = Uniform()


def trials_for_one_sample(
    epsilon: ArrayLike, failure: ArrayLike, z: ArrayLike = 0.0, law: SumLaw = _UNIFORM
) -> IntOrInts:
    r"""Smallest n with $(1-p)^n\le\delta$, $p=\Pr(|X-z|\le\varepsilon)$: one weight by rejection.

    For Uniform[-1, 1] and z well inside, $p=\varepsilon$ and
    $n\approx\frac1\varepsilon\ln\frac1\delta$.

    Parameters
    ----------
    epsilon, failure : array_like of float
        Tolerance > 0, and the failure probability allowed, in (0, 1).
    z : array_like of float
        Target.
    law : SumLaw
        Law of one sample.

    Returns
    -------
    int64, broadcast shape

    Raises
    ------
    ValueError
        If an argument is out of range, or one sample cannot reach z within epsilon.

    Notes
    -----
    The case k = 1 of random fixed-size subset sum, exactly: one sample for each weight, as in
    Malach et al. 2020.

    Examples
    --------
    >>> trials_for_one_sample([0.1, 0.01, 0.001], 0.5)
    array([  7,  69, 693])
    """
    allowed = between(failure, "failure", 0.0, 1.0)
    tolerance, targets = np.broadcast_arrays(
        between(epsilon, "epsilon", 0.0, np.inf), np.asarray(z, dtype=np.float64)
    )
    one = np.ones(targets.shape, dtype=np.int64)
    probability = np.asarray(_success.hit_probability(one, targets, tolerance, law))
    if np.any(probability == 0):
        raise ValueError("one sample cannot reach z within epsilon")
    with np.errstate(divide="ignore"):
        trials = np.log(allowed) / np.log1p(-probability)
    # An exact power must not be pushed over the next integer by rounding.
    return as_ints(np.maximum(np.ceil(trials * (1 - 1e-14)), 1))


def sample_floor(epsilon: ArrayLike) -> FloatOrFloats:
    r"""$\log_2(1/\varepsilon)$: fewer samples never serve all of $[-1,1]$ within $\varepsilon$.

    $2^n$ subsets cover at most $2^n\cdot2\varepsilon$ of the interval's length 2.

    Parameters
    ----------
    epsilon : array_like of float
        Tolerance, 0 < epsilon <= 1.

    Returns
    -------
    float64, shape of epsilon

    Raises
    ------
    ValueError
        If epsilon is out of range.

    Notes
    -----
    Counting; it holds for every sample whatsoever, with probability one.

    Examples
    --------
    >>> float(sample_floor(1 / 1024))
    10.0
    """
    return -np.log2(between(epsilon, "epsilon", 0.0, 1.0, closed="high"))


def success_bound(n: ArrayLike, epsilon: ArrayLike, constant: float) -> FloatOrFloats:
    r"""$1-\exp\big(-\frac{(n-A)^2}{4n}\big)$ for $n\ge A=C\log_2\frac1\varepsilon$, else 0.

    With at least this probability every target in the interval has a subset within $2\varepsilon$.

    Parameters
    ----------
    n : array_like of int
        Samples, >= 1.
    epsilon : array_like of float
        Half the tolerance, 0 < epsilon < 1.
    constant : float
        The theorem's constant C > 0.  The theorem asserts that some C works and names none.

    Returns
    -------
    float64, broadcast shape

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    The theorem of da Cunha et al. 2023 as later papers restate it (second-hand; not compared with
    the original).

    Examples
    --------
    >>> success_bound([10, 100], 0.5, 10.0).round(3)
    array([0., 1.])
    """
    samples = integers(n, "n", 1)
    need = _needed(epsilon, constant)
    excess = np.maximum(samples - need, 0.0)
    return as_floats(-np.expm1(-(excess**2) / (4.0 * samples)))


def required_samples(epsilon: ArrayLike, failure: ArrayLike, constant: float) -> IntOrInts:
    r"""$\lceil A+2L+2\sqrt{L^2+AL}\rceil$: the n at which :func:`success_bound` reaches $1-\delta$.

    Here $A=C\log_2\frac1\varepsilon$ and $L=\ln\frac1\delta$.

    Parameters
    ----------
    epsilon : array_like of float
        Half the tolerance, 0 < epsilon < 1.
    failure : array_like of float
        Allowed failure probability delta, in (0, 1).
    constant : float
        The theorem's constant C > 0.

    Returns
    -------
    int64, broadcast shape

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Larger root of $(n-A)^2=4nL$; the bound is that of da Cunha et al. 2023 (second-hand).

    Examples
    --------
    >>> n = required_samples(1e-3, 0.01, 4.0)
    >>> bool(success_bound(n, 1e-3, 4.0) >= 0.99 > success_bound(n - 1, 1e-3, 4.0))
    True
    """
    need = _needed(epsilon, constant)
    bits = -np.log(between(failure, "failure", 0.0, 1.0))
    return as_ints(np.ceil(need + 2 * bits + 2 * np.sqrt(bits**2 + need * bits)))


def expected_hits(
    n: ArrayLike, z: ArrayLike, epsilon: ArrayLike, law: SumLaw = _UNIFORM
) -> FloatOrFloats:
    r"""$\mathbb E[Y]=\sum_{k=0}^n\binom nk\Pr(|X_1+\dots+X_k-z|\le\varepsilon)$ exactly.

    Subsets of any size count.  The empty subset has sum 0.

    Parameters
    ----------
    n : array_like of int
        Samples, >= 0.
    z, epsilon : array_like of float
        Target, and tolerance > 0.
    law : SumLaw
        Law of one sample.

    Returns
    -------
    float64, broadcast shape

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    First moment, from the exact laws of the sums; derived for this project.

    Examples
    --------
    >>> float(expected_hits(0, 0.0, 0.1)), round(float(expected_hits(1, 0.0, 0.1)), 12)
    (1.0, 1.1)
    """
    samples, targets, tolerances = np.broadcast_arrays(
        integers(n, "n", 0),
        np.asarray(z, dtype=np.float64),
        between(epsilon, "epsilon", 0.0, np.inf),
    )
    hits = (np.abs(targets) <= tolerances).astype(np.float64)
    for k in range(1, int(samples.max(initial=0)) + 1):
        sizes = np.full(samples.shape, k, dtype=np.int64)
        probability = _success.hit_probability(sizes, targets, tolerances, law)
        subsets = np.exp2(log2_binomial(np.maximum(samples, k), k))
        hits = hits + np.where(samples >= k, subsets * probability, 0.0)
    return as_floats(hits)


def success_probability(
    n: ArrayLike, z: ArrayLike, epsilon: ArrayLike, law: SumLaw = _UNIFORM
) -> FloatOrFloats:
    r"""$\Pr(Y>0)\approx\mathbb E[1-e^{-\mu}]$, the conditional Poisson law for subsets of any size.

    Here $\mu=2^n2\varepsilon\,\phi\big((z-\frac n2\bar X)/\sqrt v\big)/\sqrt v$ with $v=\frac14\sum
    X_i^2$, averaged over the sample mean and variance by deterministic quadrature.

    Parameters
    ----------
    n : array_like of int
        Samples, >= 2.
    z, epsilon : array_like of float
        Target, and tolerance > 0.
    law : SumLaw
        Law of one sample, symmetric about its mean.

    Returns
    -------
    float64, broadcast shape

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Derived for this project and heuristic, not a bound.  It is good to about 0.03 in probability;
    it knows the sample by two moments only, so where misses are rare (samples that can hardly reach
    z) it underestimates them.

    Examples
    --------
    >>> success_probability([10, 30], 0.5, 1e-5).round(1)
    array([0., 1.])
    """
    samples, targets, tolerances = np.broadcast_arrays(
        integers(n, "n", 2),
        np.asarray(z, dtype=np.float64),
        between(epsilon, "epsilon", 0.0, np.inf),
    )
    return as_floats(1.0 - _success.failure_any_size(samples, targets, tolerances, law))


def _needed(epsilon: ArrayLike, constant: float) -> FloatOrFloats:
    scale = between(constant, "constant", 0.0, np.inf)
    return -scale * np.log2(between(epsilon, "epsilon", 0.0, 1.0))
