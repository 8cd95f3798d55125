from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from slth.theory import rfss, sample_mean
from slth.theory.laws import Normal

DENSITIES = st.floats(0.01, 0.6)
TARGETS = st.floats(-2.0, 2.0)


def expectation(function: Callable[[float], float]) -> float:
    """Over a standard normal law, by adaptive quadrature."""

    def integrand(g: float) -> float:
        return float(np.exp(-(g**2) / 2) / np.sqrt(2 * np.pi)) * function(g)

    return float(quad(integrand, -12, 12, limit=400, epsabs=1e-12, epsrel=1e-12)[0])


@given(DENSITIES, TARGETS)
def test_the_factor_has_mean_one_and_the_limit_as_second_moment(gamma: float, zeta: float) -> None:
    def factor(g: float) -> float:
        return float(sample_mean.hits_factor(g, gamma, zeta))

    assert expectation(factor) == pytest.approx(1, rel=1e-9)
    assert expectation(lambda g: factor(g) ** 2) == pytest.approx(
        float(sample_mean.limit_ratio(gamma, zeta)), rel=1e-8
    )


@given(DENSITIES, TARGETS, st.floats(1e-3, 1e3))
def test_limit_success_against_adaptive_quadrature(gamma: float, zeta: float, hits: float) -> None:
    expected = expectation(
        lambda g: -np.expm1(-hits * float(sample_mean.hits_factor(g, gamma, zeta)))
    )
    value = float(sample_mean.limit_success(hits, gamma, zeta))
    assert value == pytest.approx(expected, rel=1e-7)
    assert value <= -np.expm1(-hits) + 1e-12  # Jensen: luck that varies never helps


def test_limit_success_broadcasts() -> None:
    table = sample_mean.limit_success([[1.0], [2.0]], [0.1, 0.3, 0.5], 0.5)
    assert np.shape(table) == (2, 3)
    assert np.asarray(table)[1, 2] == sample_mean.limit_success(2.0, 0.5, 0.5)


@pytest.mark.parametrize("zeta", [0.0, 1.0, 3**0.5])
@pytest.mark.parametrize("gamma", [0.5, 0.25, 0.05])
def test_the_limit_is_approached_at_rate_one_over_k(gamma: float, zeta: float) -> None:
    errors = []
    for k in (20, 40, 80):
        ratio = rfss.second_moment_ratio(round(k / gamma), k, zeta * np.sqrt(k), Normal())
        errors.append(abs(ratio / float(sample_mean.limit_ratio(gamma, zeta)) - 1))
    assert errors[0] < 0.1
    assert errors[1] < 0.6 * errors[0]
    assert errors[2] < 0.6 * errors[1]


@pytest.mark.parametrize(("n", "k"), [(5, 2), (8, 4), (30, 12), (64, 3), (9, 6)])
@pytest.mark.parametrize("zeta", [0.0, 1.3])
def test_the_second_moment_is_that_of_its_conditional_parts(n: int, k: int, zeta: float) -> None:
    def square(g: float) -> float:
        factor = float(sample_mean.hits_factor(g, k / n, zeta))
        return factor**2 * float(sample_mean.ratio_given_mean(n, k, zeta, g))

    ratio = rfss.second_moment_ratio(n, k, zeta * np.sqrt(k), Normal())
    if n == 2 * k:  # a subset and its complement, which hit together only at one mean
        ratio -= 1 / len(list(combinations(range(n), k)))
    assert expectation(square) == pytest.approx(ratio, rel=1e-6)


@given(st.integers(3, 60), st.data())
def test_the_conditional_bound_is_at_least_the_plain_one(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(1, (n - 1) // 2))
    zeta, hits = data.draw(TARGETS), data.draw(st.floats(0.01, 1e4))
    bound = float(sample_mean.success_given_mean(n, k, zeta, hits))
    plain = 1 / (1 / hits + rfss.second_moment_ratio(n, k, zeta * np.sqrt(k), Normal()))
    assert plain <= bound * (1 + 1e-9)


@pytest.mark.parametrize("zeta", [0.0, 3**0.5])
def test_gaussian_samples_keep_the_conditional_promise(zeta: float) -> None:
    n, k, trials = 14, 6, 6000
    z, hits = zeta * np.sqrt(k), np.array([1.0, 5.0, 25.0])
    subsets = np.array(list(combinations(range(n), k)))
    rows = np.random.default_rng(3).standard_normal((trials, n))
    errors = np.array([np.abs(x[subsets].sum(axis=1) - z).min() for x in rows])
    epsilon = hits * 1e-9 / float(rfss.expected_hits(n, k, z, 1e-9, Normal()))
    rate = np.mean(errors[:, None] <= epsilon, axis=0)
    bound = sample_mean.success_given_mean(n, k, zeta, hits)
    assert np.all(rate >= bound - 0.01)
    assert np.all(rate <= sample_mean.limit_success(hits, k / n, zeta) + 0.02)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sample_mean.hits_factor(0.0, 1.0, 0.0), "gamma must lie in"),
        (lambda: sample_mean.limit_ratio(0.0, 0.0), "gamma must lie in"),
        (lambda: sample_mean.limit_success(-1.0, 0.5, 0.0), "hits must lie in"),
        (lambda: sample_mean.ratio_given_mean(4, 4, 0.0, 0.0), "needs k < n"),
        (lambda: sample_mean.success_given_mean(4, 2, 0.0, 0.0), "hits must lie in"),
    ],
)
def test_bad_arguments(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
