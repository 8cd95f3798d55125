"""Sample laws: the uniform, the normal, and the sums of k independent draws from them.

A law is a frozen dataclass with the moments, density, distribution function and sampler of one
draw; a :class:`SumLaw` also knows the law of the sum of k draws.  The product laws of the ReLU
trick are in :mod:`slth.theory.products`.
"""

from dataclasses import dataclass
from typing import Protocol
from warnings import warn

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import BSpline
from scipy.special import ndtr

from slth.arrays import FloatOrFloats
from slth.theory._common import as_floats, by_size, integers

Shape = int | tuple[int, ...]


class Law(Protocol):
    """A probability law on the real line with finite variance."""

    @property
    def mean(self) -> float:
        """First moment."""

    @property
    def variance(self) -> float:
        """Second central moment."""

    def pdf(self, x: ArrayLike) -> FloatOrFloats:
        """Density (of the part without atoms, if there are atoms)."""

    def cdf(self, x: ArrayLike) -> FloatOrFloats:
        """Probability of a value <= x."""

    def sample(self, rng: np.random.Generator | int, shape: Shape) -> NDArray[np.float64]:
        """Independent draws as a float64 array."""


class SumLaw(Law, Protocol):
    """A law without atoms that also knows the sum of k independent draws."""

    @property
    def kurtosis(self) -> float:
        """Fourth central moment over the squared variance (3 for the normal law)."""

    def sum_pdf(self, x: ArrayLike, k: ArrayLike) -> FloatOrFloats:
        """Density of the sum of k draws."""

    def sum_cdf(self, x: ArrayLike, k: ArrayLike) -> FloatOrFloats:
        """Probability that the sum of k draws is <= x."""


@dataclass(frozen=True)
class Uniform:
    r"""$f(x)=1/(b-a)$ on $[a,b]$; sums of k draws follow the (scaled) Irwin–Hall law.

    The k-fold density is the cardinal B-spline of degree k-1, evaluated by de Boor's recurrence:
    sums and products of non-negative numbers only, so the relative accuracy stays near 1e-15 for
    hundreds of terms and out into the tails (checked against exact rational arithmetic).

    Parameters
    ----------
    low, high : float
        The ends of the interval; [-1, 1] is the law of Lemma 1 of Natale et al. 2024.

    Raises
    ------
    ValueError
        If low >= high or an end is not finite.

    Examples
    --------
    >>> law = Uniform()
    >>> law.mean, round(law.variance, 6)
    (0.0, 0.333333)
    >>> law.sum_pdf([-2.0, 0.0, 1.0], 2)
    array([0.  , 0.5 , 0.25])
    """

    low: float = -1.0
    high: float = 1.0

    def __post_init__(self) -> None:
        """Refuse an empty or infinite interval."""
        if not (np.isfinite(self.low) and np.isfinite(self.high) and self.low < self.high):
            raise ValueError(
                f"a uniform law needs finite low < high, got [{self.low}, {self.high}]"
            )

    @property
    def mean(self) -> float:
        """The midpoint."""
        return (self.low + self.high) / 2

    @property
    def variance(self) -> float:
        """Width squared over 12."""
        return (self.high - self.low) ** 2 / 12

    @property
    def kurtosis(self) -> float:
        """9/5 whatever the interval."""
        return 1.8

    def pdf(self, x: ArrayLike) -> FloatOrFloats:
        """Density of one draw; the closed interval counts as the support."""
        return self.sum_pdf(x, 1)

    def cdf(self, x: ArrayLike) -> FloatOrFloats:
        """Distribution function of one draw."""
        return self.sum_cdf(x, 1)

    def sample(self, rng: np.random.Generator | int, shape: Shape) -> NDArray[np.float64]:
        """Draw from the law."""
        return np.random.default_rng(rng).uniform(self.low, self.high, shape)

    def sum_pdf(self, x: ArrayLike, k: ArrayLike) -> FloatOrFloats:
        r"""Density of $X_1+\dots+X_k$ at x; x and k broadcast, k >= 1 integer."""
        width = self.high - self.low
        return by_size(lambda v, s: _irwin_hall_pdf((v - s * self.low) / width, s) / width, x, k)

    def sum_cdf(self, x: ArrayLike, k: ArrayLike) -> FloatOrFloats:
        r"""$\Pr(X_1+\dots+X_k\le x)$; x and k broadcast, k >= 1 integer."""
        width = self.high - self.low
        return by_size(lambda v, s: _irwin_hall_cdf((v - s * self.low) / width, s), x, k)


@dataclass(frozen=True)
class Normal:
    r"""$f(x)=e^{-x^2/2s^2}/\sqrt{2\pi s^2}$; the sum of k draws is normal with variance $ks^2$.

    Parameters
    ----------
    std : float
        The standard deviation s > 0.

    Raises
    ------
    ValueError
        If std is not a positive number.

    Examples
    --------
    >>> law = Normal(std=2.0)
    >>> bool(law.sum_pdf(1.0, 4) == Normal(std=4.0).pdf(1.0))
    True
    """

    std: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a standard deviation that is not a positive number."""
        if not (np.isfinite(self.std) and self.std > 0):
            raise ValueError(f"a normal law needs a positive standard deviation, got {self.std}")

    @property
    def mean(self) -> float:
        """Zero."""
        return 0.0

    @property
    def variance(self) -> float:
        """Square of the standard deviation."""
        return self.std**2

    @property
    def kurtosis(self) -> float:
        """Three."""
        return 3.0

    def pdf(self, x: ArrayLike) -> FloatOrFloats:
        """Density of one draw."""
        return self.sum_pdf(x, 1)

    def cdf(self, x: ArrayLike) -> FloatOrFloats:
        """Distribution function of one draw."""
        return self.sum_cdf(x, 1)

    def sample(self, rng: np.random.Generator | int, shape: Shape) -> NDArray[np.float64]:
        """Draw from the law."""
        return np.random.default_rng(rng).normal(0.0, self.std, shape)

    def sum_pdf(self, x: ArrayLike, k: ArrayLike) -> FloatOrFloats:
        r"""Density of $X_1+\dots+X_k$ at x; x and k broadcast, k >= 1 integer."""
        scale = self.std * np.sqrt(integers(k, "size k", 1))
        standard = np.asarray(x, dtype=np.float64) / scale
        return as_floats(np.exp(-(standard**2) / 2) / (np.sqrt(2 * np.pi) * scale))

    def sum_cdf(self, x: ArrayLike, k: ArrayLike) -> FloatOrFloats:
        r"""$\Pr(X_1+\dots+X_k\le x)$; x and k broadcast, k >= 1 integer."""
        scale = self.std * np.sqrt(integers(k, "size k", 1))
        return as_floats(ndtr(np.asarray(x, dtype=np.float64) / scale))


def sum_bounded_constants(law: SumLaw, k: ArrayLike) -> tuple[FloatOrFloats, FloatOrFloats]:
    r"""$c_l(k)=\sqrt k\min_{|x|\le\sqrt k}f_k(x)$ and $c_u(k)=\sqrt k\max_xf_k(x)$.

    A law is sum-bounded when $c_l=\inf_kc_l(k)>0$ and $c_u=\sup_kc_u(k)<\infty$.  For Uniform[-1,
    1] the sharp values are $c_u=1/\sqrt2$, attained at k = 2, and $c_l=\sqrt{3/2\pi}\,e^{-3/2}$,
    approached as k grows.

    Parameters
    ----------
    law : SumLaw
        A law whose k-fold density is symmetric about its mean and unimodal, such as Uniform or
        Normal: the minimum is then at an end of the interval and the maximum at the mean.
    k : array_like of int
        Numbers of terms, >= 1.

    Returns
    -------
    c_l, c_u : float64, shape of k

    Notes
    -----
    Definition 1 and Lemma 1 of Natale et al. 2024; the sharp constants are derived for this
    project.

    Examples
    --------
    >>> lower, upper = sum_bounded_constants(Uniform(), [1, 2, 3])
    >>> upper.round(4)
    array([0.5   , 0.7071, 0.6495])
    """
    sizes = integers(k, "size k", 1)
    root = np.sqrt(sizes)
    lowest = np.minimum(law.sum_pdf(root, sizes), law.sum_pdf(-root, sizes))
    return root * lowest, root * law.sum_pdf(sizes * law.mean, sizes)


def berry_esseen_bound(k: ArrayLike) -> FloatOrFloats:
    r"""$\sup_x|F_k(x)-\Phi(x)|\le\frac{\sqrt3}{20\sqrt k}$ for the standardised sum of k uniforms.

    Parameters
    ----------
    k : array_like of int
        Numbers of terms, >= 1.

    Returns
    -------
    float64, shape of k

    Notes
    -----
    Allasia's bound for the Irwin–Hall law, as the proof of Lemma 1 of Natale et al. 2024 uses it.

    Examples
    --------
    >>> round(float(berry_esseen_bound(3)), 12)
    0.05
    """
    return as_floats(np.sqrt(3.0) / (20.0 * np.sqrt(integers(k, "size k", 1))))


def tail_mass_margin(k: ArrayLike) -> FloatOrFloats:
    r"""$1-\Phi(\sqrt3)-2\cdot\frac{\sqrt3}{20\sqrt k}$: mass that Lemma 1 finds beyond $\sqrt k$.

    In units of its standard deviation $\sqrt{k/3}$, the point $\sqrt k$ is $\sqrt3$.  By symmetry
    and unimodality $f_k(\sqrt k)$ is at least the mass on an interval $[\sqrt k,y]$ over its
    length, and the Berry–Esseen type bound, used at both ends, leaves at most this much mass (y to
    infinity).  Some y gives a positive lower bound if and only if the margin is positive: first at
    k = 18.

    Parameters
    ----------
    k : array_like of int
        Numbers of terms, >= 1.

    Returns
    -------
    float64, shape of k

    Notes
    -----
    Lemma 1 of Natale et al. 2024.

    Examples
    --------
    >>> tail_mass_margin([17, 18]) > 0
    array([False,  True])
    """
    return as_floats(ndtr(-np.sqrt(3.0)) - 2.0 * berry_esseen_bound(k))


def _irwin_hall_pdf(u: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """Density of the sum of k uniforms on [0, 1]."""
    coefficients = np.zeros(2 * k - 1)
    coefficients[k - 1] = 1.0  # the B-spline that starts at knot 0
    spline = BSpline(np.arange(1.0 - k, 2.0 * k), coefficients, k - 1)
    inside = (u >= 0.0) & (u <= k)
    left = np.minimum(u, k - u)  # by symmetry; the left tail keeps its relative accuracy
    return np.where(inside, spline(np.where(inside, left, 0.0)), 0.0)


def _irwin_hall_cdf(u: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """Distribution function: the sum of all B-splines of degree k that start at a knot >= 0."""
    knots = np.arange(-float(k), 2.0 * k + 1.0)
    spline = BSpline(knots, (knots[: 2 * k] >= 0.0).astype(np.float64), k)
    left: NDArray[np.float64] = spline(np.clip(np.minimum(u, k - u), 0.0, None))
    return np.where(u <= k / 2, left, 1.0 - left)


def __getattr__(name: str) -> type[Normal]:
    """Find the normal law under its old name, with a warning."""
    if name != "Gaussian":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warn(f"{__name__}.Gaussian is {__name__}.Normal now", DeprecationWarning, stacklevel=2)
    return Normal
