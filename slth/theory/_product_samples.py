"""How many random products one target weight needs, live and dead ones together."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import logsumexp
from scipy.stats import binom

from slth.arrays import FloatOrFloats
from slth.theory._common import as_floats, between, integers, smallest_integer
from slth.theory._saddlepoint import log_hits
from slth.theory._success import hit_probability
from slth.theory.entropy import log2_binomial
from slth.theory.products import ReluProduct

MOST_SAMPLES = 1_000_000
_SPARE = 1.5  # by how much the expected hits may be off, as a logarithm, before we rely on them
_LN2 = np.log(2.0)


def product_success_probability(
    n: ArrayLike,
    size: int | None,
    weight: float,
    tolerance: float,
    law: ReluProduct | None = None,
) -> FloatOrFloats:
    r"""$\Pr(Y>0)\approx\sum_\ell\Pr(L=\ell)\,\mathbb E[1-e^{-\mu_\ell}]$, L being live.

    Of n samples $b_i\max(a_i,0)$ only the live ones (a > 0) are used, so L is Binomial(n, 1/2).
    Given the live products x, the number of hits counts as Poisson with mean $\mu$, their expected
    number by the saddlepoint approximation for x; the average over x is importance sampling from a
    fixed seed.  Unlike :func:`success_probability`, which only looks at the sample's mean and
    variance, this stays right where misses are rare.

    Parameters
    ----------
    n : array_like of int
        Samples of one gadget, >= 1, dead products included.
    size : int or None
        Exactly this many live products, or any number of them (None).
    weight, tolerance : float
        The target weight, and the tolerance > 0.
    law : ReluProduct, optional
        Law of the products; uniform weights unless given.

    Returns
    -------
    float64, shape of n

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Derived for this project and heuristic; for size 1 the sum is exact.  Against exact solving the
    probability of a miss, from 0.9 down to 0.001, is right within a factor of about 1.7 (3 for
    size 3 and normal weights), on the optimistic side.

    Examples
    --------
    >>> bool(0.9 < product_success_probability(60, None, 0.5, 1e-4) < 1.0)
    True
    """
    samples = integers(n, "n", 1)
    between(tolerance, "tolerance", 0.0, np.inf)
    if size is not None:
        integers(size, "size", 1)
    failure = MissProbability(size, weight, law or ReluProduct())
    missed = [failure(int(m), tolerance) for m in samples.flat]
    return as_floats(1.0 - np.reshape(missed, samples.shape))


def required_product_samples(
    size: int | None,
    weight: float,
    tolerance: float,
    failure: float,
    *,
    weights: int = 1,
    law: ReluProduct | None = None,
) -> int:
    r"""Smallest n with $N\Pr(\text{miss})\le\delta$, by :func:`product_success_probability`.

    Parameters
    ----------
    size : int or None
        Exactly this many live products per weight, or any number of them (None).
    weight : float
        The hardest target: the largest absolute value of a weight.
    tolerance : float
        Tolerance per weight, > 0.
    failure : float
        Allowed probability delta that some weight is missed, in (0, 1).
    weights : int
        Number N of targets in the union bound; a weight whose input may have either sign counts
        twice, once for each half.
    law : ReluProduct, optional
        Law of the products; uniform weights unless given.

    Returns
    -------
    int
        Samples per weight gadget, dead products included (about half of them).

    Raises
    ------
    ValueError
        If an argument is out of range, or no n up to a million is enough.

    Notes
    -----
    Derived for this project and heuristic.  The union bound is generous: outputs share the signs of
    the first random layer, so misses come together.

    Examples
    --------
    >>> few, many = (required_product_samples(10, 0.5, 1e-4, 0.01, weights=n) for n in (1, 1000))
    >>> few < many
    True
    """
    between(tolerance, "tolerance", 0.0, np.inf)
    allowed = between(failure, "failure", 0.0, 1.0) / integers(weights, "weights", 1)
    if size is not None:
        integers(size, "size", 1)
    found = fewest_samples(
        MissProbability(size, weight, law or ReluProduct()), tolerance, float(allowed)
    )
    if found is None:
        raise beyond(MOST_SAMPLES, weight, tolerance, float(allowed))
    return found


def beyond(most: int, weight: float, tolerance: float, allowed: float) -> ValueError:
    """Say that no number of samples is enough."""
    return ValueError(
        f"no n up to {most:,} hits a weight of {weight:g} within {tolerance:g} "
        f"with failure {allowed:g}"
    )


def fewest_samples(
    missed: "MissProbability", tolerance: float, allowed: float, most: int = MOST_SAMPLES
) -> int | None:
    """Smallest n whose probability of a miss is at most ``allowed``; None if it exceeds ``most``.

    By Jensen's inequality the probability is at least exp(-expected hits), so that an n with too
    few of them need not be tried.
    """
    high = 2 * (missed.size or 1)
    log_hit = missed.log_hit(tolerance)

    def hopeless(n: int) -> bool:
        if missed.size is None:
            return False
        expected = log_subsets(n, missed.size) + log_hit
        return bool(expected < np.log(-np.log(allowed)) - _SPARE)

    if hopeless(most):
        return None
    while hopeless(high) or missed(high, tolerance) > allowed:
        high *= 2
        if high > most:
            return None
    found = smallest_integer(
        lambda m: np.reshape(
            [missed(int(v), tolerance) <= allowed for v in np.atleast_1d(m)], m.shape
        ),
        np.asarray(high // 2),
        np.asarray(high),
    )
    return int(found)


def log_subsets(n: int, size: int) -> float:
    """Ln of the expected number of subsets of that size among the live ones of n products."""
    return (float(log2_binomial(n, size)) - size) * math.log(2.0)


def log_hit(size: int | None, weight: float, tolerance: float, law: ReluProduct) -> float:
    """Ln of the probability that the sum of that many live products hits; 0 for any number."""
    if size is None:
        return 0.0
    hit = hit_probability(np.array(size), np.array(weight), np.array(tolerance), law.live)
    with np.errstate(divide="ignore"):
        return float(np.log(hit))


class MissProbability:
    """(n, tolerance) -> Pr(no subset of the live ones among n products hits the weight).

    Given L = l live products the probability is an average of exp(-expected hits) over random
    samples, by importance sampling from a fixed seed: some of the draws are tilted towards samples
    that hardly reach the weight, which is how rare misses come about.  It is computed on a ladder
    of values of l and interpolated.  The samples do not depend on the tolerance and are kept.
    """

    _ATOMS = 4096  # the live law as equally likely quantiles
    _BUDGET = 40_000  # products drawn per rung of the ladder

    def __init__(self, size: int | None, weight: float, law: ReluProduct) -> None:
        self.size, self.weight, self._law = size, abs(float(weight)), law
        self._least = 2 if size is None else size + 1  # fewer live products count as a miss
        self._drawn: dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
        self._heights: dict[tuple[int, float], float] = {}
        levels = (np.arange(self._ATOMS) + 0.5) / self._ATOMS
        magnitudes = np.geomspace(1e-9, 60.0, 1_500)
        grid = np.concatenate([-magnitudes[::-1], magnitudes])
        self._atoms = np.interp(levels, law.live.cdf(grid), grid)
        if size is not None:
            # What the saddlepoint makes of the number of hits among all atoms, per unit of length.
            self._among_atoms = float(self._log_density(self._atoms[None, :])[0])

    def __call__(self, n: int, tolerance: float) -> float:
        """Probability of a miss."""
        if self.size is None and self.weight <= tolerance:  # the empty subset hits
            return 0.0
        if self.size == 1:  # n independent trials, each live with probability one half
            return float(np.exp(n * np.log1p(-np.exp(self.log_hit(tolerance)) / 2)))
        live = np.arange(n + 1)
        weights = binom.pmf(live, n, 0.5)
        live, weights = live[weights > 1e-15], weights[weights > 1e-15]
        rungs = self._ladder(int(live[-1]))
        needed = rungs[max(0, np.searchsorted(rungs, live[0], side="right") - 1) :].tolist()
        # -ln(failure) is the effective number of hits: between rungs a power of l.
        heights = np.interp(
            np.log(np.maximum(live, 1)),
            np.log(needed),
            [self._height(rung, tolerance) for rung in needed],
        )
        given = np.where(live >= self._least, np.exp(-np.exp(heights)), 1.0)
        return float(np.sum(weights * given))

    def log_hit(self, tolerance: float) -> float:
        """Ln of the probability that the sum of ``size`` live products hits."""
        return log_hit(self.size, self.weight, tolerance, self._law)

    def _correction(self, tolerance: float) -> float:
        """Saddlepoint error of a k-fold sum of independent draws, which matters for small k."""
        if self.size is None:
            return 0.0
        exact = log2_binomial(self._ATOMS, self.size) * _LN2 + self.log_hit(tolerance)
        return float(exact - self._among_atoms - np.log(2 * tolerance))

    def _ladder(self, top: int) -> NDArray[np.int64]:
        rungs = [self._least]
        while rungs[-1] < top:
            rungs.append(max(rungs[-1] + 1, int(rungs[-1] * 1.2)))
        return np.array(rungs)

    def _log_density(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Ln of the expected number of hits per unit of length around the weight."""
        return log_hits(x, self.weight, 0.5, self.size)

    def _height(self, live: int, tolerance: float) -> float:
        """Ln(-ln(failure)) given that many live products."""
        if (live, tolerance) not in self._heights:
            if live not in self._drawn:
                self._drawn[live] = self._draw(live)
            weights, log_density = self._drawn[live]
            log_mean = log_density + np.log(2 * tolerance) + self._correction(tolerance)
            missed = np.exp(-np.exp(np.minimum(log_mean, 700)))
            failure = np.clip(np.mean(weights * missed), 1e-300, 1 - 1e-12)
            self._heights[live, tolerance] = float(np.log(-np.log(failure)))
        return self._heights[live, tolerance]

    def _draw(self, live: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Draw samples: their importance weights, and how dense their sums are at the weight."""
        rng = np.random.default_rng(live)
        draws = min(2048, max(64, self._BUDGET // live))
        positive = np.maximum(self._atoms, 0.0)
        tilts = self._strongest_tilt(positive, live) * np.array([0.0, 1 / 3, 2 / 3, 1.0])
        normalisers = np.array([np.mean(np.exp(-tilt * positive)) for tilt in tilts])
        rows = np.arange(draws) % tilts.size
        index = np.empty((draws, live), dtype=np.int64)
        for j, tilt in enumerate(tilts):
            mine = rows == j
            cumulative = np.cumsum(np.exp(-tilt * positive))
            uniform = rng.random((int(mine.sum()), live)) * cumulative[-1]
            index[mine] = np.searchsorted(cumulative, uniform)
        index = np.minimum(index, self._ATOMS - 1)
        reach = np.sum(positive[index], axis=-1)
        log_densities = -tilts * reach[:, None] - live * np.log(normalisers)
        weights = np.exp(
            np.log(tilts.size) - logsumexp(log_densities, axis=-1)
        )  # balance heuristic
        return weights, self._log_density(self._atoms[index])

    def _strongest_tilt(self, positive: NDArray[np.float64], live: int) -> float:
        """Find s so that the positive parts, tilted by exp(-s x), sum to the weight on average."""

        def surplus(tilt: float) -> float:
            return (
                live * float(np.average(positive, weights=np.exp(-tilt * positive))) - self.weight
            )

        if surplus(0.0) <= 0:
            return 0.0
        high = 1.0 / positive.max()
        while surplus(high) > 0:
            high *= 2
        return float(brentq(surplus, 0.0, high, rtol=1e-3))
