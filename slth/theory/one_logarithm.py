r"""One logarithm for every k: the arithmetic of its proof, its constant, and other laws.

Theorem 1: $nH_2(\frac kn)\ge500\log_2\frac k\varepsilon$ is enough for uniform samples, by cells
for few terms, by pairs (:mod:`slth.theory.pairs`) for many, and by groups
(:mod:`slth.theory.groups`) between.  Theorem 2: with few terms the constant is 1.  Proposition 3:
it cannot be below 3.06 at $k=\frac n2$.  Floats of samples here may be too large for floats, so
logarithms are given.  Derived for this project.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.stats import binom

from slth.arrays import FloatOrFloats, Floats
from slth.theory._common import as_floats, between, integers, sizes_and_samples
from slth.theory.entropy import binary_entropy
from slth.theory.laws import Uniform

CONSTANT = 500.0
r"""$C$ in $nH_2(\frac kn)\ge C\log_2\frac k\varepsilon$: enough for every k."""

FEW, MANY = 15, 50
"""Cells up to 15 terms, pairs from 50 b terms on, groups between."""

_LN2 = math.log(2.0)


def log2_least_samples(k: ArrayLike, aim: ArrayLike) -> FloatOrFloats:
    r"""$\log_2n$ for the least real $n\ge2k$ with $nH_2(\frac kn)\ge$ ``aim`` bits.

    Parameters
    ----------
    k : array_like of int
        Terms, >= 1.
    aim : array_like of float
        Bits, >= 0; n itself may be too large for a float.

    Returns
    -------
    float64, broadcast shape

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> log2_least_samples(16, [32.0, 500 * 20])
    array([  5.        , 627.55730496])
    """
    size, bits = np.broadcast_arrays(
        integers(k, "size k", 1), between(aim, "aim", 0.0, np.inf, closed="low")
    )
    each = bits / size  # bits per term: y + (2^y - 1) log2(1 + 1 / (2^y - 1)), y = log2(n / k)
    low, high = np.ones(size.shape), np.maximum(each, 1.0)

    def per_term(y: NDArray[np.float64]) -> NDArray[np.float64]:
        others = np.exp2(np.minimum(y, 60.0)) - 1.0
        return np.asarray(y + others * np.log1p(1.0 / others) / _LN2)

    for _ in range(100):
        middle = (low + high) / 2
        enough = per_term(middle) >= each
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return as_floats(np.log2(size) + high)


def spare_bits(k: ArrayLike, bits: ArrayLike, constant: float = CONSTANT) -> FloatOrFloats:
    r"""$\log_2(\frac34\varepsilon)$ minus that of Theorem 1's bound on failure, at the least n.

    The three cases are *few terms* ($k\le15$), *many terms* ($k\ge50b$) and *groups* between,
    each with the bounds of the proof and whole numbers of groups, samples and successes.

    Parameters
    ----------
    k : array_like of int
        Terms, >= 1.
    bits : array_like of float
        $\log_2\frac1\varepsilon\ge1$.
    constant : float
        C in $nH_2(\frac kn)\ge C\log_2\frac k\varepsilon$, > 0.

    Returns
    -------
    float64, broadcast shape
        Negative where the proof does not go through; -inf where one of its premises fails.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> bool(spare_bits([1, 100, 10_000], 8.0).min() > 12)
    True
    """
    size, precision = _terms_and_bits(k, bits)
    b = np.log2(size) + precision
    log_n = np.asarray(log2_least_samples(size, between(constant, "constant", 0, np.inf) * b))
    groups = _bits_of_groups(_halves(size, log_n), size, precision)
    terms = np.where(size <= FEW, _bits_of_cells(size, b, log_n), groups)
    terms = np.where(size >= MANY * b, _bits_of_pairs(size, precision), terms)
    return as_floats(np.log2(0.75) - precision + terms)


def pair_spare_bits(k: ArrayLike, bits: ArrayLike) -> FloatOrFloats:
    r"""$\log_2\varepsilon$ minus that of the pairs' bound with $m=\lfloor\frac25k\rfloor$ pairs.

    The bound is that of :func:`slth.theory.pairs.all_targets_failure`, with the first phase ending
    at $h=\lceil13b\rceil$, $b=\log_2\frac k\varepsilon$.

    Parameters
    ----------
    k : array_like of int
        Terms, >= 1.
    bits : array_like of float
        $\log_2\frac1\varepsilon\ge1$.

    Returns
    -------
    float64, broadcast shape
        Positive for $k\ge50b$; -inf where the pairs are fewer than h.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> bool(pair_spare_bits(50 * 20, 20 - np.log2(1000)) > 12)
    True
    """
    size, precision = _terms_and_bits(k, bits)
    return as_floats(_bits_of_pairs(size, precision) - precision)


def few_terms_spare_bits(k: ArrayLike, b: ArrayLike, delta: ArrayLike, c_l: float) -> FloatOrFloats:
    r"""$\frac\delta2b-1-k\log_2(er)$: what blocks leave of Theorem 2's bits, $k<200/\delta^2$.

    $r=\lceil\frac4c\ln\frac k\varepsilon\rceil$ blocks, each with a chance of
    $c=c_l/(\sqrt8+\sqrt k)$.

    Parameters
    ----------
    k : array_like of int
        Terms, >= 1.
    b : array_like of float
        $\log_2\frac k\varepsilon\ge1$.
    delta : array_like of float
        In (0, 1].
    c_l : float
        Constant of Lemma 1 of Natale et al. 2024, in (0, 1).

    Returns
    -------
    float64, broadcast shape

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> round(float(few_terms_spare_bits(1, 100.0, 1.0, 0.154)), 1)
    34.8
    """
    size, bits = integers(k, "size k", 1), between(b, "b", 1.0, np.inf, closed="low")
    part = between(delta, "delta", 0.0, 1.0, closed="high")
    chance = between(c_l, "c_l", 0.0, 1.0) / (np.sqrt(8.0) + np.sqrt(size))
    blocks = np.ceil(4.0 / chance * bits * np.log(2.0))
    return as_floats(part / 2.0 * bits - 1.0 - size * np.log2(np.e * blocks))


def many_groups_spare_bits(k: ArrayLike, b: ArrayLike, delta: ArrayLike) -> FloatOrFloats:
    r"""$\log_2\varepsilon$ minus that of the bound in the proof of Theorem 2, $k\ge200/\delta^2$.

    At $nH_2(\frac kn)=(1+\delta)b$, with $j=\lceil\frac{4\sqrt k+1}3\rceil$ terms from the
    reserve, $K_2=\lceil\frac{\delta k}8\rceil$ and groups of $\lfloor\frac n{2k}\rfloor$.

    Parameters
    ----------
    k, b, delta : array_like
        As in :func:`few_terms_spare_bits`, with $b\ge1+\log_2k$.

    Returns
    -------
    float64, broadcast shape
        -inf where a premise of the proof fails.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> bool(many_groups_spare_bits(200, 200 * 100.0, 1.0) > 0)
    True
    """
    size, bits, part = np.broadcast_arrays(
        integers(k, "size k", 1),
        between(b, "b", 1.0, np.inf, closed="low"),
        between(delta, "delta", 0.0, 1.0, closed="high"),
    )
    size, precision = _terms_and_bits(size, bits - np.log2(size))
    log_n = np.asarray(log2_least_samples(size, (1.0 + part) * bits))
    filling = np.ceil(part * size / 8.0)
    steering = np.ceil((4.0 * np.sqrt(size) + 1.0) / 3.0)
    growing = np.asarray(size - steering - filling, dtype=np.float64)
    use = _Use(steering, growing, filling, log_n - 1.0, log_n - 1.0 - np.log2(size))
    return as_floats(_bits_of_groups(use, size, precision) - precision)


def unlucky_exponent(density: float) -> float:
    r"""$I(\gamma)$: no target $\sqrt k$ is reached with probability at least $2^{-In+o(n)}$.

    The event that exactly $k=\gamma n$ samples lie above $-c$ and have a sum $\le0$, for the best
    c; by Cramér's theorem it costs
    $-H_2(\gamma)-\gamma\log_2\big(\tfrac12\min_{\theta<0}\tfrac{e^\theta-e^{-c\theta}}\theta\big)
    -(1-\gamma)\log_2\tfrac{1-c}2$ bits a sample.

    Parameters
    ----------
    density : float
        gamma in (0, 1/2].

    Returns
    -------
    float
        Bits per sample.

    Raises
    ------
    ValueError
        If the density is out of range.

    Notes
    -----
    Proposition 3.

    Examples
    --------
    >>> round(unlucky_exponent(0.5), 5)
    0.32615
    """
    gamma = float(between(density, "density", 0.0, 0.5, closed="high"))

    def log_moment(u: float, c: float) -> float:
        """Half the integral of exp(-u x) over [-c, 1], as a logarithm."""
        return u * c + math.log(-math.expm1(-u * (1.0 + c)) / (2.0 * u))

    def bits(c: float) -> float:
        least = minimize_scalar(log_moment, bounds=(1e-9, 60.0), args=(c,), method="bounded")
        above = gamma * least.fun / _LN2
        return -float(binary_entropy(gamma) + above + (1.0 - gamma) * np.log2((1.0 - c) / 2.0))

    return float(minimize_scalar(bits, bounds=(1e-9, 1.0 - 1e-9), method="bounded").fun)


def constant_floor(density: float) -> float:
    r"""$H_2(\gamma)/I(\gamma)$: no smaller constant can stand in Theorem 1 at this density.

    Parameters
    ----------
    density : float
        gamma in (0, 1/2].

    Returns
    -------
    float
        It says nothing unless it exceeds 1, which counting asks for.

    Raises
    ------
    ValueError
        If the density is out of range.

    Notes
    -----
    Proposition 3: with $\varepsilon=k2^{-b}$ and $nH_2(\gamma)=Cb$ the failure $2^{-In}$ exceeds
    $\varepsilon$ for large n, unless $CI\ge H_2(\gamma)$.

    Examples
    --------
    >>> [round(constant_floor(gamma), 2) for gamma in (0.5, 0.4, 0.3, 0.2)]
    [3.07, 2.19, 1.54, 1.01]
    """
    return float(binary_entropy(density)) / unlucky_exponent(density)


def unlucky_probability(n: int, k: int, c: float) -> float:
    r"""$\binom nk(\frac{1+c}2)^k(\frac{1-c}2)^{n-k}\Pr[U_1+\dots+U_k\le0]$, finite Proposition 3.

    Exactly k samples lie above -c, and their sum, of $U_i$ uniform on [-c, 1], is not positive: no
    k-subset has a positive sum.

    Parameters
    ----------
    n, k : int
        Samples and terms, 1 <= k <= n.
    c : float
        In (0, 1).

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Proposition 3, at finite n.

    Examples
    --------
    >>> round(unlucky_probability(8, 4, 0.45), 4)
    0.0109
    """
    size, samples = sizes_and_samples(k, n)
    end = float(between(c, "c", 0.0, 1.0))
    above = binom.pmf(int(size), int(samples), (1.0 + end) / 2.0)
    return float(above * Uniform(-end, 1.0).sum_cdf(0.0, int(size)))


def mixture_constant(uniform: ArrayLike, constant: float = CONSTANT) -> FloatOrFloats:
    r"""$500+50\log_2\frac2p$: the constant for laws that are uniform with weight p, Corollary 4.

    With $nH_2(\frac kn)$ at least so many times $\log_2\frac k\varepsilon$, and $k\le\frac{pn}4$,
    all targets are served with probability at least $1-\varepsilon$.

    Parameters
    ----------
    uniform : array_like of float
        p in (0, 1].
    constant : float
        That of Theorem 1, > 0.

    Returns
    -------
    float64, shape of uniform

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> mixture_constant([1.0, 0.5])
    array([550., 600.])
    """
    weight = between(uniform, "uniform", 0.0, 1.0, closed="high")
    return as_floats(between(constant, "constant", 0.0, np.inf) + MANY * np.log2(2.0 / weight))


class _Use(NamedTuple):
    """How many terms come from where, and the logarithms of $n_0$ and m."""

    steering: Floats
    growing: Floats
    filling: Floats
    log_reserve: Floats
    log_size: Floats


def _halves(size: NDArray[np.int64], log_n: Floats) -> _Use:
    """Logarithms of :func:`halves`, whose n may be too large for a float."""
    groups = size // 2
    growing = groups // 2
    log_size = log_n - np.log2(size)
    whole = np.log2(np.floor(np.exp2(np.minimum(log_size, 50.0))))
    return _Use(
        (size - groups).astype(np.float64),
        growing.astype(np.float64),
        (groups - growing).astype(np.float64),
        log_n - 1.0,
        np.where(log_size < 50.0, whole, log_size),
    )


def _bits_of_groups(use: _Use, size: NDArray[np.int64], precision: Floats) -> Floats:
    """Minus the logarithm of Theorem G's bound, as the proofs of Theorems 1 and 2 estimate it."""
    with np.errstate(over="ignore", invalid="ignore"):
        m = np.exp2(use.log_size)
        rate = np.maximum(use.log_size - 4.0, 0.08)  # log2(17 / 16), where m may be too small
        wanted = np.maximum(0.0, np.ceil((precision - 3.0) / rate))
        failures = use.growing - wanted + 1.0
        reserve = np.exp2(use.log_reserve - 6.0) / _LN2 - 3.0
        # Fewer than s successes can be chosen in at most 2^(K_1 H_2((s - 1) / K_1)) ways.
        part = np.clip((wanted - 1.0) / np.maximum(use.growing, 1.0), 0.0, 0.5)
        ways = use.growing * np.asarray(binary_entropy(part))
        growing = failures * m / 55.0 / _LN2 - ways
        filling = m * use.filling / 16.0 / _LN2 - precision - np.log2(0.75)
        total = -np.logaddexp2(np.logaddexp2(-reserve, -growing), -filling)
    sound = (m >= 17) & (failures >= 1) & (0.75 * use.steering >= np.sqrt(size) + 0.25)
    return np.where(sound & (np.log2(size) + 4.0 <= use.log_reserve), total, -np.inf)


def _bits_of_cells(size: NDArray[np.int64], b: Floats, log_n: Floats) -> Floats:
    r"""Minus the logarithm of $Je^{-n/8J}$, for $J=2x+1$ cells, $x=k/\varepsilon$."""
    cells = np.logaddexp2(b + 1.0, 0.0)
    with np.errstate(over="ignore"):
        bits = np.exp2(log_n - cells - 3.0) / _LN2 - cells
    return np.where(log_n - cells >= 1.0 + np.log2(size), bits, -np.inf)


def _bits_of_pairs(size: NDArray[np.int64], precision: Floats) -> Floats:
    """Minus the logarithm of $F(m)+2e^{-t^2/2(2k-m)}$, for $m=2k/5$ and $h=13b$."""
    pairs = np.floor(0.4 * size)
    first = np.ceil(13.0 * (np.log2(size) + precision))
    steering = size - pairs
    slack = steering**2 / (2.0 * steering + 1.0) + 1.0 - np.sqrt(size)
    growing = (first - 4.0 * precision) ** 2 / (8.0 * first) / _LN2
    filling = np.log2(4.0 / 3.0) * (pairs - first) - 1.0 - precision
    reach = slack**2 / (2.0 * (2.0 * size - pairs)) / _LN2 - 1.0
    total = -np.logaddexp2(np.logaddexp2(-growing, -filling), -reach)
    return np.where((pairs >= first) & (slack >= 0.0), total, -np.inf)


def _terms_and_bits(k: ArrayLike, bits: ArrayLike) -> tuple[NDArray[np.int64], Floats]:
    size, precision = np.broadcast_arrays(
        integers(k, "size k", 1), between(bits, "bits", 1.0, np.inf, closed="low")
    )
    return size, precision
