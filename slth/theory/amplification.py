r"""From one target to all by disjoint blocks: the arithmetic behind Corollary 1.

A block of samples hits a given target with probability at least $c_{thm}$ (Theorem 2 of Natale,
Ferré, Giambartolomei, Giroire and Mallmann-Trenn, NeurIPS 2024).  Disjoint blocks are independent,
so r of them all miss with probability at most $(1-c_{thm})^r$, and with enough of them a union over
a grid of targets costs nothing.
"""

import numpy as np
from numpy.typing import ArrayLike

from slth.arrays import FloatOrFloats, IntOrInts
from slth.theory._common import as_floats, as_ints, between, integers
from slth.theory.entropy import binary_entropy
from slth.theory.rfss import required_samples


def blocks(k: ArrayLike, epsilon: ArrayLike, c_thm: float) -> IntOrInts:
    r"""$r=\lceil\frac4{c_{thm}}\ln\frac k\varepsilon\rceil$: number of blocks.

    Then $(1-c_{thm})^r\le(\varepsilon/k)^4$.

    Parameters
    ----------
    k : array_like of int
        Size of the subsets, >= 1.
    epsilon : array_like of float
        Tolerance, 0 < epsilon < 1.
    c_thm : float
        Success probability of a block, in (0, 1).

    Returns
    -------
    int64, broadcast shape

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Proof of Corollary 1 of Natale et al. 2024.

    Examples
    --------
    >>> blocks([1, 4], 2**-8, 0.08)
    array([278, 347])
    """
    size, tolerance = integers(k, "size k", 1), between(epsilon, "epsilon", 0.0, 1.0)
    chance = between(c_thm, "c_thm", 0.0, 1.0)
    return as_ints(np.ceil(4.0 / chance * np.log(size / tolerance)))


def union_bound(k: ArrayLike, epsilon: ArrayLike, power: float = 4.0) -> FloatOrFloats:
    r"""$\frac{4\sqrt k}\varepsilon\big(\frac\varepsilon k\big)^4$: a target of the grid is missed.

    Parameters
    ----------
    k : array_like of int
        Size of the subsets, >= 1.
    epsilon : array_like of float
        Tolerance, 0 < epsilon < 1.
    power : float
        The exponent 4, which the number of blocks sets.

    Returns
    -------
    float64, broadcast shape

    Raises
    ------
    ValueError
        If k < 1 or epsilon is not in (0, 1).

    Notes
    -----
    Proof of Corollary 1 of Natale et al. 2024; the grid has about $4\sqrt k/\varepsilon$ targets.

    Examples
    --------
    >>> float(union_bound(1, 0.5))
    0.5
    """
    size, tolerance = integers(k, "size k", 1), between(epsilon, "epsilon", 0.0, 1.0)
    return as_floats(4.0 * np.sqrt(size) / tolerance * (tolerance / size) ** power)


def block_samples(k: ArrayLike, epsilon: ArrayLike, c_thm: float, c_hyp: float = 1.0) -> IntOrInts:
    r"""$r\,n_b$, with the smallest block that satisfies the hypothesis for $\varepsilon/2$.

    $n_b\ge2k$ and $n_bH_2(k/n_b)\ge c_{hyp}\log_2(2k/\varepsilon)$: what the proof asks for when
    all k terms come from one block; the blocks hit within $\varepsilon/2$, and the other half is
    for the distance to the next target of the grid.

    Parameters
    ----------
    k : array_like of int
        Size of the subsets, >= 1.
    epsilon : array_like of float
        Tolerance, 0 < epsilon < 1.
    c_thm, c_hyp : float
        Constants of Theorem 2.

    Returns
    -------
    int64, broadcast shape

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Proof of Corollary 1 of Natale et al. 2024.

    Examples
    --------
    >>> block_samples([2, 4], 2**-8, 0.08)  # 312 blocks of 25 samples, 347 of 12
    array([7800, 4164])
    """
    tolerance = between(epsilon, "epsilon", 0.0, 1.0)
    return as_ints(blocks(k, tolerance, c_thm) * required_samples(k, tolerance / 2, c_hyp))


def sparse_bits(
    k: ArrayLike, epsilon: ArrayLike, c_thm: float, c_hyp: float = 1.0
) -> FloatOrFloats:
    r"""$c_{hyp}\log_2\frac{2k}\varepsilon+k\log_2(er)$: bits that are enough for few terms.

    If $nH_2(k/n)$ is at least this, $k\le n/2r$ and r divides n, then r blocks of n/r samples
    satisfy Theorem 2's hypothesis for $\varepsilon/2$, because
    $k\log_2\frac nk\le nH_2(\frac kn)\le k\log_2\frac{en}k$ for every n: a block has at most
    $k\log_2(er)$ bits less than the whole.

    Parameters
    ----------
    k : array_like of int
        Size of the subsets, >= 1.
    epsilon : array_like of float
        Tolerance, 0 < epsilon < 1.
    c_thm, c_hyp : float
        Constants of Theorem 2.

    Returns
    -------
    float64, broadcast shape

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Derived for this project: what the proof of Corollary 1 of Natale et al. 2024 gives for few
    terms, where its statement has $c_{amp}\log_2^2(k/\varepsilon)$.

    Examples
    --------
    >>> float(sparse_bits(2, 2**-8, 0.08).round(1))
    29.5
    """
    size, tolerance = integers(k, "size k", 1), between(epsilon, "epsilon", 0.0, 1.0)
    spread = size * np.log2(np.e * np.asarray(blocks(size, tolerance, c_thm)))
    return as_floats(c_hyp * np.log2(2 * size / tolerance) + spread)


def repaired_samples(density: float, epsilon: float, c_thm: float, c_hyp: float = 1.0) -> int:
    r"""Smallest n for which blocks and a reserve of $3n/4$ samples together prove Corollary 1.

    Of $k=\lfloor\gamma n\rfloor$ terms $k'=\min(k,\lfloor n_b/2\rfloor)$ come from one of r blocks
    of $n_b=\lfloor n/4r\rfloor$ samples, and the others from the reserve.  A block must satisfy
    $n_bH_2(k'/n_b)\ge c_{hyp}\log_2(2k'/\varepsilon)$.

    Parameters
    ----------
    density : float
        gamma, 0 < gamma <= 1/2.
    epsilon : float
        Tolerance, 0 < epsilon < 1.
    c_thm, c_hyp : float
        Constants of Theorem 2.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Derived for this project: the proof of Corollary 1 of Natale et al. 2024 takes all k terms from
    a block of n/r samples, which cannot hold them unless $k\le n/r$.  That the reserve's sums come
    close to every target is :func:`slth.theory.pairs.steering_failure`.

    Examples
    --------
    >>> n = repaired_samples(0.5, 2**-4, 0.08)
    >>> r = int(blocks(n // 2, 2**-4, 0.08))
    >>> n, r, n // (4 * r)
    (16520, 590, 7)
    """
    gamma = float(between(density, "density", 0.0, 0.5, closed="high"))
    tolerance = float(between(epsilon, "epsilon", 0.0, 1.0))

    def enough(n: int) -> bool:
        k = int(gamma * n)
        if k < 1:
            return False
        block = n // (4 * int(blocks(k, tolerance, c_thm)))
        part = min(k, block // 2)
        if part < 1:
            return False
        bits = block * float(binary_entropy(part / block))
        return bits >= c_hyp * float(np.log2(2 * part / tolerance))

    high = 1
    while not enough(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
