from collections.abc import Callable
from fractions import Fraction
from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.integrate import quad

from slth.theory import rfss
from slth.theory.entropy import binary_entropy
from slth.theory.laws import Normal, SumLaw, Uniform

SmallestError = Callable[[NDArray[np.float64], float, int | None], float]
Rational = Callable[[Fraction, int], Fraction]


@given(st.integers(1, 200), st.floats(1e-5, 0.99), st.floats(1.0, 3.0))
def test_required_samples_are_the_fewest(k: int, epsilon: float, c_hyp: float) -> None:
    n = int(rfss.required_samples(k, epsilon, c_hyp))
    bits = c_hyp * np.log2(k / epsilon)
    assert n >= 2 * k
    assert n * binary_entropy(k / n) >= bits
    assert n == 2 * k or (n - 1) * binary_entropy(k / (n - 1)) < bits


@given(st.floats(1e-4, 0.5), st.floats(1e-9, 0.99), st.floats(1.0, 4.0))
def test_required_samples_at_density_hold_from_there_on(
    gamma: float, epsilon: float, c_hyp: float
) -> None:
    n = int(rfss.required_samples_at_density(gamma, epsilon, c_hyp))

    def surplus(samples: NDArray[np.float64] | float) -> NDArray[np.float64]:
        need = c_hyp * np.log2(gamma * np.asarray(samples) / epsilon)
        return np.asarray(samples * binary_entropy(gamma) - need)

    assert gamma * n >= 1 - 1e-9
    assert np.all(surplus(n * np.geomspace(1, 1e6, 200)) >= -1e-9)
    assert gamma * (n - 1) < 1 or surplus(n - 1) <= 1e-9


@pytest.mark.parametrize("k", [1, 2, 5, 12])
@pytest.mark.parametrize("epsilon", [Fraction(1, 3), Fraction(1, 2**12), Fraction(1, 2**40)])
def test_expected_hits_against_exact_rational_arithmetic(
    k: int, epsilon: Fraction, irwin_hall_cdf: Rational
) -> None:
    n = 24
    for z in (Fraction(0), Fraction(3, 8), Fraction(k) - Fraction(1, 4)):
        low, high = (k + z - epsilon) / 2, (k + z + epsilon) / 2
        high_mass = irwin_hall_cdf(high, k) if high < k else Fraction(1)
        exact = comb(n, k) * (high_mass - irwin_hall_cdf(low, k))
        value = rfss.expected_hits(n, k, float(z), float(epsilon))
        # For one term the difference of two distribution functions is all there is.
        tolerance = 1e-12 if k > 1 else max(1e-12, 4e-16 / float(epsilon))
        assert value == pytest.approx(float(exact), rel=tolerance)


@pytest.mark.parametrize("law", [Uniform(), Uniform(-0.5, 1.0), Normal(0.6)])
def test_first_two_moments_against_enumeration(law: SumLaw) -> None:
    n, k, z, epsilon, trials = 12, 4, 0.7, 0.01, 20_000
    subsets = np.array(list(combinations(range(n), k)))
    draws = law.sample(11, (trials, n))
    hits = np.concatenate(
        [
            np.sum(np.abs(part[:, subsets].sum(axis=-1) - z) <= epsilon, axis=1)
            for part in np.array_split(draws, 40)
        ]
    ).astype(np.float64)
    expected = float(rfss.expected_hits(n, k, z, epsilon, law))
    assert abs(hits.mean() - expected) < 4 * hits.std() / np.sqrt(trials)
    ratio, error = np.mean(hits**2) / expected**2, np.std(hits**2) / expected**2 / np.sqrt(trials)
    predicted = 1 / expected + rfss.second_moment_ratio(n, k, z, law)
    assert abs(ratio - predicted) < 4 * error + 0.01
    assert abs(ratio - (1 / expected + 1)) > 4 * error + 0.01  # hits are not independent


@pytest.mark.parametrize("k", [1, 2, 3, 10, 40])
@pytest.mark.parametrize("epsilon", [0.2, 1e-4, 1e-12])
def test_threshold_is_where_one_hit_is_expected(k: int, epsilon: float) -> None:
    for z in (0.0, np.sqrt(k) / 2, np.sqrt(k)):
        n = float(rfss.threshold(k, z, epsilon))
        below, above = max(k, int(n)), int(n) + 1
        assert rfss.expected_hits(above, k, z, epsilon) >= 1 - 1e-9
        assert below == k or rfss.expected_hits(below, k, z, epsilon) <= 1 + 1e-9


def test_threshold_is_infinite_out_of_reach() -> None:
    assert rfss.threshold(2, 2.5, 0.1) == np.inf
    np.testing.assert_array_equal(np.isfinite(rfss.threshold([2, 3], 2.5, 0.1)), [False, True])


@pytest.mark.parametrize("law", [Uniform(), Normal(0.8), Uniform(-0.7, 1.0)])
@pytest.mark.parametrize("scaled_z", [0.0, 0.6, 1.0])
def test_threshold_follows_the_asymptotic_formula(law: SumLaw, scaled_z: float) -> None:
    errors = []
    for k in (10, 40, 160):
        z = k * law.mean + scaled_z * np.sqrt(k)
        epsilon = 2.0 ** (-1.4 * k)  # so that k/n stays near one half
        n = rfss.threshold(k, z, epsilon, law)
        errors.append(
            float(n * binary_entropy(k / n) - rfss.first_moment_bits(n, k, z, epsilon, law))
        )
    np.testing.assert_allclose(errors, 0.0, atol=0.1)
    assert abs(errors[2]) < abs(errors[1]) < abs(errors[0]) + 1e-3
    assert abs(errors[2]) < 0.02


def test_the_constant_of_the_uniform_law() -> None:
    bits = rfss.first_moment_bits(1e12, 1e6, 0.0, 1e6)  # k = epsilon: only the constant remains
    assert bits == pytest.approx(0.859, abs=5e-4)


@pytest.mark.parametrize(
    ("n", "k", "z", "epsilon"),
    [
        (16, 8, 0.0, 1e-4),
        (16, 8, 1.5, 5e-4),
        (18, 3, 1.5, 2e-3),
        (20, 2, 0.5, 5e-3),
        (16, 14, 0, 5e-3),
    ],
)
@pytest.mark.parametrize("law", [Uniform(), Normal()])
def test_success_law_against_exact_solving(
    n: int, k: int, z: float, epsilon: float, law: SumLaw, smallest_error: SmallestError
) -> None:
    trials = 1200
    hit = [smallest_error(x, z, k) <= epsilon for x in law.sample(n + k, (trials, n))]
    rate = np.mean(hit)
    predicted = rfss.success_probability(n, k, z, epsilon, law)
    assert abs(rate - predicted) < 0.02 + 4 * np.sqrt(rate * (1 - rate) / trials)


def test_conditioning_on_the_sample_matters(smallest_error: SmallestError) -> None:
    n, k, z, epsilon, trials = 16, 8, 0.0, 1e-3, 1500
    rate = np.mean([smallest_error(x, z, k) <= epsilon for x in Uniform().sample(2, (trials, n))])
    slack = 0.02 + 4 * np.sqrt(rate * (1 - rate) / trials)
    assert abs(rate - rfss.success_probability(n, k, z, epsilon)) < slack
    assert -np.expm1(-rfss.expected_hits(n, k, z, epsilon)) - rate > slack


@given(st.integers(2, 60), st.floats(-1.0, 1.0), st.floats(1e-6, 0.5))
def test_success_law_is_exact_for_one_term_and_for_all(n: int, z: float, epsilon: float) -> None:
    one = float(rfss.hit_probability(1, z, epsilon))
    assert rfss.success_probability(n, 1, z, epsilon) == pytest.approx(1 - (1 - one) ** n)
    everything = rfss.hit_probability(n, z, epsilon)
    assert rfss.success_probability(n, n, z, epsilon) == pytest.approx(float(everything), abs=1e-14)


def test_success_and_first_moment_respect_markov_and_second_moment() -> None:
    n, z = np.arange(16, 41, 4), 0.5
    success = rfss.success_probability(n, 8, z, 1e-5)
    assert np.all(np.diff(success) > 0)
    assert np.all(success <= rfss.expected_hits(n, 8, z, 1e-5) * 1.01)
    bound = [rfss.second_moment_bound(int(m), 8, z, 1e-5) for m in n]
    assert np.all(success >= bound)
    assert np.all(np.array(bound) < 1)


@pytest.mark.parametrize("law", [Uniform(), Uniform(-0.4, 1.0), Normal(0.5)])
@pytest.mark.parametrize(("i", "k", "z"), [(1, 3, 0.4), (2, 3, 0.4), (4, 9, 1.1), (8, 9, -0.3)])
def test_overlap_ratio_against_adaptive_quadrature(law: SumLaw, i: int, k: int, z: float) -> None:
    value, _ = quad(
        lambda y: float(law.sum_pdf(y, i) * law.sum_pdf(z - y, k - i) ** 2), -10, 10, limit=800
    )
    expected = value / float(law.sum_pdf(z, k)) ** 2
    assert rfss.overlap_ratio(i, k, z, law) == pytest.approx(expected, rel=1e-5)


def test_second_moment_ratio_tends_to_its_limit() -> None:
    gamma, limit_of = 0.25, []
    for n in (40, 160, 640):
        k = int(gamma * n)
        z = 0.5 * np.sqrt(k)
        limit = (1 - gamma**2) ** -0.5 * np.exp(3 * 0.25 * gamma / (1 + gamma))
        ratio = rfss.second_moment_ratio(n, k, z, Normal(1 / np.sqrt(3)))
        limit_of.append(abs(ratio - limit))
        uniform = rfss.second_moment_ratio(n, k, z) if n < 200 else ratio
        assert uniform == pytest.approx(ratio, rel=0.5 / k)
    assert limit_of[2] < limit_of[1] / 3 < limit_of[0] / 9
    assert limit_of[2] < 2e-3


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="size k=12 exceeds the n=10 available samples"):
        rfss.expected_hits(10, 12, 0.0, 0.1)
    with pytest.raises(ValueError, match="epsilon must lie"):
        rfss.required_samples(3, 1.0)
    with pytest.raises(ValueError, match="c_hyp must lie"):
        rfss.required_samples(3, 0.1, 0.5)
    with pytest.raises(ValueError, match=r"exceeds 2\^62"):
        rfss.required_samples(1, 1e-30)
    with pytest.raises(ValueError, match="gamma must lie"):
        rfss.required_samples_at_density(0.6, 0.1)
    with pytest.raises(ValueError, match="0 < k < n"):
        rfss.first_moment_bits(5, 5, 0.0, 0.1)
    with pytest.raises(ValueError, match="overlap i=3 must be below"):
        rfss.overlap_ratio(3, 3, 0.0)
