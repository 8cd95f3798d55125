r"""Random fixed-size subset sum: do some k of n random samples sum to within epsilon of z.

Y is the number of k-subsets of the n samples whose sum lies within $\varepsilon$ of z ("hits").
Theorem 2 of Natale, Ferré, Giambartolomei, Giroire and Mallmann-Trenn (NeurIPS 2024) bounds
$\Pr(Y>0)$ from below.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize.elementwise import find_root
from scipy.special import lambertw

from slth.arrays import FloatOrFloats, IntOrInts
from slth.theory import _success
from slth.theory._common import (
    as_floats,
    as_ints,
    between,
    integers,
    sizes_and_samples,
    smallest_integer,
)
from slth.theory._overlap import overlap_ratio, second_moment_ratio
from slth.theory._product_samples import product_success_probability, required_product_samples
from slth.theory._samples_table import planned_product_samples
from slth.theory.entropy import binary_entropy, log2_binomial
from slth.theory.laws import SumLaw, Uniform

__all__ = [
    "expected_hits",
    "first_moment_bits",
    "hit_probability",
    "overlap_ratio",
    "planned_product_samples",
    "product_success_probability",
    "required_product_samples",
    "required_samples",
    "required_samples_at_density",
    "second_moment_bound",
    "second_moment_ratio",
    "success_probability",
    "threshold",
]

_UNIFORM = Uniform()
_LN2 = np.log(2.0)


def required_samples(k: ArrayLike, epsilon: ArrayLike, c_hyp: float = 1.0) -> IntOrInts:
    r"""Smallest $n\ge2k$ with $n\,H_2(k/n)\ge c_{hyp}\log_2(k/\varepsilon)$: Theorem 2.

    Parameters
    ----------
    k : array_like of int
        Size of the subsets, >= 1.
    epsilon : array_like of float
        Tolerance, 0 < epsilon < 1.
    c_hyp : float
        Constant of the theorem, which holds for every value >= 1; 1 is sharp up to a bounded number
        of bits (see :func:`first_moment_bits`).

    Returns
    -------
    int64, broadcast shape

    Raises
    ------
    ValueError
        If an argument is out of range, or n would not fit in 62 bits.

    Notes
    -----
    Theorem 2 of Natale et al. 2024.  The left side grows with n (its derivative is $\log_2\frac
    n{n-k}$), so every larger n satisfies the hypothesis too.

    Examples
    --------
    >>> required_samples([1, 5, 10], 1e-3)
    array([369,  13,  20])
    """
    size, tolerance = np.broadcast_arrays(
        integers(k, "size k", 1), between(epsilon, "epsilon", 0.0, 1.0)
    )
    bits = between(c_hyp, "c_hyp", 1.0, np.inf, closed="low") * np.log2(size / tolerance)
    # n H2(k/n) >= k log2(n/k), so this n is always large enough.
    log2_high = np.maximum(bits / size, 1.0) + np.log2(size)
    if np.any(log2_high > 62):
        raise ValueError(
            "the required n exceeds 2^62; take a larger epsilon, a larger k or a smaller c_hyp"
        )
    high = np.ceil(2.0**log2_high).astype(np.int64) + 1
    return smallest_integer(lambda n: n * binary_entropy(size / n) >= bits, 2 * size, high)


def required_samples_at_density(
    gamma: ArrayLike, epsilon: ArrayLike, c_hyp: float = 1.0
) -> IntOrInts:
    r"""Smallest $n\ge1/\gamma$ from which on $nH_2(\gamma)\ge c_{hyp}\log_2(\gamma n/\varepsilon)$.

    Parameters
    ----------
    gamma : array_like of float
        Density k/n, 0 < gamma <= 1/2.
    epsilon : array_like of float
        Tolerance, 0 < epsilon < 1.
    c_hyp : float
        Constant of the theorem, >= 1.

    Returns
    -------
    int64, broadcast shape

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Theorem 2 of Natale et al. 2024.  With $a=H_2(\gamma)\ln2/c_{hyp}$ the larger root is
    $n=-W_{-1}(-a\varepsilon/\gamma)/a$ (Lambert's W).

    Examples
    --------
    >>> required_samples_at_density([0.5, 0.1, 0.01], 1e-3)
    array([ 13,  24, 128])
    """
    density, tolerance = np.broadcast_arrays(
        between(gamma, "gamma", 0.0, 0.5, closed="high"), between(epsilon, "epsilon", 0.0, 1.0)
    )
    constant = between(c_hyp, "c_hyp", 1.0, np.inf, closed="low")
    rate = np.asarray(binary_entropy(density)) * _LN2 / constant
    argument = -rate * tolerance / density
    crosses = argument >= -np.exp(-1.0)
    root = -lambertw(np.where(crosses, argument, -0.1), -1).real / rate
    least = np.ceil(np.maximum(np.where(crosses, root, 0.0), 1.0 / density) * (1 - 1e-14))
    return as_ints(least)


def hit_probability(
    k: ArrayLike, z: ArrayLike, epsilon: ArrayLike, law: SumLaw = _UNIFORM
) -> FloatOrFloats:
    r"""$\Pr(|X_1+\dots+X_k-z|\le\varepsilon)$, exactly from the law of the sum.

    Parameters
    ----------
    k : array_like of int
        Number of terms, >= 1.
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
        If k < 1 or epsilon <= 0.

    Notes
    -----
    The one-subset probability in the proof of Theorem 2 of Natale et al. 2024.

    Examples
    --------
    >>> round(float(hit_probability(1, 0.3, 0.01)), 12)
    0.01
    """
    sizes, targets, tolerance = np.broadcast_arrays(
        integers(k, "size k", 1),
        np.asarray(z, dtype=np.float64),
        between(epsilon, "epsilon", 0.0, np.inf),
    )
    return _success.hit_probability(sizes, targets, tolerance, law)


def expected_hits(
    n: ArrayLike, k: ArrayLike, z: ArrayLike, epsilon: ArrayLike, law: SumLaw = _UNIFORM
) -> FloatOrFloats:
    r"""$\mathbb E[Y]=\binom nk\Pr(|X_1+\dots+X_k-z|\le\varepsilon)$, exactly.

    Parameters
    ----------
    n, k : array_like of int
        Samples and subset size, 1 <= k <= n.
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
        If k < 1, k > n or epsilon <= 0.

    Notes
    -----
    First moment in the proof of Theorem 2 of Natale et al. 2024.

    Examples
    --------
    >>> round(float(expected_hits(20, 1, 0.0, 0.05)), 12)  # twenty trials of probability 0.05
    1.0
    """
    sizes, samples = sizes_and_samples(k, n)
    probability = hit_probability(sizes, z, epsilon, law)
    with np.errstate(divide="ignore"):
        return np.exp2(log2_binomial(samples, sizes) + np.log2(probability))


def threshold(
    k: ArrayLike, z: ArrayLike, epsilon: ArrayLike, law: SumLaw = _UNIFORM
) -> FloatOrFloats:
    r"""Solve $\mathbb E[Y]=1$ for real n, with $\binom nk$ continued by the Gamma function.

    Parameters
    ----------
    k : array_like of int
        Subset size, >= 1.
    z, epsilon : array_like of float
        Target, and tolerance > 0.
    law : SumLaw
        Law of one sample.

    Returns
    -------
    float64, broadcast shape
        Infinite where the sum of k samples cannot reach z.

    Raises
    ------
    ValueError
        If k < 1 or epsilon <= 0.

    Notes
    -----
    Derived for this project: the first moment of Theorem 2 of Natale et al. 2024, exactly.  It sits
    in $k\le n\le kp^{-1/k}$, p the probability that one subset hits, because $\binom nk\ge(n/k)^k$.

    Examples
    --------
    >>> float(threshold(1, 0.0, 0.05).round(9))
    20.0
    """
    sizes, targets, tolerances = np.broadcast_arrays(
        integers(k, "size k", 1), np.asarray(z, dtype=np.float64), np.asarray(epsilon)
    )
    probability = np.asarray(hit_probability(sizes, targets, tolerances, law))
    reachable = probability > 0
    # log2 keeps the bracket finite for the tiniest probabilities.
    bits = -np.log2(np.where(reachable, probability, 0.5))
    result = find_root(
        lambda excess, size, aim: log2_binomial(size * np.exp2(excess), size) - aim,
        (np.zeros(bits.shape), bits / sizes + 1.0),  # one doubling to spare, for rounding
        args=(sizes.astype(np.float64), bits),
    )
    return as_floats(np.where(reachable, sizes * np.exp2(result.x), np.inf))


def first_moment_bits(
    n: ArrayLike, k: ArrayLike, z: ArrayLike, epsilon: ArrayLike, law: SumLaw = _UNIFORM
) -> FloatOrFloats:
    r"""Value of $nH_2(k/n)$ at which $\mathbb E[Y]\approx1$, in bits.

    It is $\log_2\frac k\varepsilon+\log_2(\pi s)+\tfrac12\log_2(1-\tfrac
    kn)+\frac{(z-km)^2}{2ks^2}\log_2e$, where m and $s^2$ are the mean and variance of one sample.
    For Uniform[-1, 1] the constant is $\log_2(\pi/\sqrt3)\approx0.859$ and the last term is
    $\frac{3z^2}{2k}\log_2e$.

    Parameters
    ----------
    n, k : array_like of float
        Samples and subset size, 0 < k < n; real numbers are allowed.
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
        If k is not strictly between 0 and n, or epsilon <= 0.

    Notes
    -----
    Derived for this project (Stirling's formula and the local limit theorem, so for large k and n-k
    and small epsilon): beside $\log_2(k/\varepsilon)$ there are only boundedly many bits, so
    $c_{hyp}=1$ in Theorem 2 of Natale et al. 2024 is sharp to that extent.

    Examples
    --------
    >>> n = threshold(20, 0.0, 1e-9)
    >>> bool(abs(n * binary_entropy(20 / n) - first_moment_bits(n, 20, 0.0, 1e-9)) < 0.03)
    True
    """
    samples, sizes = np.asarray(n, dtype=np.float64), np.asarray(k, dtype=np.float64)
    if not np.all((sizes > 0) & (sizes < samples)):
        raise ValueError("first_moment_bits needs 0 < k < n")
    tolerance = between(epsilon, "epsilon", 0.0, np.inf)
    offset = (np.asarray(z, dtype=np.float64) - sizes * law.mean) ** 2
    return as_floats(
        np.log2(sizes / tolerance)
        + np.log2(np.pi * np.sqrt(law.variance))
        + 0.5 * np.log2(1 - sizes / samples)
        + offset / (2 * sizes * law.variance) / _LN2
    )


def success_probability(
    n: ArrayLike, k: ArrayLike, z: ArrayLike, epsilon: ArrayLike, law: SumLaw = _UNIFORM
) -> FloatOrFloats:
    r"""$\Pr(Y>0)\approx\mathbb E[1-e^{-\mu}]$, the conditional Poisson law.

    Here $\mu=\binom nk2\varepsilon\,\phi\big(\frac{z-k\bar X}{\sqrt v}\big)/\sqrt v$ with
    $v=k(1-\frac kn)S^2$.  The expectation is over the sample mean $\bar X$ and variance $S^2$, by
    deterministic quadrature.  $\mu$ is scaled by the ratio of the exact to the normal density of
    a k-fold sum at z, so that $\mathbb E\mu$ agrees with $\mathbb E[Y]$ for small k too.  Exact for
    k = 1 and k = n.

    Parameters
    ----------
    n, k : array_like of int
        Samples and subset size, 1 <= k <= n.
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
        If k < 1, k > n or epsilon <= 0.

    Notes
    -----
    Derived for this project and heuristic, not a bound.  It is good to about 0.02 in probability;
    it knows the sample by two moments only, so where misses are rare (below about one in a hundred)
    it underestimates them.

    Examples
    --------
    >>> bool(0.9 < success_probability(24, 12, 0.5, 1e-5) < 1.0)
    True
    """
    sizes, samples, targets, tolerances = np.broadcast_arrays(
        *sizes_and_samples(k, n),
        np.asarray(z, dtype=np.float64),
        between(epsilon, "epsilon", 0.0, np.inf),
    )
    probability = np.broadcast_to(hit_probability(k, z, epsilon, law), samples.shape)
    return as_floats(
        1.0 - _success.failure_exactly(samples, sizes, targets, tolerances, law, probability)
    )


def second_moment_bound(n: int, k: int, z: float, epsilon: float, law: SumLaw = _UNIFORM) -> float:
    r"""$\Pr(Y>0)\ge(\mathbb EY)^2/\mathbb E[Y^2]\approx1/(1/\mathbb EY+R)$ for small $\varepsilon$.

    Parameters
    ----------
    n, k : int
        Samples and subset size, 1 <= k <= n.
    z, epsilon : float
        Target, and tolerance > 0.
    law : Uniform or Normal
        Law of one sample.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If k < 1, k > n, epsilon <= 0, or the law is neither Uniform nor Normal.

    Notes
    -----
    The second-moment method in the proof of Theorem 2 of Natale et al. 2024, with its second moment
    in the limit of small epsilon (derived for this project).

    Examples
    --------
    >>> bool(0.5 < second_moment_bound(24, 8, 0.0, 1e-4) < success_probability(24, 8, 0.0, 1e-4))
    True
    """
    hits = float(expected_hits(n, k, z, epsilon, law))
    return 0.0 if hits == 0 else 1.0 / (1.0 / hits + second_moment_ratio(n, k, z, law))
