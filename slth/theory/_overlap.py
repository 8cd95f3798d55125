"""The second moment of the number of hits: pairs of k-subsets that overlap."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import hypergeom

from slth.arrays import FloatOrFloats
from slth.theory._common import integers, sizes_and_samples
from slth.theory.laws import Normal, SumLaw, Uniform

_UNIFORM = Uniform()


def overlap_ratio(i: ArrayLike, k: int, z: float, law: SumLaw = _UNIFORM) -> FloatOrFloats:
    r"""$\rho_i=\int f_i(y)f_{k-i}(z-y)^2\,dy\,/\,f_k(z)^2$: the effect of an overlap of i.

    As $\varepsilon\to0$, $\rho_i$ is the probability that two k-subsets with i common elements both
    hit, over its value for disjoint ones.  For a normal law
    $\rho_i=(1-r^2)^{-1/2}\exp(\frac{z^2}{ks^2}\frac r{1+r})$ with $r=i/k$; otherwise the integral
    is computed (Gauss–Legendre on the pieces of the spline).

    Parameters
    ----------
    i : array_like of int
        Overlaps, 0 <= i < k.
    k : int
        Subset size.
    z : float
        Target.
    law : Uniform or Normal
        Law of one sample.

    Returns
    -------
    float64, shape of i

    Raises
    ------
    ValueError
        If i is not in [0, k), or the law is neither Uniform nor Normal.

    Notes
    -----
    Derived for this project: the exact form of the second moment in the proof of Theorem 2 of
    Natale et al. 2024.

    Examples
    --------
    >>> float(overlap_ratio(0, 10, 0.5))
    1.0
    """
    overlaps = integers(i, "overlap i", 0)
    if np.any(overlaps >= k):
        raise ValueError(f"overlap i={overlaps.max()} must be below the size k={k}")
    if isinstance(law, Normal):
        r = overlaps / k
        return np.exp(z**2 / (k * law.variance) * r / (1 + r)) / np.sqrt(1 - r**2)
    if isinstance(law, Uniform):
        ratios = [1.0 if j == 0 else _uniform_overlap(int(j), k, z, law) for j in overlaps.flat]
        return np.reshape(ratios, overlaps.shape)[()]
    raise ValueError(f"overlap_ratio knows the uniform and the normal law, not {law!r}")


def second_moment_ratio(n: int, k: int, z: float, law: SumLaw = _UNIFORM) -> float:
    r"""$R=\sum_{i<k}\Pr(I=i)\,\rho_i$ in $\mathbb E[Y^2]/(\mathbb EY)^2\to1/\mathbb EY+R$.

    The limit is $\varepsilon\to0$.  The overlap I of two independent uniform k-subsets of [n] is
    hypergeometric.

    Parameters
    ----------
    n, k : int
        Samples and subset size, 1 <= k <= n.
    z : float
        Target.
    law : Uniform or Normal
        Law of one sample.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If k < 1, k > n, or the law is neither Uniform nor Normal.

    Notes
    -----
    Derived for this project.  At $k=\gamma n\to\infty$ the limit is
    $(1-\gamma^2)^{-1/2}\exp(\frac{z^2}{ks^2}\frac\gamma{1+\gamma})>1$: the second-moment method
    alone never proves a probability that tends to one.

    Examples
    --------
    >>> ratio = second_moment_ratio(400, 100, 0.0, Normal())
    >>> bool(abs(ratio - (1 - 0.25**2) ** -0.5) < 2e-3)
    True
    """
    sizes_and_samples(k, n)
    overlaps = np.arange(max(0, 2 * k - n), k)
    weights = hypergeom.pmf(overlaps, n, k, k)
    return float(np.sum(weights * overlap_ratio(overlaps, k, z, law)))


def _uniform_overlap(i: int, k: int, z: float, law: Uniform) -> float:
    """Integrate f_i(y) f_{k-i}(z - y)^2 / f_k(z)^2 piecewise between the knots of both splines."""
    width = law.high - law.low
    knots = np.concatenate(
        [
            i * law.low + width * np.arange(i + 1),
            z - (k - i) * law.low - width * np.arange(k - i + 1),
        ]
    )
    low = max(i * law.low, z - (k - i) * law.high)
    high = min(i * law.high, z - (k - i) * law.low)
    edges = np.unique(np.clip(knots, low, high))
    nodes, weights = np.polynomial.legendre.leggauss(16)
    half = np.diff(edges)[:, None] / 2
    points = edges[:-1, None] + half * (1 + nodes)
    values = law.sum_pdf(points, i) * law.sum_pdf(z - points, k - i) ** 2
    return float(np.sum(half * weights * values) / law.sum_pdf(z, k) ** 2)
