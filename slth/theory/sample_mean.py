r"""What the mean of the sample does to the number of hits, and so to its second moment.

Let k of n samples be chosen, $\gamma=k/n$, and let $\zeta=(z-km)/s\sqrt k$ be the target in
standard units of a k-fold sum.  A sample whose mean is $m+sG/\sqrt n$ has about $\mathbb E[Y]\cdot
L(G)$ hits,
$$L(G)=\frac1{\sqrt{1-\gamma}}\exp\Big(\frac{\zeta^2}2-\frac{(\zeta-\sqrt\gamma\,G)^2}{2(1-\gamma)}
\Big),$$
exactly so on average for normal samples.  With a standard normal G, $\mathbb E[L]=1$ and
$\mathbb E[L^2]=(1-\gamma^2)^{-1/2}\exp(\zeta^2\frac\gamma{1+\gamma})$: the mean of the sample is
what keeps the second moment of Y from approaching the square of the first.
"""

import numpy as np
from numpy.typing import ArrayLike

from slth.arrays import FloatOrFloats
from slth.theory._common import as_floats, between, sizes_and_samples
from slth.theory.second_moment import overlap_probability

__all__ = [
    "hits_factor",
    "limit_ratio",
    "limit_success",
    "ratio_given_mean",
    "success_given_mean",
]

# A trapezoidal rule for expectations over a standard normal; the rest is below 1e-18.
_DEVIATES = np.linspace(-9.0, 9.0, 721)
_WEIGHTS = np.exp(-(_DEVIATES**2) / 2) / np.sqrt(2 * np.pi) * (_DEVIATES[1] - _DEVIATES[0])


def hits_factor(deviate: ArrayLike, gamma: ArrayLike, zeta: ArrayLike) -> FloatOrFloats:
    r"""$L(G)=\mathbb E[Y\mid\bar X]/\mathbb E[Y]$ for a sample of mean $m+sG/\sqrt n$.

    Parameters
    ----------
    deviate : array_like of float
        G, the sample mean in standard units.
    gamma : array_like of float
        Density k/n, 0 < gamma < 1.
    zeta : array_like of float
        Target in standard units of a k-fold sum.

    Returns
    -------
    float64, broadcast shape

    Raises
    ------
    ValueError
        If gamma is out of range.

    Notes
    -----
    Derived for this project.  Exact as $\varepsilon\to0$ for normal samples; for others in the
    limit of large k and n - k.

    Examples
    --------
    >>> bool(hits_factor(1.0, 0.5, 1.0) > 1 > hits_factor(-1.0, 0.5, 1.0))
    True
    """
    density = between(gamma, "gamma", 0.0, 1.0)
    target = np.asarray(zeta, dtype=np.float64)
    distance = target - np.sqrt(density) * np.asarray(deviate, dtype=np.float64)
    exponent = target**2 / 2 - distance**2 / (2 * (1 - density))
    return as_floats(np.exp(exponent) / np.sqrt(1 - density))


def limit_ratio(gamma: ArrayLike, zeta: ArrayLike) -> FloatOrFloats:
    r"""$\mathbb E[L^2]=(1-\gamma^2)^{-1/2}\exp(\zeta^2\frac\gamma{1+\gamma})$.

    The limit of R in $\mathbb E[Y^2]/(\mathbb EY)^2\to1/\mathbb EY+R$ for $k=\gamma n\to\infty$,
    see :func:`slth.theory.rfss.second_moment_ratio`.

    Parameters
    ----------
    gamma : array_like of float
        Density k/n, 0 < gamma < 1.
    zeta : array_like of float
        Target in standard units of a k-fold sum.

    Returns
    -------
    float64, broadcast shape

    Raises
    ------
    ValueError
        If gamma is out of range.

    Notes
    -----
    Derived for this project.

    Examples
    --------
    >>> float(limit_ratio(0.5, 3**0.5).round(3))
    3.139
    """
    density = between(gamma, "gamma", 0.0, 1.0)
    exponent = np.asarray(zeta, dtype=np.float64) ** 2 * density / (1 + density)
    return as_floats(np.exp(exponent) / np.sqrt(1 - density**2))


def limit_success(hits: ArrayLike, gamma: ArrayLike, zeta: ArrayLike) -> FloatOrFloats:
    r"""$\mathbb E[1-e^{-\lambda L}]$: the conditional Poisson law in the limit of large k and n.

    Parameters
    ----------
    hits : array_like of float
        $\lambda=\mathbb E[Y]\ge0$.
    gamma : array_like of float
        Density k/n, 0 < gamma < 1.
    zeta : array_like of float
        Target in standard units of a k-fold sum.

    Returns
    -------
    float64, broadcast shape

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Derived for this project and heuristic, as :func:`slth.theory.rfss.success_probability`, which
    knows the sample's variance too.

    Examples
    --------
    >>> limit_success([1.0, 100.0], 0.5, 0.0).round(3)
    array([0.6  , 0.998])
    """
    expected = between(hits, "hits", 0.0, np.inf, closed="low")
    density, target = (np.asarray(a, dtype=np.float64)[..., None] for a in (gamma, zeta))
    mean = expected[..., None] * hits_factor(_DEVIATES, density, target)
    return as_floats(-np.expm1(-mean) @ _WEIGHTS)


def ratio_given_mean(n: int, k: int, zeta: float, deviate: ArrayLike) -> FloatOrFloats:
    r"""R of normal samples with given mean, as $\varepsilon\to0$: second moment without luck.

    Given the mean of the sample, two k-subsets with i common elements have sums with correlation
    $r=(\frac ik-\gamma)/(1-\gamma)$, so $R=\sum_{i<k}\Pr(I=i)(1-r^2)^{-1/2}\exp(\zeta'^2\frac
    r{1+r})$, where $\zeta'=(\zeta-\sqrt\gamma\,G)/\sqrt{1-\gamma}$ is the target in standard units
    of the sum given the mean.

    Parameters
    ----------
    n, k : int
        Samples and subset size, 1 <= k < n.
    zeta : float
        Target in standard units of a k-fold sum.
    deviate : array_like of float
        G, the sample mean in standard units.

    Returns
    -------
    float64, shape of deviate

    Raises
    ------
    ValueError
        If k < 1 or k >= n.

    Notes
    -----
    Derived for this project.  Disjoint halves (i = 0, n = 2k) have correlation -1 and hit together
    only if $|\zeta'|$ is of the order of $\varepsilon$; they do not count in the limit.

    Examples
    --------
    >>> bool(1 < ratio_given_mean(400, 200, 1.7, 0.0) < 1.1 < 3 < limit_ratio(0.5, 1.7))
    True
    """
    sizes_and_samples(k, n)
    if k == n:
        raise ValueError("ratio_given_mean needs k < n: all samples together have one sum")
    gamma = k / n
    overlaps = np.arange(max(0, 2 * k - n) + (n == 2 * k), k)
    r = (overlaps / k - gamma) / (1 - gamma)
    weights = overlap_probability(n, k)[overlaps] / np.sqrt(1 - r**2)
    square = (zeta - np.sqrt(gamma) * np.asarray(deviate, dtype=np.float64)) ** 2 / (1 - gamma)
    return as_floats(np.exp(square[..., None] * (r / (1 + r))) @ weights)


def success_given_mean(n: int, k: int, zeta: float, hits: ArrayLike) -> FloatOrFloats:
    r"""$\Pr(Y>0)\ge\mathbb E\big[1/(\frac1{\lambda L}+R)\big]$, the second moment given the mean.

    For normal samples, as $\varepsilon\to0$; L is :func:`hits_factor` and R
    :func:`ratio_given_mean`, at the same standard normal G.

    Parameters
    ----------
    n, k : int
        Samples and subset size, 1 <= k < n.
    zeta : float
        Target in standard units of a k-fold sum.
    hits : array_like of float
        $\lambda=\mathbb E[Y]>0$.

    Returns
    -------
    float64, shape of hits
        A lower bound, which tends to one with k and hits, unlike the plain second moment.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Derived for this project.

    Examples
    --------
    >>> success_given_mean(400, 200, 1.7, [1.0, 1000.0]).round(2)
    array([0.32, 0.9 ])
    """
    expected = between(hits, "hits", 0.0, np.inf)
    ratio = ratio_given_mean(n, k, zeta, _DEVIATES)
    mean = expected[..., None] * hits_factor(_DEVIATES, k / n, zeta)
    return as_floats(mean / (1 + mean * ratio) @ _WEIGHTS)
