r"""At most k products: the first moment of one gadget as Theorem 3 uses it.

Of the n products $b_i\sigma(a_i)$ of a gadget exactly k are chosen, but dead ones are zero and may
fill up the subset.  So what can be made are the sums of *at most* k live products.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slth.arrays import FloatOrFloats, IntOrInts
from slth.theory._common import as_floats, between, integers, sizes_and_samples, smallest_integer
from slth.theory._success import hit_probability
from slth.theory.entropy import log2_binomial
from slth.theory.products import ReluProduct

_LARGEST = 2**62


def expected_hits(
    n: ArrayLike, k: ArrayLike, weight: float, tolerance: float, law: ReluProduct | None = None
) -> FloatOrFloats:
    r"""$\sum_{j=1}^k2^{-j}\binom nj\Pr(|P_1+\dots+P_j-w|\le\tau)$, P being live products.

    The expected number of non-empty sets of at most k live products that sum to w within
    $\tau$; each is counted once, however dead products fill it up.

    Parameters
    ----------
    n, k : array_like of int
        Products of the gadget, and size of the subsets, 1 <= k <= n.
    weight, tolerance : float
        Target weight w, and tolerance > 0.
    law : ReluProduct, optional
        Law of the products; uniform weights unless given.

    Returns
    -------
    float64, broadcast shape

    Raises
    ------
    ValueError
        If k < 1, k > n or the tolerance is not positive.

    Notes
    -----
    Derived for this project: the first moment in the proof of Theorem 2 of Natale et al. 2024, for
    the law of its Theorem 3.

    Examples
    --------
    >>> float(expected_hits(1000, 1, 0.5, 0.01).round(2))  # 500 live ones, density ln(2) / 2
    3.47
    """
    sizes, samples = sizes_and_samples(k, n)
    return as_floats(_sum(samples, sizes, _term_bits(sizes, weight, tolerance, law)))


def least_samples(
    k: ArrayLike,
    weight: float,
    tolerance: float,
    hits: float = 0.5,
    law: ReluProduct | None = None,
) -> IntOrInts:
    r"""Smallest n with ``expected_hits(n, k, weight, tolerance)`` at least h.

    By Markov's inequality fewer products serve the weight with probability below h, so that with
    h = 1/2 this bounds from below the n at which half of the gadgets serve it.

    Parameters
    ----------
    k : array_like of int
        Size of the subsets, >= 1.
    weight, tolerance : float
        Target weight w, and tolerance > 0.
    hits : float
        h, > 0.
    law : ReluProduct, optional
        Law of the products; uniform weights unless given.

    Returns
    -------
    int64, shape of k

    Raises
    ------
    ValueError
        If an argument is out of range, or n would not fit in 62 bits (a weight out of reach).

    Notes
    -----
    Derived for this project.

    Examples
    --------
    >>> least_samples([1, 2, 10], 1.0, 0.005)
    array([159734,     68,     14])
    """
    sizes = integers(k, "size k", 1)
    aim = float(between(hits, "hits", 0.0, np.inf))
    bits = _term_bits(sizes, weight, tolerance, law)

    def enough(n: NDArray[np.int64]) -> NDArray[np.bool_]:
        return _sum(n, sizes, bits) >= aim

    high = np.full(sizes.shape, _LARGEST)
    if not np.all(enough(high)):
        raise ValueError(f"no n up to 2^62 brings {aim:g} expected hits of the weight {weight:g}")
    return smallest_integer(enough, sizes, high)


def _term_bits(
    sizes: NDArray[np.int64], weight: float, tolerance: float, law: ReluProduct | None
) -> NDArray[np.float64]:
    """log2 of the probability that j chosen products are live and hit, for j = 1, 2, ..."""
    between(tolerance, "tolerance", 0.0, np.inf)
    terms = np.arange(1, sizes.max() + 1)
    goal, width = np.full(terms.shape, float(weight)), np.full(terms.shape, float(tolerance))
    hit = hit_probability(terms, goal, width, (law or ReluProduct()).live)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log2(hit) - terms)


def _sum(
    n: NDArray[np.int64], sizes: NDArray[np.int64], bits: NDArray[np.float64]
) -> NDArray[np.float64]:
    terms = np.arange(1, len(bits) + 1)
    chosen = np.minimum(terms, sizes[..., None])
    hits = np.exp2(np.minimum(log2_binomial(n[..., None], chosen) + bits, 1000.0))
    return np.asarray(np.sum(np.where(terms <= sizes[..., None], hits, 0.0), axis=-1))
