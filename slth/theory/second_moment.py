r"""The second moment of the number of hits, part by part, as the proof of Theorem 2 goes.

$\mathbb E[Y^2]/(\mathbb EY)^2=\sum_i\Pr(I=i)\,q_i/p^2$: I is the overlap of two independent uniform
k-subsets, $q_i$ the probability that two k-subsets with i common elements both hit z, and $p=q_k$
that one hits.  The sum is split into $I=k$, $\theta k\le I<k$ and $I<\theta k$.  For small
tolerances, :mod:`slth.theory.rfss` has the limit of the ratio.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import hypergeom

from slth.arrays import FloatOrFloats
from slth.theory import _success
from slth.theory._common import as_floats, between, integers, sizes_and_samples
from slth.theory.entropy import log2_binomial_bounds
from slth.theory.laws import Normal, SumLaw, Uniform

__all__ = [
    "Parts",
    "chebyshev_tail",
    "joint_hit_probability",
    "overlap_probability",
    "part_bounds",
    "parts",
]

_UNIFORM = Uniform()


@dataclass(frozen=True)
class Parts:
    """Three parts of the second moment ratio, or bounds on them; ``total`` is their sum.

    Attributes
    ----------
    same : float or ndarray
        Overlap I = k: the two subsets are one.
    high : float or ndarray
        Overlap of at least theta k, but not all.
    low : float or ndarray
        Overlap below theta k.
    """

    same: FloatOrFloats
    high: FloatOrFloats
    low: FloatOrFloats

    @property
    def total(self) -> FloatOrFloats:
        """The ratio itself, or what the three bounds allow it to be."""
        return self.same + self.high + self.low


def overlap_probability(n: int, k: int) -> NDArray[np.float64]:
    r"""$\Pr(I=i)=\binom ki\binom{n-k}{k-i}/\binom nk$ for $i=0,\dots,k$.

    Parameters
    ----------
    n, k : int
        Samples and subset size, 1 <= k <= n.

    Returns
    -------
    float64, shape (k + 1,)

    Raises
    ------
    ValueError
        If k < 1 or k > n.

    Notes
    -----
    The law of the overlap in the proof of Theorem 2 of Natale et al. 2024.  Its mean is $k^2/n$ and
    its variance $k^2(n-k)^2/n^2(n-1)$.

    Examples
    --------
    >>> overlap_probability(4, 2).round(6)
    array([0.166667, 0.666667, 0.166667])
    """
    sizes_and_samples(k, n)
    return np.asarray(hypergeom.pmf(np.arange(k + 1), n, k, k), dtype=np.float64)


def chebyshev_tail(n: ArrayLike, k: ArrayLike, theta: ArrayLike) -> FloatOrFloats:
    r"""$\Pr(I\ge\theta k)\le\frac1k\,\frac{\gamma(1-\gamma)^2}{(\theta-\gamma)^2}\,\frac n{n-1}$.

    Here $\gamma=k/n<\theta$; the right side is $\mathrm{Var}(I)/(\theta k-\mathbb EI)^2$.

    Parameters
    ----------
    n, k : array_like of int
        Samples and subset size, 1 <= k < n.
    theta : array_like of float
        Where the sum is split, k/n < theta <= 1.

    Returns
    -------
    float64, broadcast shape
        Chebyshev's bound; it may exceed one.

    Raises
    ------
    ValueError
        If k is not in [1, n), or theta not in (k/n, 1].

    Notes
    -----
    The Chebyshev step in the proof of Theorem 2 of Natale et al. 2024.

    Examples
    --------
    >>> float(chebyshev_tail(100, 50, 0.75).round(6))
    0.040404
    """
    sizes, samples = sizes_and_samples(k, n)
    if np.any(sizes == samples):
        raise ValueError("chebyshev_tail needs k < n")
    gamma, split = sizes / samples, between(theta, "theta", 0.0, 1.0, closed="high")
    if np.any(split <= gamma):
        raise ValueError(f"theta={split.min()} must exceed the density k/n={np.max(gamma)}")
    variance_ratio = gamma * (1 - gamma) ** 2 / (split - gamma) ** 2
    return as_floats(variance_ratio * samples / (samples - 1) / sizes)


def joint_hit_probability(
    i: int, k: int, z: float, epsilon: float, law: SumLaw = _UNIFORM
) -> float:
    r"""$q_i=\int f_i(y)\Pr(|X_1+\dots+X_{k-i}-(z-y)|\le\varepsilon)^2dy$, at finite tolerance.

    The probability that two k-subsets with i common elements both hit z.

    Parameters
    ----------
    i : int
        Overlap, 0 <= i <= k.
    k : int
        Subset size.
    z, epsilon : float
        Target, and tolerance > 0.
    law : Uniform or Normal
        Law of one sample.

    Returns
    -------
    float
        By Gauss–Legendre quadrature, piece by piece.

    Raises
    ------
    ValueError
        If i is not in [0, k], epsilon <= 0, or the law is neither Uniform nor Normal.

    Notes
    -----
    The pairs in the second moment of Theorem 2 of Natale et al. 2024.

    Examples
    --------
    >>> single = joint_hit_probability(3, 3, 0.0, 0.01)
    >>> bool(joint_hit_probability(0, 3, 0.0, 0.01) == single**2)
    True
    >>> bool(single**2 < joint_hit_probability(2, 3, 0.0, 0.01) < single)
    True
    """
    overlap, size = int(integers(i, "overlap i", 0)), int(integers(k, "size k", 1))
    if overlap > size:
        raise ValueError(f"overlap i={overlap} exceeds the size k={size}")
    between(epsilon, "epsilon", 0.0, np.inf)
    if overlap in (0, size):
        single = float(_hit(size, np.array(z, dtype=np.float64), epsilon, law))
        return single if overlap == size else single**2
    if isinstance(law, Uniform):
        edges = _uniform_pieces(overlap, size, z, epsilon, law)
    elif isinstance(law, Normal):
        reach = 10.0 * law.std * np.sqrt(overlap)  # the rest of f_i is below 1e-22
        edges = np.linspace(-reach, reach, 2 + int(20 * np.sqrt(size)))
    else:
        raise ValueError(f"joint_hit_probability knows the uniform and normal laws, not {law!r}")
    nodes, weights = np.polynomial.legendre.leggauss(12)
    half = np.diff(edges)[:, None] / 2
    points = edges[:-1, None] + half * (1 + nodes)
    hits = _hit(size - overlap, z - points, epsilon, law)
    return float(np.sum(half * weights * law.sum_pdf(points, overlap) * hits**2))


def parts(
    n: int, k: int, z: float, epsilon: float, theta: float = 0.75, law: SumLaw = _UNIFORM
) -> Parts:
    r"""Split $\mathbb E[Y^2]/(\mathbb EY)^2=\sum_i\Pr(I=i)\,q_i/p^2$ at $I=\theta k$ and $I=k$.

    Parameters
    ----------
    n, k : int
        Samples and subset size, 1 <= k <= n.
    z, epsilon : float
        Target, and tolerance > 0.
    theta : float
        Where the sum is split, 0 < theta <= 1.
    law : Uniform or Normal
        Law of one sample.

    Returns
    -------
    Parts

    Raises
    ------
    ValueError
        If an argument is out of range, or z out of reach.

    Notes
    -----
    The proof of Theorem 2 of Natale et al. 2024 bounds each part, see :func:`part_bounds`.

    Examples
    --------
    >>> split = parts(20, 10, 0.0, 0.001)
    >>> float(np.round(split.total, 3)), float(np.round(split.same, 3))
    (1.176, 0.013)
    """
    between(theta, "theta", 0.0, 1.0, closed="high")
    weights = overlap_probability(n, k)
    joint = np.array(
        [joint_hit_probability(i, k, z, epsilon, law) if weights[i] else 0.0 for i in range(k + 1)]
    )
    single = joint[k]
    if single == 0:
        raise ValueError(f"no sum of k={k} samples comes within {epsilon} of z={z}")
    terms = weights * joint / single**2
    high = np.arange(k) >= theta * k
    return Parts(terms[k], terms[:k][high].sum(), terms[:k][~high].sum())


def part_bounds(
    n: ArrayLike, k: ArrayLike, epsilon: ArrayLike, theta: ArrayLike, c_l: float, c_u: float
) -> Parts:
    r"""Bound the three parts by $c_l$ and $c_u$ alone, for every $|z|\le\sqrt k$.

    From $p\ge2c_l\varepsilon/\sqrt k$ and $q_i/p\le2c_u\varepsilon/\sqrt{k-i}$:

    - same: $\sqrt k/2c_l\varepsilon N$ with the entropy bound $N\le\binom nk$; this is
      $\sqrt{2(1-\frac kn)}/c_l$ where the hypothesis of the theorem holds with equality;
    - high: $\frac{c_u}{c_l}\sqrt k$ times :func:`chebyshev_tail`, or times one if that is less;
    - low: $\frac{c_u}{c_l}(1-\theta)^{-1/2}$.

    Parameters
    ----------
    n, k : array_like of int
        Samples and subset size, 1 <= k < n.
    epsilon : array_like of float
        Tolerance, 0 < epsilon < 1.
    theta : array_like of float
        Where the sum is split, k/n < theta < 1.
    c_l, c_u : float
        Constants of a sum-bounded law, positive.

    Returns
    -------
    Parts
        Broadcast shape; ``high`` is zero where no integer lies in [theta k, k).

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    The steps of the proof of Theorem 2 of Natale et al. 2024, with explicit constants.

    Examples
    --------
    >>> bounds = part_bounds(40, 10, 1e-8, 0.75, c_l=0.25, c_u=0.75)
    >>> float(bounds.low)
    6.0
    """
    tolerance = between(epsilon, "epsilon", 0.0, 1.0)
    split = between(theta, "theta", 0.0, 1.0)
    between([c_l, c_u], "c_l, c_u", 0.0, np.inf)
    sizes, samples = sizes_and_samples(k, n)
    fewest, _ = log2_binomial_bounds(samples, sizes)
    same = np.sqrt(sizes) / (2 * c_l) * np.exp2(-np.log2(tolerance) - fewest)
    high = c_u / c_l * np.sqrt(sizes) * np.minimum(1.0, chebyshev_tail(samples, sizes, split))
    high = np.where(np.ceil(split * sizes) < sizes, high, 0.0)
    low = np.full(high.shape, c_u / c_l) / np.sqrt(1 - split)
    return Parts(*(as_floats(np.broadcast_to(part, high.shape)) for part in (same, high, low)))


def _hit(m: int, z: NDArray[np.float64], epsilon: float, law: SumLaw) -> NDArray[np.float64]:
    """Pr(|X_1 + ... + X_m - z| <= epsilon)."""
    if m == 1 and isinstance(law, Uniform):
        # The window's part inside [low, high], without subtracting numbers that nearly agree.
        inside = np.minimum(epsilon, z - law.low) + np.minimum(epsilon, law.high - z)
        return np.asarray(np.clip(inside, 0.0, None) / (law.high - law.low))
    sizes, tolerances = np.full(z.shape, m), np.full(z.shape, epsilon)
    return np.asarray(_success.hit_probability(sizes, z, tolerances, law))


def _uniform_pieces(i: int, k: int, z: float, epsilon: float, law: Uniform) -> NDArray[np.float64]:
    """Intervals on which f_i(y) and the hit probability at z - y are polynomials."""
    width = law.high - law.low
    shared = i * law.low + width * np.arange(i + 1)
    others = z - (k - i) * law.low - width * np.arange(k - i + 1)
    knots = np.concatenate([shared, others - epsilon, others + epsilon])
    low = max(shared[0], others[-1] - epsilon)
    high = max(low, min(shared[-1], others[0] + epsilon))
    return np.unique(np.clip(knots, low, high))
