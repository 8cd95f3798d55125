from collections.abc import Callable
from fractions import Fraction
from itertools import combinations
from math import ceil, comb
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from slth.theory import rfss, second_moment
from slth.theory.entropy import binary_entropy
from slth.theory.laws import Normal, SumLaw, Uniform
from slth.theory.products import ReluProduct

Rational = Callable[[Fraction, int], Fraction]
NARROW = Normal(std=3**-0.5)
PRODUCT = cast(SumLaw, ReluProduct())  # its sums are not known


@pytest.mark.parametrize(("n", "k"), [(2, 1), (5, 2), (6, 3), (7, 4), (7, 7)])
def test_overlap_probability_against_enumeration(n: int, k: int) -> None:
    subsets = [set(s) for s in combinations(range(n), k)]
    pairs = np.zeros(k + 1, dtype=np.int64)
    for one in subsets:
        for other in subsets:
            pairs[len(one & other)] += 1
    expected = pairs / comb(n, k) ** 2
    np.testing.assert_allclose(second_moment.overlap_probability(n, k), expected, rtol=1e-12)


@given(st.integers(2, 120), st.data())
def test_chebyshev_tail_bounds_the_exact_tail(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(1, n - 1))
    theta = data.draw(st.fractions(Fraction(k, n), 1, max_denominator=1000))
    if theta * n <= k:
        return
    tail = sum(
        Fraction(comb(k, i) * comb(n - k, k - i), comb(n, k)) for i in range(ceil(theta * k), k + 1)
    )
    bound = second_moment.chebyshev_tail(n, k, float(theta))
    variance = Fraction(k**2 * (n - k) ** 2, n**2 * (n - 1))
    assert bound == pytest.approx(float(variance / (theta * k - Fraction(k * k, n)) ** 2), rel=1e-6)
    assert float(tail) <= bound * (1 + 1e-9)


def _uniform_pair(i: int, k: int, z: Fraction, epsilon: Fraction, cdf: Rational) -> float:
    """Apply the midpoint rule on a fine grid, with exact distribution functions."""

    def hit(y: Fraction) -> Fraction:
        m = k - i
        low, high = (m + z - y - epsilon) / 2, (m + z - y + epsilon) / 2
        return (cdf(min(high, Fraction(m)), m) if high < m else Fraction(1)) - (
            cdf(low, m) if low < m else Fraction(1)
        )

    steps = 400
    total, previous = 0.0, Fraction(0)
    for j in range(1, steps + 1):
        right = cdf(Fraction(i * j, steps), i) if j < steps else Fraction(1)
        middle = Fraction(i * (2 * j - 1), steps) - i
        total += float((right - previous) * hit(middle) ** 2)
        previous = right
    return total


@pytest.mark.parametrize(("i", "k"), [(1, 2), (1, 3), (2, 3), (3, 5)])
@pytest.mark.parametrize("epsilon", [Fraction(1, 2), Fraction(1, 8)])
def test_joint_hit_probability_against_exact_distribution_functions(
    i: int, k: int, epsilon: Fraction, irwin_hall_cdf: Rational
) -> None:
    z = Fraction(3, 4)
    value = second_moment.joint_hit_probability(i, k, float(z), float(epsilon))
    assert value == pytest.approx(_uniform_pair(i, k, z, epsilon, irwin_hall_cdf), rel=2e-3)


@pytest.mark.parametrize(("i", "k"), [(1, 4), (3, 4), (2, 9), (8, 9)])
@pytest.mark.parametrize("epsilon", [0.9, 0.05])
def test_joint_hit_probability_of_gaussian_pairs_against_the_bivariate_normal(
    i: int, k: int, epsilon: float
) -> None:
    z, s2 = 0.6, NARROW.variance
    pair = multivariate_normal([0, 0], s2 * np.array([[k, i], [i, k]]))
    square = pair.cdf([z + epsilon] * 2, lower_limit=[z - epsilon] * 2)
    value = second_moment.joint_hit_probability(i, k, z, epsilon, NARROW)
    assert value == pytest.approx(float(square), rel=1e-6)


@pytest.mark.parametrize("law", [Uniform(), Uniform(-0.5, 1.0), Normal(0.8)])
@pytest.mark.parametrize(("n", "k"), [(2, 1), (9, 3), (16, 8), (64, 3)])
def test_parts_approach_the_limit_of_small_tolerances(n: int, k: int, law: SumLaw) -> None:
    z, epsilon = 0.4 * np.sqrt(k), 1e-9
    split = second_moment.parts(n, k, z, epsilon, 0.75, law)
    assert split.same == pytest.approx(1 / float(rfss.expected_hits(n, k, z, epsilon, law)))
    ratio = rfss.second_moment_ratio(n, k, z, law)
    assert split.high + split.low == pytest.approx(ratio, rel=1e-5)
    assert split.total == split.same + split.high + split.low


@pytest.mark.parametrize("law", [Uniform(), NARROW])
def test_second_moment_against_counted_hits(law: SumLaw) -> None:
    n, k, z, epsilon, trials = 8, 3, 1.0, 0.3, 40_000
    subsets = np.array(list(combinations(range(n), k)))
    draws = law.sample(5, (trials, n))
    hits = np.sum(np.abs(draws[:, subsets].sum(axis=-1) - z) <= epsilon, axis=1).astype(float)
    squares = (hits / float(rfss.expected_hits(n, k, z, epsilon, law))) ** 2
    error = squares.std() / np.sqrt(trials)
    total = float(second_moment.parts(n, k, z, epsilon, 0.5, law).total)
    assert abs(float(squares.mean()) - total) < 4 * error


def test_the_tolerance_counts_where_it_is_not_small() -> None:
    n, k, z, epsilon = 8, 3, 1.0, 0.3
    limit = 1 / float(rfss.expected_hits(n, k, z, epsilon)) + rfss.second_moment_ratio(n, k, z)
    total = float(second_moment.parts(n, k, z, epsilon, 0.5).total)
    assert abs(total / limit - 1) > 0.02


@given(st.integers(2, 30), st.data())
def test_part_bounds_bound_the_parts(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(1, n // 2))
    theta = data.draw(st.floats(0.55, 0.95))
    z = data.draw(st.floats(0, 1)) * np.sqrt(k)
    epsilon = float(k * 2.0 ** -(n * binary_entropy(k / n)))
    c_l, c_u = np.sqrt(3 / (2 * np.pi)) * np.exp(-3 / 2), np.sqrt(1 / 2)
    true = second_moment.parts(n, k, z, epsilon, theta)
    bound = second_moment.part_bounds(n, k, epsilon, theta, c_l, c_u)
    assert true.same <= bound.same <= np.sqrt(2) / c_l * (1 + 1e-12)
    assert true.high <= bound.high
    assert true.low <= bound.low


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: second_moment.overlap_probability(3, 4), "size k=4 exceeds the n=3"),
        (lambda: second_moment.chebyshev_tail(8, 4, 0.5), "must exceed the density"),
        (lambda: second_moment.chebyshev_tail(8, 8, 1.0), "needs k < n"),
        (lambda: second_moment.joint_hit_probability(4, 3, 0.0, 0.1), "overlap i=4 exceeds"),
        (lambda: second_moment.joint_hit_probability(1, 3, 0.0, 0.0), "epsilon must lie in"),
        (lambda: second_moment.joint_hit_probability(1, 3, 0.0, 0.1, PRODUCT), "not ReluP"),
        (lambda: second_moment.parts(8, 3, 5.0, 0.1), "no sum of k=3 samples"),
        (lambda: second_moment.part_bounds(8, 3, 1.5, 0.7, 0.1, 1.0), "epsilon must lie in"),
        (lambda: second_moment.part_bounds(8, 3, 0.5, 0.7, 0.0, 1.0), "c_l, c_u must lie in"),
    ],
)
def test_bad_arguments(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
