r"""The lower bound: how few parameters can a network have whose prunings serve every linear target.

Theorem 5 of Natale, Ferré, Giambartolomei, Giroire and Mallmann-Trenn (NeurIPS 2024).  Targets are
$x\mapsto Wx$ with $W\in\mathbb R^{d\times d}$ and $\lVert W\rVert\le\sqrt k$; a network of n
parameters has $\binom nk$ prunings that keep k of them, and each serves at most one of a set of
targets that are more than $2\varepsilon$ apart.  Here **k counts all kept parameters**; in Theorem
2 it counts those of one weight.
"""

from collections.abc import Callable, Iterator
from fractions import Fraction
from math import comb, isqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from slth.arrays import FloatOrFloats, IntOrInts
from slth.theory._common import as_floats, between, integers, smallest_integer
from slth.theory.entropy import binary_entropy, log2_binomial

DENSITY_LIMIT = 1.0 - 1.0 / (2.0 * np.pi)
r"""$\lambda=1-\frac1{2\pi}$: up to this density $\binom nk\le2^{nH_2(k/n)}/\sqrt k$."""


def packing_bits(k: ArrayLike, epsilon: ArrayLike, d: ArrayLike = 1) -> FloatOrFloats:
    r"""$d^2\log_2\frac{\sqrt k}{2\varepsilon}$: bits of the packing that Theorem 5 rests on.

    A largest set of matrices with $\lVert W\rVert\le\sqrt k$ and mutual distances above
    $2\varepsilon$ is a $2\varepsilon$-cover of that ball, so it has at least
    $(\sqrt k/2\varepsilon)^{d^2}$ elements, in any norm.

    Parameters
    ----------
    k : array_like of int
        Kept parameters, all of them together, >= 1; the targets have norm up to its root.
    epsilon : array_like of float
        Tolerance, > 0.
    d : array_like of int
        The targets are d x d matrices, d >= 1.

    Returns
    -------
    float64, broadcast shape

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Proof of Theorem 5 of Natale et al. 2024.

    Examples
    --------
    >>> packing_bits(4, 0.125, [1, 2])
    array([ 3., 12.])
    """
    kept = integers(k, "k", 1)
    tolerance = between(epsilon, "epsilon", 0.0, np.inf)
    entries = integers(d, "d", 1) ** 2
    return as_floats(entries * (0.5 * np.log2(kept) - np.log2(tolerance) - 1.0))


def line_packing_size(k: int, epsilon: float | Fraction) -> int:
    r"""$\lceil\sqrt k/\varepsilon\rceil$: how many points fit more than $2\varepsilon$ apart.

    They lie in $[-\sqrt k,\sqrt k]$: N points need $2(N-1)\varepsilon<2\sqrt k$, and equal
    spacing attains it.  Computed in exact integers, for the exact value of epsilon.

    Parameters
    ----------
    k : int
        The interval reaches from minus to plus its root, >= 1.
    epsilon : float or Fraction
        Tolerance, > 0.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If k < 1 or epsilon <= 0.

    Notes
    -----
    Derived for this project: d = 1 in the proof of Theorem 5 of Natale et al. 2024, twice what
    :func:`packing_bits` promises.

    Examples
    --------
    >>> line_packing_size(4, Fraction(1, 20)), line_packing_size(5, Fraction(1, 20))
    (40, 45)
    """
    kept = int(integers(k, "k", 1))
    tolerance = Fraction(epsilon)
    if tolerance <= 0:
        raise ValueError(f"epsilon must be positive, got {epsilon!r}")
    # (N - 1)^2 < k / epsilon^2, where the right side is the fraction a / b.
    ratio = kept / tolerance**2
    return isqrt(-(-ratio.numerator // ratio.denominator) - 1) + 1


def spectral_ball_volume(d: ArrayLike) -> FloatOrFloats:
    r"""$\pi^{d^2/2}\prod_{j=0}^{d-1}\Gamma(1+\frac j2)/\Gamma(1+\frac{d+j}2)$.

    The volume in $\mathbb R^{d\times d}$ of the matrices with spectral norm at most one (Selberg's
    integral over the singular values).  Integer matrices are at least one apart in this norm, so
    for a fine grid it is also the size of the packing by a grid, in units of
    $(\sqrt k/2\varepsilon)^{d^2}$.

    Parameters
    ----------
    d : array_like of int
        Rows and columns, >= 1.

    Returns
    -------
    float64, shape of d

    Raises
    ------
    ValueError
        If d < 1.

    Notes
    -----
    Derived for this project, for the packing in the proof of Theorem 5 of Natale et al. 2024.

    Examples
    --------
    >>> spectral_ball_volume([1, 2]).round(6)  # an interval, and 2 pi^2 / 3
    array([2.      , 6.579736])
    """
    sizes = integers(d, "d", 1)
    j = np.arange(sizes.max())
    size = sizes[..., None]
    factors = gammaln(1.0 + j / 2) - gammaln(1.0 + (size + j) / 2)
    logarithm = sizes**2 / 2 * np.log(np.pi) + np.where(j < size, factors, 0.0).sum(axis=-1)
    return as_floats(np.exp(logarithm))


def spectral_norm(matrices: ArrayLike) -> FloatOrFloats:
    r"""$\lVert W\rVert=\frac12(|p|+|q|)$, with $p=(a+d,c-b)$ and $q=(a-d,b+c)$, for 2 x 2 matrices.

    Here a, b and c, d are the rows of W.  p is the part that rotates and scales, q the part that
    reflects and scales; the singular values are $\frac12\big||p|\pm|q|\big|$.

    Parameters
    ----------
    matrices : array_like of float, shape (..., 2, 2)

    Returns
    -------
    float64, shape (...)

    Raises
    ------
    ValueError
        If the last two axes are not 2 x 2.

    Notes
    -----
    Used for d = 2 in the packing of Theorem 5 of Natale et al. 2024.

    Examples
    --------
    >>> float(spectral_norm([[3.0, 0.0], [0.0, -2.0]]))
    3.0
    """
    entries = np.asarray(matrices, dtype=np.float64)
    if entries.shape[-2:] != (2, 2):
        raise ValueError(f"expected 2 x 2 matrices, got the shape {entries.shape}")
    (a, b), (c, d) = np.moveaxis(entries, (-2, -1), (0, 1))
    return as_floats((np.hypot(a + d, c - b) + np.hypot(a - d, b + c)) / 2)


def count_integer_matrices(radius_squared: int) -> int:
    r"""Count the $A\in\mathbb Z^{2\times2}$ with $\lVert A\rVert<R$, in exact integers.

    With p and q as in :func:`spectral_norm` the condition is $|p|+|q|<2R$, where p and q are
    integer vectors that agree modulo 2.  We count them by their squared lengths.

    Parameters
    ----------
    radius_squared : int
        $R^2$, between 1 and 10^5.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If the radius is out of range.

    Notes
    -----
    With $R=\sqrt k/2\varepsilon$ this is the size of the explicit packing by multiples of a little
    more than $2\varepsilon$, for d = 2 in the proof of Theorem 5 of Natale et al. 2024.

    Examples
    --------
    >>> count_integer_matrices(1), count_integer_matrices(2)
    (1, 17)
    """
    square = int(integers(radius_squared, "radius_squared", 1))
    if square > 10**5:
        raise ValueError(f"radius_squared must be at most 10^5, got {square}")
    limit = 4 * square  # |p| + |q| < sqrt(limit)
    reach = isqrt(limit - 1)
    line = np.arange(-reach, reach + 1)
    total = 0
    for parity in ((0, 0), (0, 1), (1, 0), (1, 1)):
        x, y = (line[(line - odd) % 2 == 0] for odd in parity)
        lengths = (x[:, None] ** 2 + y**2).ravel()
        squares, copies = np.unique(lengths[lengths < limit], return_counts=True)
        below = np.concatenate([[0], np.cumsum(copies)])
        # |q| < sqrt(limit) - |p|, squared, and settled in integers.
        most = [limit + m - 1 - isqrt(4 * limit * m) for m in squares.tolist()]
        total += int(np.sum(copies * below[np.searchsorted(squares, most, side="right")]))
    return total


def required_parameters(k: ArrayLike, epsilon: ArrayLike, d: ArrayLike = 1) -> IntOrInts:
    r"""Smallest $n\ge k$ with $nH_2(k/n)\ge\frac{d^2}2\log_2(k/\varepsilon)$: Theorem 5.

    Parameters
    ----------
    k : array_like of int
        Kept parameters, all of them together, >= 1.
    epsilon : array_like of float
        Tolerance, 0 < epsilon < 1/16.
    d : array_like of int
        The targets are d x d matrices, d >= 1.

    Returns
    -------
    int64, broadcast shape

    Raises
    ------
    ValueError
        If an argument is out of range, or n would not fit in 62 bits.

    Notes
    -----
    Theorem 5 of Natale et al. 2024.  The left side grows with n.

    Examples
    --------
    >>> required_parameters([1, 5, 10], 1e-3)
    array([13,  8, 12])
    """
    kept, tolerance, entries = _arguments(k, epsilon, d)
    bits = np.asarray(entries / 2 * np.log2(kept / tolerance), dtype=np.float64)
    return _smallest(lambda n: n * np.asarray(binary_entropy(kept / n)) >= bits, kept, bits)


def counting_floor(k: ArrayLike, epsilon: ArrayLike, d: ArrayLike = 1) -> IntOrInts:
    r"""Smallest $n\ge k$ with $2\binom nk\ge(\sqrt k/2\varepsilon)^{d^2}$: the count itself.

    Fewer parameters cannot serve each target with probability ½.  Theorem 5 follows from this
    bound, and is weaker.

    Parameters
    ----------
    k : array_like of int
        Kept parameters, all of them together, >= 1.
    epsilon : array_like of float
        Tolerance, 0 < epsilon < 1/16.
    d : array_like of int
        The targets are d x d matrices, d >= 1.

    Returns
    -------
    int64, broadcast shape

    Raises
    ------
    ValueError
        If an argument is out of range, or n would not fit in 62 bits.

    Notes
    -----
    Proof of Theorem 5 of Natale et al. 2024.

    Examples
    --------
    >>> counting_floor([1, 5, 10], 1e-3)
    array([250,  12,  14])
    """
    kept, tolerance, entries = _arguments(k, epsilon, d)
    bits = np.asarray(entries * np.log2(np.sqrt(kept) / (2 * tolerance)) - 1.0, dtype=np.float64)
    # The slack of one part in 10^12 keeps an equality on the safe side of a lower bound.
    return _smallest(lambda n: log2_binomial(n, kept) >= bits * (1 - 1e-12), kept, bits)


class BinomialCase(NamedTuple):
    r"""$\binom nk$ beside $2^{nH_2(k/n)}=\frac{n^n}{k^k(n-k)^{n-k}}$, in exact integers."""

    n: int
    k: int
    binomial: int
    numerator: int
    denominator: int


def binomial_cases(largest_n: int) -> Iterator[BinomialCase]:
    r"""Yield $\binom nk$ and $2^{nH_2(k/n)}$ exactly, for all $1\le k\le n\le$ ``largest_n``.

    Parameters
    ----------
    largest_n : int
        Largest n, >= 1.

    Yields
    ------
    BinomialCase

    Raises
    ------
    ValueError
        If ``largest_n`` < 1.

    Notes
    -----
    For the binomial bound in the proof of Theorem 5 of Natale et al. 2024.

    Examples
    --------
    >>> list(binomial_cases(2))[1]
    BinomialCase(n=2, k=1, binomial=2, numerator=4, denominator=1)
    """
    largest = int(integers(largest_n, "largest_n", 1))
    power = [1, *(m**m for m in range(1, largest + 1))]
    for n in range(1, largest + 1):
        for k in range(1, n + 1):
            yield BinomialCase(n, k, comb(n, k), power[n], power[k] * power[n - k])


def _arguments(
    k: ArrayLike, epsilon: ArrayLike, d: ArrayLike
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    kept, tolerance, size = np.broadcast_arrays(
        integers(k, "k", 1), between(epsilon, "epsilon", 0.0, 1 / 16), integers(d, "d", 1)
    )
    return kept, tolerance, size**2


def _smallest(
    holds: Callable[[NDArray[np.int64]], NDArray[np.bool_]],
    kept: NDArray[np.int64],
    bits: NDArray[np.float64],
) -> IntOrInts:
    """Smallest n >= k at which ``holds``; it must hold where binom(n, k) has that many bits."""
    # binom(n, k) >= (n/k)^k, and n H2(k/n) is larger still.
    log2_high = np.maximum(bits, 1.0) / kept + np.log2(kept)
    if np.any(log2_high > 62):
        raise ValueError(
            "the required n exceeds 2^62; take a larger epsilon, a larger k or a smaller d"
        )
    return smallest_integer(holds, kept, np.ceil(2.0**log2_high).astype(np.int64) + 1)
