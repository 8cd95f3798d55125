"""How many random products one target weight needs, live and dead ones together."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom

from slth.theory import _success
from slth.theory._common import Floats, as_floats, between, integers, smallest_integer
from slth.theory.products import ReluProduct


def product_success_probability(
    n: ArrayLike,
    size: int | None,
    weight: float,
    tolerance: float,
    law: ReluProduct | None = None,
) -> Floats:
    r"""$\Pr(Y>0)\approx\sum_\ell\Pr(L=\ell)\,\mathbb E[1-e^{-\mu_\ell}]$, L being live.

    Of n samples $b_i\max(a_i,0)$ only the live ones (a > 0) are used; given how many there are, the
    success law of :func:`success_probability` applies to them (any size: to all $2^\ell$ subsets).

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
    Derived for this project and heuristic; for size 1 the sum is exact.

    Examples
    --------
    >>> bool(0.9 < product_success_probability(60, None, 0.5, 1e-4) < 1.0)
    True
    """
    samples = integers(n, "n", 1)
    between(tolerance, "tolerance", 0.0, np.inf)
    if size is not None:
        integers(size, "size", 1)
    failure = _GadgetFailure(size, weight, tolerance, law or ReluProduct())
    return as_floats(1.0 - np.reshape([failure(int(m)) for m in samples.flat], samples.shape))


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
        Number N of weights in the union bound.
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
    Derived for this project and heuristic.

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
    missed = _GadgetFailure(size, weight, tolerance, law or ReluProduct())
    high = 2 * (size or 1)
    while missed(high) > allowed:
        high *= 2
        if high > 1_000_000:
            raise ValueError(
                f"no n up to a million hits a weight of {weight:g} within {tolerance:g} "
                f"with failure {allowed:g}"
            )
    found = smallest_integer(
        lambda m: np.array([missed(int(v)) <= allowed for v in np.atleast_1d(m)]).reshape(m.shape),
        np.asarray(high // 2),
        np.asarray(high),
    )
    return int(found)


class _GadgetFailure:
    """n -> Pr(no subset of the live ones among n products hits); failures given L = l are kept."""

    def __init__(self, size: int | None, weight: float, tolerance: float, law: ReluProduct) -> None:
        self._size, self._weight, self._tolerance = size, weight, tolerance
        self._law = law.live
        self._given: dict[int, float] = {}

    def __call__(self, n: int) -> float:
        spread = 9.0 * np.sqrt(n) / 2  # beyond, the binomial law has less than 1e-17 left
        live = np.arange(max(0, int(n / 2 - spread)), min(n, int(n / 2 + spread) + 1) + 1)
        missing = np.array([m for m in live.tolist() if m not in self._given], dtype=np.int64)
        if missing.size:
            self._given.update(
                zip(missing.tolist(), self._conditional(missing).tolist(), strict=True)
            )
        given = np.array([self._given[m] for m in live.tolist()])
        return float(min(1.0, np.sum(binom.pmf(live, n, 0.5) * given)))

    def _conditional(self, live: NDArray[np.int64]) -> NDArray[np.float64]:
        size = self._size
        enough = live >= (0 if size is None else size)
        usable = np.where(enough, live, 1 if size is None else size)
        targets = np.full(live.shape, float(self._weight))
        tolerances = np.full(live.shape, float(self._tolerance))
        if size is None:
            failure = _success.failure_any_size(usable, targets, tolerances, self._law)
        else:
            sizes = np.full(live.shape, size)
            failure = _success.failure_exactly(usable, sizes, targets, tolerances, self._law)
        return np.where(enough, failure, 1.0)
