r"""When are all targets hit: the law of the cover time, exactly for one term, predicted for more.

All targets of an interval are hit within $\varepsilon$ if and only if no gap between neighbouring
sums is wider than $2\varepsilon$.  Corollary 1 of Natale, Ferré, Giambartolomei, Giroire and
Mallmann-Trenn (NeurIPS 2024) gives an n that is large enough.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from slth.arrays import FloatOrFloats
from slth.theory import _success
from slth.theory._common import as_floats, between, integers, sizes_and_samples
from slth.theory.entropy import log2_binomial
from slth.theory.laws import SumLaw, Uniform
from slth.theory.rfss import first_moment_bits

_UNIFORM = Uniform()
_LN2 = np.log(2.0)
_TARGETS = 101  # nodes for the integral over the targets


def one_term_cover_probability(n: int, epsilon: float) -> float:
    r"""$\sum_{i,j}(-1)^{i+j}\binom{n-1}i\binom2j(1-i\varepsilon-j\frac\varepsilon2)_+^n$: k = 1.

    The probability that each target in [-1, 1] has one of n uniform samples within epsilon: the
    n - 1 inner gaps must be at most $2\varepsilon$ wide, the two at the ends at most $\varepsilon$.

    Parameters
    ----------
    n : int
        Samples, >= 1.
    epsilon : float
        Tolerance, 0 < epsilon < 1.

    Returns
    -------
    float
        Set to 0 where it is below 1e-8, because the alternating sum then loses its digits.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    The law of uniform spacings (inclusion and exclusion over the gaps that are too wide).

    Examples
    --------
    >>> one_term_cover_probability(2, 0.5)  # only the samples -1/2 and 1/2 would do
    0.0
    >>> round(one_term_cover_probability(12, 0.25), 3)
    0.368
    """
    samples = int(integers(n, "n", 1))
    tolerance = float(between(epsilon, "epsilon", 0.0, 1.0))
    if (samples - 1) * (1.0 - tolerance) ** samples > 20.0:
        return 0.0
    terms = []
    for j in range(3):
        for i in range(samples):
            rest = 1.0 - (i + j / 2) * tolerance
            if rest <= 0.0:
                break
            log_count = math.lgamma(samples) - math.lgamma(i + 1) - math.lgamma(samples - i)
            term = math.comb(2, j) * math.exp(log_count + samples * math.log(rest))
            terms.append(-term if (i + j) % 2 else term)
            if i > 60 and term < 1e-20:
                break
    total = math.fsum(terms)
    return total if total > 1e-8 else 0.0


def cover_probability(n: int, k: int, epsilon: float, law: SumLaw = _UNIFORM) -> float:
    r"""$\Pr(\text{all of }[-\sqrt k,\sqrt k]\text{ is hit})\approx\mathbb E[e^{-V}]$.

    $V=e^{-2\varepsilon\lambda(\sqrt k)}+\int\lambda e^{-2\varepsilon\lambda}dz$ is the expected
    number of stretches of targets in the interval that are not hit, if the sums are Poisson points
    with density $\lambda(z)=\binom nk\phi\big(\frac{z-k\bar X}{\sqrt v}\big)/\sqrt v$.  Mean and
    variance of the sample, and the correction for small k, are those of
    :func:`slth.theory.rfss.success_probability`.

    Parameters
    ----------
    n, k : int
        Samples and subset size, 1 <= k < n.
    epsilon : float
        Tolerance > 0.
    law : SumLaw
        Law of one sample.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Derived for this project and heuristic, not a bound; what it predicts for Corollary 1 of Natale
    et al. 2024.

    Examples
    --------
    >>> bool(0.1 < cover_probability(28, 4, 2**-8) < cover_probability(40, 4, 2**-8) < 1)
    True
    """
    sizes, samples = sizes_and_samples(k, n)
    if n == k:
        raise ValueError(f"n={n} must exceed the size k={k}")
    tolerance = float(between(epsilon, "epsilon", 0.0, np.inf))
    root = float(np.sqrt(k))
    targets = np.linspace(-root, root, _TARGETS)[:, None, None]
    with np.errstate(divide="ignore"):
        exact = np.log(np.asarray(law.sum_pdf(targets, k)))
    log_subsets = float(log2_binomial(samples, sizes)) * _LN2
    if k == 1:
        log_density, weights = exact + log_subsets, np.ones((1, 1))
    else:
        means, variances, weights = _success.sample_moments(samples, law)
        normal = _success.log_normal(targets - k * law.mean, np.asarray(k * law.variance))
        conditional = _success.log_normal(targets - k * means, k * (1 - k / n) * variances)
        log_density = log_subsets + exact - normal + conditional
    density = np.exp(np.minimum(log_density, 600.0))
    missed = np.exp(-2 * tolerance * density)
    stretches = missed[0] + np.trapezoid(density * missed, targets, axis=0)
    return float(np.average(np.exp(-stretches), weights=weights))


def cover_bits(
    n: ArrayLike, k: ArrayLike, epsilon: ArrayLike, law: SumLaw = _UNIFORM
) -> FloatOrFloats:
    r"""Value of $nH_2(k/n)$ at which half of all samples hit every target, about, in bits.

    :func:`slth.theory.rfss.first_moment_bits` of the target $\sqrt k$, plus $\log_2\mu$ with
    $\mu=\ln\big(\frac1{\ln2}(1+\frac{s^2\sqrt k}\varepsilon)\big)$: so many hits are to be expected
    at the ends, where targets are missed longest, until none of them is missed.

    Parameters
    ----------
    n, k : array_like of float
        Samples and subset size, 0 < k < n.
    epsilon : array_like of float
        Tolerance > 0.
    law : SumLaw
        Law of one sample, with mean zero and variance $s^2$.

    Returns
    -------
    float64, broadcast shape

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Derived for this project: the expected number of stretches in :func:`cover_probability` is
    $\ln2$, without the randomness of the sample's mean and variance, and with the normal density
    near the ends.  To the single logarithm $\log_2\frac k\varepsilon$ it adds the logarithm of a
    logarithm.

    Examples
    --------
    >>> round(float(cover_bits(1000, 4, 2**-12) - np.log2(4 * 2**12)), 1)
    6.1
    """
    tolerance = between(epsilon, "epsilon", 0.0, np.inf)
    root = np.sqrt(np.asarray(k, dtype=np.float64))
    hits = np.log((1.0 + law.variance * root / tolerance) / _LN2)
    return as_floats(first_moment_bits(n, k, root, tolerance, law) + np.log2(hits))


def median_cover_time(k: int, epsilon: float) -> int:
    r"""Smallest n at which :func:`cover_probability` exceeds one half.

    Parameters
    ----------
    k : int
        Subset size, >= 2.
    epsilon : float
        Tolerance, in (0, 1/4].

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Derived for this project.

    Examples
    --------
    >>> median_cover_time(4, 2**-8)
    27
    """
    size = int(integers(k, "size k", 2))
    tolerance = float(between(epsilon, "epsilon", 0.0, 0.25, closed="high"))
    low, high = size, 2 * size
    while cover_probability(high, size, tolerance) <= 0.5:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        enough = cover_probability(middle, size, tolerance) > 0.5
        low, high = (low, middle) if enough else (middle, high)
    return high
