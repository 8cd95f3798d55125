r"""Product laws of the ReLU trick: $b\,\sigma(a)=b\max(a,0)$ for independent weights a and b.

With probability one half a is negative and the product is *dead*, exactly zero.  Otherwise it is
*live*: its law is that of $|a|\,b$.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import k0, ndtr, sici, xlogy

from slth.arrays import FloatOrFloats
from slth.theory._common import as_floats, between, by_size
from slth.theory.laws import Shape
from slth.weight_laws import CONTINUOUS_LAWS, WeightLaw


@dataclass(frozen=True)
class UniformProduct:
    r"""$\tfrac12\ln(1/|t|)$ on $[-1,1]$: the law of $XY$, $X\sim U[0,1]$ and $Y\sim U[-1,1]$.

    Sums of k draws have bounded support $[-k,k]$, so their density is exactly the Fourier series
    with coefficients $(\mathrm{Si}(s)/s)^k$ at $s=j\pi/k$.  It is cut off after 2,048 terms, which
    leaves an absolute error below $10^{-6}$ (k = 1 is the closed form).

    Examples
    --------
    >>> law = UniformProduct()
    >>> round(law.variance, 6), round(float(law.cdf(0.0)), 6)
    (0.111111, 0.5)
    """

    @property
    def mean(self) -> float:
        """Zero by symmetry."""
        return 0.0

    @property
    def variance(self) -> float:
        """One third times one third."""
        return 1 / 9

    @property
    def kurtosis(self) -> float:
        """(1/5)^2 over the squared variance."""
        return 81 / 25

    def pdf(self, x: ArrayLike) -> FloatOrFloats:
        """Density of one draw (infinite at 0)."""
        return self.sum_pdf(x, 1)

    def cdf(self, x: ArrayLike) -> FloatOrFloats:
        r"""$\tfrac12+\tfrac t2(1+\ln(1/|t|))$ on [-1, 1]."""
        return self.sum_cdf(x, 1)

    def sample(self, rng: np.random.Generator | int, shape: Shape) -> NDArray[np.float64]:
        """Draw from the law."""
        generator = np.random.default_rng(rng)
        return generator.uniform(0.0, 1.0, shape) * generator.uniform(-1.0, 1.0, shape)

    def sum_pdf(self, x: ArrayLike, k: ArrayLike) -> FloatOrFloats:
        """Density of the sum of k draws at x; x and k broadcast, k >= 1 integer."""
        return by_size(_uniform_product_pdf, x, k)

    def sum_cdf(self, x: ArrayLike, k: ArrayLike) -> FloatOrFloats:
        """Probability that the sum of k draws is <= x; x and k broadcast, k >= 1 integer."""
        return by_size(_uniform_product_cdf, x, k)


@dataclass(frozen=True)
class NormalProduct:
    r"""$K_0(|t|)/\pi$: the law of $|a|\,b$ with a, b standard normal (K: modified Bessel function).

    The sum of k draws is normal with a variance that is an independent chi-square variable with k
    degrees of freedom; its density and distribution function are computed from that mixture.

    Examples
    --------
    >>> law = NormalProduct()
    >>> law.variance, round(float(law.cdf(0.0)), 6)
    (1.0, 0.5)
    >>> bool(np.isclose(law.sum_pdf(1.0, 2), np.exp(-1.0) / 2))  # Laplace for k = 2
    True
    """

    @property
    def mean(self) -> float:
        """Zero by symmetry."""
        return 0.0

    @property
    def variance(self) -> float:
        """One times one."""
        return 1.0

    @property
    def kurtosis(self) -> float:
        """Three times three."""
        return 9.0

    def pdf(self, x: ArrayLike) -> FloatOrFloats:
        """Density of one draw (infinite at 0)."""
        return self.sum_pdf(x, 1)

    def cdf(self, x: ArrayLike) -> FloatOrFloats:
        """Distribution function of one draw."""
        return self.sum_cdf(x, 1)

    def sample(self, rng: np.random.Generator | int, shape: Shape) -> NDArray[np.float64]:
        """Draw from the law."""
        generator = np.random.default_rng(rng)
        return np.abs(generator.standard_normal(shape)) * generator.standard_normal(shape)

    def sum_pdf(self, x: ArrayLike, k: ArrayLike) -> FloatOrFloats:
        """Density of the sum of k draws at x; x and k broadcast, k >= 1 integer."""
        return by_size(_normal_product_pdf, x, k)

    def sum_cdf(self, x: ArrayLike, k: ArrayLike) -> FloatOrFloats:
        """Probability that the sum of k draws is <= x; x and k broadcast, k >= 1 integer."""
        return by_size(_normal_product_cdf, x, k)


@dataclass(frozen=True)
class ReluProduct:
    r"""$D=\tfrac12\delta_0+\tfrac12\mathrm{Law}(|a|\,b)$: the law of $b\max(a,0)$, a and b i.i.d.

    Parameters
    ----------
    weights : {"uniform", "normal"}
        The law of a and b: Uniform[-1, 1] or standard normal.

    Attributes
    ----------
    atom : float
        Probability of exactly 0, one half.
    live : UniformProduct or NormalProduct
        The law given a > 0.

    Raises
    ------
    ValueError
        If weights names no known law.

    Notes
    -----
    Appendix G of Natale et al. 2024 (uniform weights).

    Examples
    --------
    >>> law = ReluProduct()
    >>> round(law.variance, 6), float(law.cdf(0.0))
    (0.055556, 0.75)
    >>> bool(np.isclose(law.uniform_weight(0.5), np.log(2) / 4))
    True
    """

    weights: WeightLaw = "uniform"

    def __post_init__(self) -> None:
        """Refuse an unknown name."""
        if self.weights not in CONTINUOUS_LAWS:
            raise ValueError(f'weights must be "uniform" or "normal", got {self.weights!r}')

    @property
    def atom(self) -> float:
        """Probability of a dead product."""
        return 0.5

    @cached_property
    def live(self) -> UniformProduct | NormalProduct:
        """The law of a live product."""
        return UniformProduct() if self.weights == "uniform" else NormalProduct()

    @property
    def mean(self) -> float:
        """Zero by symmetry."""
        return 0.0

    @property
    def variance(self) -> float:
        """Half of the live variance."""
        return self.live.variance / 2

    def pdf(self, x: ArrayLike) -> FloatOrFloats:
        """Density of the part without the atom: it integrates to one half."""
        return self.live.pdf(x) / 2

    def cdf(self, x: ArrayLike) -> FloatOrFloats:
        """Distribution function, with the jump of one half at 0."""
        jump = np.where(np.asarray(x, dtype=np.float64) >= 0.0, self.atom, 0.0)
        return as_floats(jump + self.live.cdf(x) / 2)

    def sample(self, rng: np.random.Generator | int, shape: Shape) -> NDArray[np.float64]:
        """Draw from the law; dead products are exactly 0."""
        generator = np.random.default_rng(rng)
        live = generator.random(shape) < 0.5
        return np.where(live, self.live.sample(generator, shape), 0.0)

    def uniform_weight(self, half_width: ArrayLike) -> FloatOrFloats:
        r"""$p(h)=2h\,f(h)$: the largest p for which D is a mixture with Uniform[-h, h] of weight p.

        The density f of the atom-free part falls on both sides of 0, so the box of height f(h) is
        the largest that fits.  For uniform weights $p(h)=\tfrac h2\ln\tfrac1h$: $\tfrac{\ln2}4$ at
        $h=\tfrac12$ (Appendix G of Natale et al. 2024), and at best $\tfrac1{2e}$, at $h=\tfrac1e$
        (derived for this project).
        """
        width = between(half_width, "half_width", 0.0, np.inf)
        return 2.0 * width * self.pdf(width)


def _uniform_product_pdf(x: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    if k == 1:
        magnitude = np.abs(x)
        with np.errstate(divide="ignore"):
            return np.where(magnitude < 1.0, -np.log(np.minimum(magnitude, 1.0)) / 2, 0.0)
    frequencies, coefficients = _fourier_coefficients(k)
    series: NDArray[np.float64] = np.cos(x[..., None] * frequencies) @ coefficients
    if k == 2:
        angle = np.pi / 2 * np.abs(x)
        series = series + np.pi**2 / 6 - np.pi * angle / 2 + angle**2 / 4
    density: NDArray[np.float64] = np.maximum(0.5 + series, 0.0) / k
    return np.where(np.abs(x) < k, density, 0.0)


def _uniform_product_cdf(x: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    inside: NDArray[np.float64] = np.clip(x, -k, k)
    if k == 1:
        logarithm: NDArray[np.float64] = xlogy(inside, np.abs(inside))
        return 0.5 + (inside - logarithm) / 2
    frequencies, coefficients = _fourier_coefficients(k)
    series: NDArray[np.float64] = np.sin(inside[..., None] * frequencies) @ (
        coefficients / frequencies
    )
    if k == 2:
        angle = np.pi / 2 * np.abs(inside)
        cubic = np.pi**2 * angle / 6 - np.pi * angle**2 / 4 + angle**3 / 12
        series = series + np.sign(inside) * cubic * 2 / np.pi
    return np.clip(0.5 + (inside / 2 + series) / k, 0.0, 1.0)


def _fourier_coefficients(k: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Frequencies j pi / k and the characteristic function there, while it matters in float64.

    For k = 2 the leading term 1 / j^2 is taken off: callers add its series in closed form.
    """
    index = np.arange(1.0, 2049.0)
    frequencies = index * (np.pi / k)
    coefficients: NDArray[np.float64] = (sici(frequencies)[0] / frequencies) ** k
    if k == 2:
        return frequencies, coefficients - 1 / index**2
    kept = np.flatnonzero(coefficients > 1e-18)[-1] + 1
    return frequencies[:kept], coefficients[:kept]


def _normal_product_pdf(x: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    if k == 1:
        return np.asarray(k0(np.abs(x))) / np.pi
    variances, weights = _chi_square_nodes(k)
    density = np.exp(-(x[..., None] ** 2) / (2 * variances)) / np.sqrt(2 * np.pi * variances)
    return density @ weights


def _normal_product_cdf(x: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    variances, weights = _chi_square_nodes(k)
    return np.asarray(ndtr(x[..., None] / np.sqrt(variances))) @ weights


def _chi_square_nodes(k: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Trapezoidal rule in ln s for the chi-square law with k degrees of freedom.

    Given a_1..a_k the sum of the a_i b_i is normal with variance s = sum of the squares of the
    a_i.  In ln s the integrand is analytic and decays at both ends, where the rule converges
    exponentially.
    """
    width = 8 * np.sqrt(2 / k)
    logs = np.log(k) + np.linspace(-160 / k - width, np.log1p(100 / k) + width, 600)
    variances = np.exp(logs)
    weights = np.exp(k / 2 * (logs - np.log(k)) - (variances - k) / 2)
    return variances, weights / weights.sum()
