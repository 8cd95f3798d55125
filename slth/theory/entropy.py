"""Binary entropy and binomial coefficients: how many k-subsets n samples have, in bits."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize.elementwise import find_root
from scipy.special import gammaln, xlog1py, xlogy

from slth.arrays import FloatOrFloats
from slth.theory._common import as_floats, between

_LN2 = np.log(2.0)


def binary_entropy(p: ArrayLike) -> FloatOrFloats:
    r"""$H_2(p) = -p\log_2 p - (1-p)\log_2(1-p)$ bits, with $H_2(0)=H_2(1)=0$.

    Parameters
    ----------
    p : array_like of float
        Probabilities in [0, 1]; relative accuracy holds down to the smallest p.

    Returns
    -------
    float64, shape of p

    Raises
    ------
    ValueError
        If some p lies outside [0, 1].

    Notes
    -----
    The quantity in the denominator of Theorem 2 of Natale et al. 2024.

    Examples
    --------
    >>> binary_entropy([0.0, 0.5, 1.0])
    array([0., 1., 0.])
    """
    probability = between(p, "p", 0.0, 1.0, closed="low high")
    entropy = -(xlogy(probability, probability) + xlog1py(1.0 - probability, -probability)) / _LN2
    return as_floats(entropy + 0.0)  # + 0.0 turns -0.0 into 0.0


def inverse_binary_entropy(h: ArrayLike) -> FloatOrFloats:
    r"""$p\in[0,\tfrac12]$ with $H_2(p)=h$.

    Parameters
    ----------
    h : array_like of float
        Entropies in [0, 1] bits.

    Returns
    -------
    float64, shape of h

    Raises
    ------
    ValueError
        If some h lies outside [0, 1].

    Notes
    -----
    The root is bracketed by $h/(2\log_2(6/h)) \le p \le h/2$: the upper end because $H_2$ is
    concave with $H_2(\tfrac12)=1$, the lower end because $H_2$ exceeds h nowhere before it (checked
    in the tests).

    Examples
    --------
    >>> round(float(inverse_binary_entropy(binary_entropy(0.11))), 12)
    0.11
    """
    entropy = between(h, "h", 0.0, 1.0, closed="low high")
    inside = (entropy > 0.0) & (entropy < 1.0)
    target = np.where(inside, entropy, 0.5)  # the ends are filled in below
    result = find_root(
        lambda p, aim: binary_entropy(p) - aim,
        (target / (2.0 * np.log2(6.0 / target)), target / 2.0),
        args=(target,),
    )
    return as_floats(np.where(inside, result.x, entropy / 2.0))


def log2_binomial(n: ArrayLike, k: ArrayLike) -> FloatOrFloats:
    r"""$\log_2\binom nk$ for real $0\le k\le n$.

    Computed as $nH_2(\tfrac kn)+\tfrac12\log_2\frac n{2\pi
    k(n-k)}+(\delta_n-\delta_k-\delta_{n-k})\log_2e$, where $\delta_m=\ln m!-\ln(\sqrt{2\pi
    m}\,m^me^{-m})$ is the error of Stirling's formula.  In this form nothing large cancels, so the
    result is good to a few units in the last place for any size of n.

    Parameters
    ----------
    n, k : array_like of float
        Broadcast; 0 <= k <= n.  Real numbers are allowed: factorials are then Gamma functions.

    Returns
    -------
    float64, broadcast shape

    Raises
    ------
    ValueError
        If k < 0 or k > n somewhere.

    Examples
    --------
    >>> round(float(log2_binomial(20, 10)), 9) == round(float(np.log2(184756)), 9)
    True
    """
    samples, sizes = _checked(n, k)
    a, b, middle = _inside(samples, sizes)
    correction = (_stirling_error(a) - _stirling_error(b) - _stirling_error(a - b)) / _LN2
    return as_floats(np.where(middle, _stirling(a, b, 2.0 * np.pi) + correction, 0.0))


def log2_binomial_bounds(n: ArrayLike, k: ArrayLike) -> tuple[FloatOrFloats, FloatOrFloats]:
    r"""$\sqrt{\frac n{8k(n-k)}}\le\binom nk2^{-nH_2(k/n)}\le\sqrt{\frac n{2\pi k(n-k)}}$, in bits.

    Parameters
    ----------
    n, k : array_like of float
        Broadcast; 0 <= k <= n.  At k = 0 and k = n both bounds are the exact 0 bits.

    Returns
    -------
    lower, upper : float64, broadcast shape

    Raises
    ------
    ValueError
        If k < 0 or k > n somewhere.

    Notes
    -----
    The upper bound is the one in the proof of Theorem 5 of Natale et al. 2024; the lower bound is
    its classical companion, with equality at n = 2, k = 1.

    Examples
    --------
    >>> lower, upper = log2_binomial_bounds(20, 10)
    >>> bool(lower <= log2_binomial(20, 10) <= upper)
    True
    """
    samples, sizes = _checked(n, k)
    a, b, middle = _inside(samples, sizes)
    lower, upper = (np.where(middle, _stirling(a, b, factor), 0.0) for factor in (8.0, 2 * np.pi))
    return as_floats(lower), as_floats(upper)


def _checked(n: ArrayLike, k: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    samples, sizes = np.broadcast_arrays(
        np.asarray(n, dtype=np.float64), np.asarray(k, dtype=np.float64)
    )
    if not np.all((sizes >= 0) & (sizes <= samples)):
        raise ValueError("log2 of a binomial coefficient needs 0 <= k <= n")
    return samples, sizes


def _inside(
    n: NDArray[np.float64], k: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return n, min(k, n-k) and where 0 < k < n; elsewhere the pair is the harmless (2, 1)."""
    middle = (k > 0) & (k < n)
    # The smaller of k and n - k: its ratio to n keeps full relative accuracy.
    return np.where(middle, n, 2.0), np.where(middle, np.minimum(k, n - k), 1.0), middle


def _stirling(n: NDArray[np.float64], k: NDArray[np.float64], factor: float) -> NDArray[np.float64]:
    """N H2(k/n) + log2(n / (factor k (n-k))) / 2, for 0 < k < n."""
    entropy: NDArray[np.float64] = n * np.asarray(binary_entropy(k / n))
    return entropy + 0.5 * np.log2(n / (k * (n - k)) / factor)


def _stirling_error(m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ln m! minus Stirling's formula, m > 0: its asymptotic series from m = 16 on."""
    small = np.minimum(m, 16.0)
    direct = gammaln(small + 1.0) - (small + 0.5) * np.log(small) + small - 0.5 * np.log(2 * np.pi)
    large = np.maximum(m, 16.0)
    inverse = 1.0 / large**2
    series = (
        1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse * (1 / 1680 - inverse / 1188)))
    ) / large
    return np.where(m < 16.0, direct, series)
