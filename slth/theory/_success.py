r"""The conditional Poisson law: how likely no subset hits, averaged over the sample's moments.

Given the mean $\bar X$ and variance $S^2$ of the sample, the sum over a random subset is close to
normal with known mean m and variance v, and the number of subsets that hit is close to a Poisson
variable with mean $\mu=N\cdot2\varepsilon\,\phi((z-m)/\sqrt v)/\sqrt v$, N being the number of
subsets.  So $\Pr(Y=0)\approx\mathbb E[e^{-\mu}]$. This is a heuristic, derived for this project;
the tests and the book compare it with exact solving.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from slth.arrays import FloatOrFloats
from slth.theory._common import as_floats
from slth.theory.entropy import log2_binomial
from slth.theory.laws import SumLaw

_LN2 = np.log(2.0)


def hit_probability(
    k: NDArray[np.int64], z: NDArray[np.float64], epsilon: NDArray[np.float64], law: SumLaw
) -> FloatOrFloats:
    """Pr(|X_1 + ... + X_k - z| <= epsilon), to nearly full relative accuracy."""
    # By symmetry about the mean: the tails of interest lie on the left, where cdf values are small.
    z = np.asarray(k * law.mean - np.abs(z - k * law.mean), dtype=np.float64)
    low, high = z - epsilon, z + epsilon
    wide = law.sum_cdf(high, k) - law.sum_cdf(low, k)
    # A narrow window would cancel in that difference: integrate the density instead.  For k = 1 the
    # density may jump inside the window; there the difference is all there is.
    nodes, weights = np.polynomial.legendre.leggauss(8)
    left, right = (z - epsilon / 2)[..., None], (z + epsilon / 2)[..., None]
    half = np.asarray(epsilon / 2)[..., None]
    order = np.asarray(k)[..., None]
    narrow = np.sum(
        weights
        * half
        * (law.sum_pdf(left + half * nodes, order) + law.sum_pdf(right + half * nodes, order)),
        axis=-1,
    )
    use_density = (k > 1) & (epsilon < 1e-3 * np.sqrt(law.variance))
    return as_floats(np.clip(np.where(use_density, narrow, wide), 0.0, 1.0))


def failure_exactly(
    n: NDArray[np.int64],
    k: NDArray[np.int64],
    z: NDArray[np.float64],
    epsilon: NDArray[np.float64],
    law: SumLaw,
    probability: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Pr(no k-subset of n samples hits z); arrays of one shape, 1 <= k <= n.

    ``probability`` is :func:`hit_probability` of the same k, z, epsilon, law; it does not depend on
    n, so that callers with many n compute it once.

    For k = 1 (independent trials) and k = n (one subset) the value is exact.  In between, mu is
    scaled so that its expectation is E[Y]: by the exact density of the sum over its normal
    approximation.
    """
    with np.errstate(divide="ignore"):
        independent = np.exp(n * np.log1p(-probability))
    inner = (k > 1) & (k < n)
    samples, sizes = np.where(inner, n, 3), np.where(inner, k, 2)

    with np.errstate(divide="ignore"):
        log_density = np.log(probability) - np.log(2 * epsilon)
    normal = log_normal(z - sizes * law.mean, sizes * law.variance)
    log_factor = log2_binomial(samples, sizes) * _LN2 + log_density - normal

    def moments(
        mean: NDArray[np.float64], variance: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        sizes_, samples_ = sizes[..., None, None], samples[..., None, None]
        return sizes_ * mean, sizes_ * (1 - sizes_ / samples_) * variance

    poisson = _average(samples, z, epsilon, law, log_factor, moments)
    return np.where(k == n, 1 - probability, np.where(k == 1, independent, poisson))


def failure_any_size(
    n: NDArray[np.int64],
    z: NDArray[np.float64],
    epsilon: NDArray[np.float64],
    law: SumLaw,
) -> NDArray[np.float64]:
    """Pr(no subset of any size hits z); arrays of one shape.

    A uniformly random subset has sum of mean n X/2 and variance (sum of squares)/4; n >= 2.
    """

    def moments(
        mean: NDArray[np.float64], variance: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        samples = n[..., None, None]
        return samples * mean / 2, ((samples - 1) * variance + samples * mean**2) / 4

    poisson = _average(n, z, epsilon, law, n * _LN2, moments)
    return np.where(np.abs(z) <= epsilon, 0.0, poisson)


def _average(
    n: NDArray[np.int64],
    z: NDArray[np.float64],
    epsilon: NDArray[np.float64],
    law: SumLaw,
    log_factor: FloatOrFloats,
    moments: Callable[
        [NDArray[np.float64], NDArray[np.float64]],
        tuple[NDArray[np.float64], NDArray[np.float64]],
    ],
) -> NDArray[np.float64]:
    """E[exp(-mu)] over the sample's mean and variance."""
    means, variances, weights = sample_moments(n, law)
    centre, spread = moments(means, variances)
    log_mu = (np.asarray(log_factor) + np.log(2 * epsilon))[..., None, None]
    log_mu = log_mu + log_normal(z[..., None, None] - centre, spread)
    missed = np.exp(-np.exp(np.minimum(log_mu, 700.0)))
    failure: NDArray[np.float64] = np.average(missed, axis=(-2, -1), weights=weights)
    return failure


def sample_moments(
    n: NDArray[np.int64], law: SumLaw
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Nodes for the mean (second to last axis) and variance (last axis) of a sample, and weights.

    The mean is normal and the variance Gamma, with the mean and variance that both have under the
    law.  Both averages are trapezoidal rules, the second in ln S^2, so the result is deterministic.
    """
    n_ = n[..., None, None].astype(np.float64)
    deviates = np.linspace(-8.0, 8.0, 81)[:, None]
    means = law.mean + np.sqrt(law.variance / n_) * deviates
    shape = 1.0 / ((law.kurtosis - 3.0) / n_ + 2.0 / (n_ - 1.0))  # 1 / Var(S^2 / variance)
    logs = np.linspace(-7.0, 7.0, 29) / np.sqrt(shape)
    weights = np.exp(-(deviates**2) / 2 + shape * (logs - np.expm1(logs)))
    return means, law.variance * np.exp(logs), weights


def log_normal(distance: NDArray[np.float64], variance: FloatOrFloats) -> NDArray[np.float64]:
    """Logarithm of the normal density with mean zero."""
    return -(distance**2) / (2 * variance) - 0.5 * np.log(2 * np.pi * np.asarray(variance))
